//! The release on a real cluster: the doctor proves the lock, an upgrade disturbs nobody, an uninstalled operator unlocks nothing.

use serde_json::{Value, json};

use super::error::{Result, check, check_equal};
use crate::cluster::internet;
use crate::node::Site;
use crate::node::acts::{self, namespace};
use crate::node::attestation::Exported;
use crate::node::notebook::{Cell, talk};
use crate::node::story::{self, RESEARCHER, Source, get};

/// `doctor --probe` judges each node as `enforces` says, and leaves no pod behind.
pub(super) fn doctor_proves(site: &Site, enforces: impl Fn(&str) -> bool) -> Result<()> {
    let (_, said) = site.sde_as_admin(&["doctor", "--probe", "--output", "json"])?;
    let report: Value = serde_json::from_str(&said).unwrap_or_default();
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    for node in site.cluster.nodes()? {
        let of_node: Vec<&Value> = checks
            .iter()
            .filter(|c| {
                c["found"]
                    .as_str()
                    .is_some_and(|found| found.starts_with(&format!("{node}: ")))
                    && c["section"] == "probe"
            })
            .collect();
        let levels: Vec<&str> = of_node.iter().filter_map(|c| c["level"].as_str()).collect();
        let wanted = if enforces(&node) { "ok" } else { "fail" };
        check_equal(&format!("{node}: {of_node:?}"), &levels, &vec![wanted])?;
        if !enforces(&node) {
            let named = of_node
                .iter()
                .any(|c| c["found"].as_str().is_some_and(|f| f.contains("sentinel")));
            check(
                named,
                format_args!("the target that answered is not named: {of_node:?}"),
            )?;
        }
    }
    let left = site
        .cluster
        .kubectl(["get", "namespaces", "--output", "name"])?;
    check(
        !left.contains("sde-doctor"),
        format_args!("the doctor left namespaces: {left}"),
    )
}

/// What a person in the notebook reaches while no operator runs.
fn dials(site: &Site, url: &str, token: &str) -> Result<String> {
    let node = site.cluster.nodes()?.first().cloned().unwrap_or_default();
    let api = site.cluster.node_ip(&node)?;
    let code = format!(
        "import socket\nfor host, port in (('{}', 7777), ('{api}', 6443)):\n    try:\n        socket.create_connection((host, port), 3)\n        print('REACHED', host)\n    except OSError:\n        print('blocked', host)",
        internet::ADDRESS
    );
    let cells = [Cell {
        name: "dials out",
        code,
    }];
    let answers = talk(site, "release-proxy", url, token, &cells)?;
    Ok(answers.into_iter().map(|answer| answer.text).collect())
}

/// Upgrade, uninstall, install again, with a Workspace running all the while.
pub(super) fn upgraded_and_uninstalled(site: &Site) -> Result<()> {
    let project = acts::open(site, "release", Source::Image)?;
    let workspace = acts::run(site, &project, RESEARCHER)?;
    let pod = &workspace["status"]["pod"];
    let of = |field: &str| pod[field].as_str().unwrap_or_default();
    let token = story::token(site, &project, of("name"))?;
    let uid = |site: &Site| -> Result<Value> {
        Ok(get(site, "pod", of("name"), Some(&namespace(&project)))?["metadata"]["uid"].clone())
    };
    let before = uid(site)?;

    site.install(&["controller.resources.requests.cpu=60m"])?;
    acts::active(site, &project)?;
    acts::running(site, &project, RESEARCHER)?;
    check_equal("the pod after the upgrade", &uid(site)?, &before)?;

    site.uninstall()?;
    let uninstalled = while_uninstalled(site, &project, of("url"), &token);
    site.install(&[])?;
    uninstalled?;
    acts::active(site, &project)?;
    acts::running(site, &project, RESEARCHER)?;
    check_equal("the pod after all of it", &uid(site)?, &before)?;
    let closed = acts::close(site, &project)?;
    let folder = site.folder.join("suites").join(&project);
    let verdict = Exported::of(site, &project, &closed, &folder)?.verify()?;
    check(
        verdict.accepted(),
        format_args!("the attestation does not verify: {verdict:?}"),
    )
}

fn while_uninstalled(site: &Site, project: &str, url: &str, token: &str) -> Result<()> {
    check_equal(
        "dials out while uninstalled",
        &dials(site, url, token)?.contains("REACHED"),
        &false,
    )?;
    check(
        !get(site, "project", project, None)?.is_null(),
        "the Project is gone with the release",
    )?;
    let of = namespace(project);
    let deleted = acts::refusal(acts::delete_default_deny(site, &of));
    check(
        deleted.contains("are its lock"),
        format_args!("deleting the default deny while uninstalled: {deleted:?}"),
    )?;
    // Positive control: elsewhere the same person deletes the same policy.
    site.apply(&json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "default-deny", "namespace": "default"},
        "spec": {"podSelector": {"matchLabels": {"nobody": "here"}}, "policyTypes": ["Ingress"]},
    }))?;
    acts::delete_default_deny(site, "default")?;
    Ok(())
}
