//! The node lane: real kubelet, containerd and Cilium. In turn: on a node of two cores, notebooks of tests beside each other wait for
//! each other's share until they run out of patience.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::{Result, SuiteError, check};
use super::node_compute as compute;
use super::node_conformance as conformance;
use super::node_release as release;
use super::runner::{Runner, SuiteReport};
use crate::cluster::UpOptions;
use crate::node::Site;
use crate::node::acts::{self, PATIENCE, namespace, project_when, workspace_when};
use crate::node::attestation::Exported;
use crate::node::session;
use crate::node::story::{self, RESEARCHER, Source, condition, get, wait_for};

/// A test and its name.
pub(super) type Test = (&'static str, fn(&Site) -> Result<()>);

/// Runs the suite.
///
/// # Errors
/// As [`on_cilium`].
pub async fn run(name: &str, filter: Option<String>) -> Result<SuiteReport> {
    let tests: &[Test] = &[
        (
            "node: a life with an image volume, from approval to verified attestation",
            |site| life(site, "life", Source::Image),
        ),
        ("node: a life with a hostPath volume", |site| {
            life(site, "hostpath", Source::HostPath)
        }),
        (
            "node: a missing image and a missing source are told",
            missing,
        ),
        (
            "node: an accelerator for one project and none for the other",
            compute::accelerators,
        ),
        (
            "node: the API server's policies hold for people",
            people_are_refused,
        ),
        ("node: the doctor proves the lock", |site| {
            release::doctor_proves(site, |_| true)
        }),
        (
            "node: policies deleted by hand come back",
            policies_come_back,
        ),
        (
            "node: nothing is open to the API server's users beyond the residual list",
            conformance::conforms,
        ),
        ("node: sentinel down, nothing opens", sentinel_down),
        (
            "node: controller killed while opening and closing",
            controller_killed,
        ),
        ("node: pods run where their tier says", compute::placement),
        (
            "node: upgraded, uninstalled, installed again: nothing opens, nothing is lost",
            release::upgraded_and_uninstalled,
        ),
    ];
    on_cilium(name, filter, tests).await
}

/// Runs tests on a cluster with Cilium.
///
/// # Errors
/// When the cluster cannot be had; failed tests are in the report.
pub(super) async fn on_cilium(
    name: &str,
    filter: Option<String>,
    tests: &[Test],
) -> Result<SuiteReport> {
    let site = Site::up(&UpOptions {
        name: name.to_owned(),
        ..UpOptions::default()
    })?;
    let mut runner = Runner::new(filter);
    for (name, test) in tests {
        let tested = async {
            // What a failed test leaves would take the room of those after it.
            test(&site).inspect_err(|_| acts::end_all(&site))
        };
        runner.test(name, tested).await;
    }
    Ok(runner.finish())
}

fn life(site: &Site, prefix: &str, source: Source) -> Result<()> {
    let project = acts::open(site, prefix, source)?;
    let workspace = acts::run(site, &project, RESEARCHER)?;
    let pod = workspace["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    session::judge(&session::work(site, &project, &project, &workspace)?)?;
    check(
        mounted_read_only(site, &project, pod)?,
        "the data is not mounted read-only in the pod's own mount table",
    )?;
    let closed = acts::close(site, &project)?;
    let folder = site.folder.join("suites").join(&project);
    let verdict = Exported::of(site, &project, &closed, &folder)?.verify()?;
    check(
        verdict.accepted(),
        format_args!("the attestation does not verify: {verdict:?}"),
    )?;
    site.kubectl(
        "custodian-a",
        &[
            "delete",
            "project",
            &project,
            "--wait=true",
            "--timeout=60s",
        ],
    )?;
    Ok(())
}

/// What the API says of the mounts: read-only, and recursively so where the node can.
fn mounted_read_only(site: &Site, project: &str, pod: &str) -> Result<bool> {
    let object = get(site, "pod", pod, Some(&namespace(project)))?;
    let statuses = object["status"]["containerStatuses"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mounts = statuses
        .iter()
        .flat_map(|s| s["volumeMounts"].as_array().cloned().unwrap_or_default());
    let data: Vec<_> = mounts
        .filter(|m| {
            m["mountPath"]
                .as_str()
                .is_some_and(|p| p.starts_with("/data"))
        })
        .collect();
    Ok(!data.is_empty()
        && data
            .iter()
            .all(|m| m["readOnly"] == true && m["recursiveReadOnly"] == "Enabled"))
}

fn policies_come_back(site: &Site) -> Result<()> {
    let project = acts::open(site, "drift", Source::Image)?;
    let of = namespace(&project);
    let refused = acts::delete_default_deny(site, &of);
    check(
        refused.is_err(),
        "the admission policy let somebody delete the default deny",
    )?;
    let repaired = without_binding(site, &of, || {
        acts::delete_default_deny(site, &of)?;
        let there = |policy: &Value| !policy.is_null();
        let what = ("networkpolicy", "default-deny", Some(of.as_str()));
        wait_for(site, what, "repaired", Duration::from_secs(20), there)?;
        Ok(())
    });
    repaired?;
    acts::close(site, &project)?;
    Ok(())
}

/// What an administrator can still do on the API form: take the binding of the policy that locks project namespaces away first. It
/// is put back whatever comes of `body`, which begins when the API server has noticed in the namespace `of`.
pub(super) fn without_binding<T>(
    site: &Site,
    of: &str,
    body: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let binding = "project-namespace-lock.sde-operator.dev";
    let what = ["validatingadmissionpolicybinding", binding];
    let kept = site
        .cluster
        .kubectl(["get", "--output", "yaml"].iter().chain(&what))?;
    let file = site.folder.join("binding.yaml");
    std::fs::write(&file, kept).map_err(crate::cluster::error::Error::io("cannot write", &file))?;
    site.cluster.kubectl(["delete"].iter().chain(&what))?;
    let open = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        acts::may_delete_default_deny(site, of)
    });
    let found = if open {
        body()
    } else {
        Err(SuiteError::Check(
            "without its policy's binding, the default deny still cannot be deleted".to_owned(),
        ))
    };
    site.cluster
        .kubectl(["apply", "--filename", &file.to_string_lossy()])?;
    found
}

fn missing(site: &Site) -> Result<()> {
    let project = acts::submit(site, "missing", Source::Image, |p| {
        p["spec"]["environments"] = json!(["jupyterlab-genomics", "not-on-any-node"])
    })?;
    acts::approve(site, &project)?;
    acts::active(site, &project)?;
    let mut workspace = story::workspace(&project, RESEARCHER);
    workspace["spec"]["environment"] = json!("not-on-any-node");
    site.open_as_hub(&workspace)?;
    workspace_when(site, &project, RESEARCHER, "told of its image", |w| {
        condition(w, "Ready")["reason"] == "ImageUnavailable"
    })?;
    acts::close(site, &project)?;

    let project = acts::submit(site, "nosource", Source::HostPath, |_| {})?;
    let dataset = format!("{project}-gone");
    let mut data = story::dataset(site, &dataset, &project, Source::HostPath);
    data["spec"]["source"]["hostPath"]["path"] = json!("/var/sde-data/not-there");
    site.apply_as("custodian-a", &data)?;
    let mut object = story::project(&project, &dataset);
    object["spec"]["datasets"][0]["dataset"] = json!(dataset);
    site.apply_as("custodian-a", &object)?;
    project_when(site, &project, "of the changed spec", |p| {
        p["status"]["observedGeneration"] == p["metadata"]["generation"]
    })?;
    acts::approve(site, &project)?;
    let told = |p: &Value| {
        condition(p, "DataVerified")["status"] == "False"
            && condition(p, "DataVerified")["message"]
                .as_str()
                .is_some_and(|m| m.contains(&dataset))
    };
    project_when(site, &project, "told of its source", told)?;
    acts::close(site, &project)?;
    Ok(())
}

fn sentinel_down(site: &Site) -> Result<()> {
    let project = acts::open(site, "nosentinel", Source::Image)?;
    let scale = |replicas: &str| {
        site.cluster.kubectl([
            "scale",
            "deployment",
            "--namespace",
            "sde-system",
            "--selector",
            "app.kubernetes.io/component=sentinel",
            "--replicas",
            replicas,
        ])
    };
    scale("0")?;
    let gone = site.cluster.kubectl([
        "wait",
        "pod",
        "--namespace",
        "sde-system",
        "--selector",
        "app.kubernetes.io/component=sentinel",
        "--for",
        "delete",
        "--timeout",
        "60s",
    ]);
    site.open_as_hub(&story::workspace(&project, RESEARCHER))?;
    let told = workspace_when(
        site,
        &project,
        RESEARCHER,
        "waiting for the sentinel",
        |w| condition(w, "Ready")["reason"] == "SentinelDown",
    );
    let pods = site.cluster.kubectl([
        "get",
        "pods",
        "--namespace",
        &namespace(&project),
        "--selector",
        "sde-operator.dev/workspace",
        "--output",
        "name",
    ]);
    scale("1")?;
    gone?;
    told?;
    check(
        pods?.trim().is_empty(),
        "a workspace pod exists although the sentinel is down",
    )?;
    acts::running(site, &project, RESEARCHER)?;
    acts::close(site, &project)?;
    Ok(())
}

fn kill_controller(site: &Site) -> Result<()> {
    let args = [
        "delete",
        "pod",
        "--namespace",
        "sde-system",
        "--selector",
        "app.kubernetes.io/component=controller",
        "--grace-period",
        "0",
        "--force",
        "--wait=false",
    ];
    site.cluster.kubectl(args)?;
    Ok(())
}

fn controller_killed(site: &Site) -> Result<()> {
    let project = acts::submit(site, "killed", Source::Image, |_| {})?;
    acts::approve(site, &project)?;
    let exists = |p: &Value| !p.is_null();
    wait_for(
        site,
        ("namespace", &namespace(&project), None),
        "made",
        PATIENCE,
        exists,
    )?;
    kill_controller(site)?;
    acts::active(site, &project)?;
    site.open_as_hub(&story::workspace(&project, RESEARCHER))?;
    workspace_when(site, &project, RESEARCHER, "Proving", |w| {
        w["status"]["phase"] == "Proving"
    })?;
    kill_controller(site)?;
    acts::running(site, &project, RESEARCHER)?;
    acts::ask_to_close(site, &project)?;
    kill_controller(site)?;
    acts::approve_closure(site, &project)?;
    kill_controller(site)?;
    acts::closed(site, &project)?;
    Ok(())
}

fn people_are_refused(site: &Site) -> Result<()> {
    let project = acts::open(site, "refused", Source::Image)?;
    let deleted = acts::refusal(site.kubectl(
        "custodian-a",
        &["delete", "project", &project, "--wait=false"],
    ));
    check(
        deleted.contains("lifecycle: Closed"),
        format_args!("deleting an Active Project: {deleted:?}"),
    )?;
    let own = acts::refusal(site.sde(
        "custodian-a",
        &["approve", &project, "--role", "DataAccess", "--yes"],
    ));
    check(!own.is_empty(), "the submitter could approve")?;
    let exec = acts::refusal(site.cluster.kubectl([
        "exec",
        "--namespace",
        &namespace(&project),
        "standing-probe",
        "--",
        "/sde-agent",
        "--help",
    ]));
    check(
        exec.contains("denied request") || exec.contains("forbidden"),
        format_args!("exec as the administrator: {exec:?}"),
    )?;
    acts::close(site, &project)?;
    Ok(())
}
