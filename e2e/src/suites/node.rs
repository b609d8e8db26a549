//! The node lane: real kubelet, containerd and Cilium; and nodes whose network plugin ignores policies.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::{Result, check};
use super::runner::{Runner, SuiteReport};
use crate::cluster::{Topology, UpOptions};
use crate::demo::{cells, judge};
use crate::node::Site;
use crate::node::notebook::talk;
use crate::node::story::{self, COLLEAGUE, RESEARCHER, Source, condition, get, wait_for};

/// How long one thing may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

/// Runs the suite on a cluster with Cilium.
///
/// # Errors
/// When the cluster cannot be had; failed tests are in the report.
pub async fn cilium(name: &str, filter: Option<String>) -> Result<SuiteReport> {
    let site = Site::up(&UpOptions {
        name: name.to_owned(),
        ..UpOptions::default()
    })?;
    let mut runner = Runner::new(filter);
    runner
        .test(
            "node: a life with an image volume, from approval to verified attestation",
            async { life(&site, Source::Image) },
        )
        .await;
    runner
        .test("node: a life with a hostPath volume", async {
            life(&site, Source::HostPath)
        })
        .await;
    runner
        .test("node: policies deleted by hand come back", async {
            policies_come_back(&site)
        })
        .await;
    runner
        .test(
            "node: a missing image and a missing source are told",
            async { missing(&site) },
        )
        .await;
    runner
        .test("node: sentinel down, nothing opens", async {
            sentinel_down(&site)
        })
        .await;
    runner
        .test("node: controller killed while opening and closing", async {
            controller_killed(&site)
        })
        .await;
    runner
        .test("node: the API server's policies hold for people", async {
            people_are_refused(&site)
        })
        .await;
    Ok(runner.finish())
}

/// Runs the suite on a cluster whose only node ignores policies.
///
/// # Errors
/// When the cluster cannot be had; failed tests are in the report.
pub async fn ptp(name: &str, filter: Option<String>) -> Result<SuiteReport> {
    let site = Site::up(&UpOptions {
        name: name.to_owned(),
        topology: Topology::Ptp,
        ..UpOptions::default()
    })?;
    let mut runner = Runner::new(filter);
    runner
        .test("ptp: no project opens where policies are ignored", async {
            refused_everywhere(&site)
        })
        .await;
    Ok(runner.finish())
}

/// Runs the suite on a cluster with one node of each kind.
///
/// # Errors
/// When the cluster cannot be had; failed tests are in the report.
pub async fn mixed(name: &str, filter: Option<String>) -> Result<SuiteReport> {
    let site = Site::up(&UpOptions {
        name: name.to_owned(),
        topology: Topology::Mixed,
        ..UpOptions::default()
    })?;
    let mut runner = Runner::new(filter);
    runner
        .test(
            "mixed: opened on the node that enforces, refused on the one that does not",
            async { one_of_each(&site) },
        )
        .await;
    Ok(runner.finish())
}

/// A project from submission to Active; returns its name.
fn opened(site: &Site, prefix: &str, source: Source) -> Result<String> {
    let project = submitted(site, prefix, source, |_| {})?;
    approved(site, &project)?;
    wait_for(site, ("project", &project, None), "Active", PATIENCE, |p| {
        p["status"]["phase"] == "Active"
    })?;
    Ok(project)
}

pub(crate) fn submitted(
    site: &Site,
    prefix: &str,
    source: Source,
    change: impl Fn(&mut Value),
) -> Result<String> {
    let project = format!(
        "{prefix}-{:x}",
        jiff::Timestamp::now().as_millisecond() & 0xfff_ffff
    );
    let dataset = format!("{project}-data");
    site.apply_as(
        "custodian-a",
        &story::dataset(site, &dataset, &project, source),
    )?;
    let mut object = story::project(&project, &dataset);
    change(&mut object);
    site.apply_as("custodian-a", &object)?;
    Ok(project)
}

pub(crate) fn approved(site: &Site, project: &str) -> Result<()> {
    wait_for(
        site,
        ("project", project, None),
        "digested",
        PATIENCE,
        |p| p["status"]["specDigest"].is_string(),
    )?;
    site.sde(
        "approver-a",
        &["approve", project, "--role", "DataAccess", "--yes"],
    )?;
    site.sde(
        "approver-b",
        &["approve", project, "--role", "PublicBenefit", "--yes"],
    )?;
    Ok(())
}

pub(crate) fn namespace(project: &str) -> String {
    format!("sde-project-{project}")
}

fn workspace_when(
    site: &Site,
    project: &str,
    user: &str,
    wanted: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value> {
    Ok(wait_for(
        site,
        ("workspace", user, Some(&namespace(project))),
        wanted,
        PATIENCE,
        holds,
    )?)
}

fn running(site: &Site, project: &str, user: &str) -> Result<Value> {
    site.open_as_hub(&story::workspace(project, user))?;
    workspace_when(site, project, user, "Running", |w| {
        w["status"]["phase"] == "Running"
    })
}

fn closed(site: &Site, project: &str) -> Result<Value> {
    site.sde("custodian-a", &["close", project, "--yes"])?;
    wait_for(
        site,
        ("project", project, None),
        "waiting for closure approvals",
        PATIENCE,
        |p| condition(p, "Closing")["reason"] == "T0AwaitApprovals",
    )?;
    site.sde(
        "approver-a",
        &["approve", project, "--role", "Closure", "--yes"],
    )?;
    site.sde(
        "approver-b",
        &["approve", project, "--role", "Closure", "--yes"],
    )?;
    let closed = wait_for(site, ("project", project, None), "Closed", PATIENCE, |p| {
        p["status"]["phase"] == "Closed"
    })?;
    check(
        get(site, "namespace", &namespace(project), None)?.is_null(),
        "the namespace is still there",
    )?;
    let volumes = site.cluster.kubectl([
        "get",
        "persistentvolumes",
        "--output",
        "jsonpath={.items[*].spec.claimRef.namespace}",
    ])?;
    check(
        !volumes.contains(&namespace(project)),
        format_args!("volumes are left: {volumes}"),
    )?;
    Ok(closed)
}

fn life(site: &Site, source: Source) -> Result<()> {
    let project = opened(site, "life", source)?;
    let workspace = running(site, &project, RESEARCHER)?;
    let pod = workspace["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    let url = workspace["status"]["pod"]["url"]
        .as_str()
        .unwrap_or_default();
    let answers = talk(
        site,
        &project,
        url,
        &story::token(site, &project, pod)?,
        &cells(site)?,
    )?;
    judge(&answers)?;
    check(
        mounted_read_only(site, &project, pod)?,
        "the data is not mounted read-only in the pod's own mount table",
    )?;
    let closed = closed(site, &project)?;
    let folder = site.folder.join("suites").join(&project);
    let out = folder.to_string_lossy().into_owned();
    site.sde("auditor", &["attestation", "export", &project, "-o", &out])?;
    let key = folder.join("status.pem");
    std::fs::write(
        &key,
        closed["status"]["attestationKey"]["publicKey"]
            .as_str()
            .unwrap_or_default(),
    )
    .map_err(crate::cluster::error::Error::io("cannot write", &key))?;
    let (key, bundle, evidence) = (
        key.to_string_lossy().into_owned(),
        format!("{out}/bundle.sigstore.json"),
        format!("{out}/evidence.json"),
    );
    site.sde(
        "auditor",
        &[
            "verify",
            "--key",
            &key,
            "--bundle",
            &bundle,
            "--evidence",
            &evidence,
        ],
    )?;
    let script = crate::cluster::paths::repository().join("e2e/verify/verify.sh");
    let stock = crate::cluster::command::Run::new("bash")
        .arg(script)
        .args([&key, &bundle, &evidence])
        .succeeds()?;
    check(
        stock,
        "openssl, jq and sha256sum do not verify the attestation",
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
    let project = opened(site, "drift", Source::Image)?;
    let of = namespace(&project);
    let refused = site.cluster.kubectl([
        "delete",
        "networkpolicy",
        "default-deny",
        "--namespace",
        &of,
    ]);
    check(
        refused.is_err(),
        "the admission policy let somebody delete the default deny",
    )?;
    // What an administrator can still do on the API form: take the admission policy's binding away first.
    let binding = "project-namespace-lock.sde-operator.dev";
    let kept = site.cluster.kubectl([
        "get",
        "validatingadmissionpolicybinding",
        binding,
        "--output",
        "yaml",
    ])?;
    site.cluster
        .kubectl(["delete", "validatingadmissionpolicybinding", binding])?;
    let deleted = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        site.cluster
            .kubectl([
                "delete",
                "networkpolicy",
                "default-deny",
                "--namespace",
                &of,
            ])
            .is_ok()
    });
    let repaired = wait_for(
        site,
        ("networkpolicy", "default-deny", Some(&of)),
        "repaired",
        Duration::from_secs(20),
        |p| !p.is_null(),
    );
    let file = site.folder.join("binding.yaml");
    std::fs::write(&file, kept).map_err(crate::cluster::error::Error::io("cannot write", &file))?;
    site.cluster
        .kubectl(["apply", "--filename", &file.to_string_lossy()])?;
    check(
        deleted,
        "the policy could not be deleted, so its repair was not tested",
    )?;
    repaired?;
    closed(site, &project).map(|_| ())
}

fn missing(site: &Site) -> Result<()> {
    let project = submitted(site, "missing", Source::Image, |p| {
        p["spec"]["environments"] = json!(["jupyterlab-genomics", "not-on-any-node"])
    })?;
    approved(site, &project)?;
    wait_for(site, ("project", &project, None), "Active", PATIENCE, |p| {
        p["status"]["phase"] == "Active"
    })?;
    let mut workspace = story::workspace(&project, RESEARCHER);
    workspace["spec"]["environment"] = json!("not-on-any-node");
    site.open_as_hub(&workspace)?;
    workspace_when(site, &project, RESEARCHER, "told of its image", |w| {
        condition(w, "Ready")["reason"] == "ImageUnavailable"
    })?;
    closed(site, &project)?;

    let project = submitted(site, "nosource", Source::HostPath, |_| {})?;
    let dataset = format!("{project}-gone");
    let mut data = story::dataset(site, &dataset, &project, Source::HostPath);
    data["spec"]["source"]["hostPath"]["path"] = json!("/var/sde-data/not-there");
    site.apply_as("custodian-a", &data)?;
    let mut object = story::project(&project, &dataset);
    object["spec"]["datasets"][0]["dataset"] = json!(dataset);
    site.apply_as("custodian-a", &object)?;
    wait_for(
        site,
        ("project", &project, None),
        "of the changed spec",
        PATIENCE,
        |p| p["status"]["observedGeneration"] == p["metadata"]["generation"],
    )?;
    approved(site, &project)?;
    let told = |p: &Value| {
        condition(p, "DataVerified")["status"] == "False"
            && condition(p, "DataVerified")["message"]
                .as_str()
                .is_some_and(|m| m.contains(&dataset))
    };
    wait_for(
        site,
        ("project", &project, None),
        "told of its source",
        PATIENCE,
        told,
    )?;
    closed(site, &project).map(|_| ())
}

fn sentinel_down(site: &Site) -> Result<()> {
    let project = opened(site, "nosentinel", Source::Image)?;
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
    workspace_when(site, &project, RESEARCHER, "Running", |w| {
        w["status"]["phase"] == "Running"
    })?;
    closed(site, &project).map(|_| ())
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
    let project = submitted(site, "killed", Source::Image, |_| {})?;
    approved(site, &project)?;
    let exists = |p: &Value| !p.is_null();
    wait_for(
        site,
        ("namespace", &namespace(&project), None),
        "made",
        PATIENCE,
        exists,
    )?;
    kill_controller(site)?;
    wait_for(site, ("project", &project, None), "Active", PATIENCE, |p| {
        p["status"]["phase"] == "Active"
    })?;
    site.open_as_hub(&story::workspace(&project, RESEARCHER))?;
    workspace_when(site, &project, RESEARCHER, "Proving", |w| {
        w["status"]["phase"] == "Proving"
    })?;
    kill_controller(site)?;
    workspace_when(site, &project, RESEARCHER, "Running", |w| {
        w["status"]["phase"] == "Running"
    })?;
    site.sde("custodian-a", &["close", &project, "--yes"])?;
    kill_controller(site)?;
    wait_for(
        site,
        ("project", &project, None),
        "waiting for closure approvals",
        PATIENCE,
        |p| condition(p, "Closing")["reason"] == "T0AwaitApprovals",
    )?;
    site.sde(
        "approver-a",
        &["approve", &project, "--role", "Closure", "--yes"],
    )?;
    site.sde(
        "approver-b",
        &["approve", &project, "--role", "Closure", "--yes"],
    )?;
    kill_controller(site)?;
    wait_for(site, ("project", &project, None), "Closed", PATIENCE, |p| {
        p["status"]["phase"] == "Closed"
    })?;
    Ok(())
}

fn people_are_refused(site: &Site) -> Result<()> {
    let project = opened(site, "refused", Source::Image)?;
    let words = |result: crate::cluster::error::Result<String>| {
        result.err().map(|e| e.to_string()).unwrap_or_default()
    };
    let deleted = words(site.kubectl(
        "custodian-a",
        &["delete", "project", &project, "--wait=false"],
    ));
    check(
        deleted.contains("lifecycle: Closed"),
        format_args!("deleting an Active Project: {deleted:?}"),
    )?;
    let own = words(site.sde(
        "custodian-a",
        &["approve", &project, "--role", "DataAccess", "--yes"],
    ));
    check(!own.is_empty(), "the submitter could approve")?;
    let exec = words(site.cluster.kubectl([
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
    closed(site, &project).map(|_| ())
}

fn refused_everywhere(site: &Site) -> Result<()> {
    let project = submitted(site, "open", Source::Image, |_| {})?;
    approved(site, &project)?;
    let told = |p: &Value| condition(p, "EgressEnforced")["status"] == "False";
    let refused = wait_for(site, ("project", &project, None), "refused", PATIENCE, told)?;
    let message = condition(&refused, "EgressEnforced")["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    check(
        message.contains("sentinel"),
        format_args!("the message does not name the target that answered: {message}"),
    )?;
    site.open_as_hub(&story::workspace(&project, RESEARCHER))?;
    let told = |w: &Value| condition(w, "Ready")["reason"] == "ProjectNotProven";
    workspace_when(site, &project, RESEARCHER, "refused", told)?;
    closed(site, &project).map(|_| ())
}

fn one_of_each(site: &Site) -> Result<()> {
    let nodes = site.cluster.nodes()?;
    let node = |suffix: &str| {
        nodes
            .iter()
            .find(|n| n.ends_with(suffix))
            .cloned()
            .unwrap_or_default()
    };
    let (enforcing, ignoring) = (node("control-plane"), node("worker"));
    let cordon = |node: &str, on: bool| {
        site.cluster
            .kubectl([if on { "cordon" } else { "uncordon" }, node])
    };
    cordon(&ignoring, true)?;
    let project = opened(site, "mixed", Source::Image)?;
    running(site, &project, RESEARCHER)?;
    cordon(&ignoring, false)?;
    cordon(&enforcing, true)?;
    site.open_as_hub(&story::workspace(&project, COLLEAGUE))?;
    let told = |w: &Value| condition(w, "EgressEnforced")["status"] == "False";
    let refused = workspace_when(site, &project, COLLEAGUE, "refused", told);
    cordon(&enforcing, false)?;
    let refused = refused?;
    let message = condition(&refused, "EgressEnforced")["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    check(
        message.contains("sentinel") && message.contains(&ignoring),
        format_args!("the message does not name target and node: {message}"),
    )?;
    check(
        refused["status"]["pod"]["url"].is_null(),
        "a refused workspace has an address",
    )?;
    println!("    refused: {message}");
    closed(site, &project).map(|_| ())
}
