//! Compute on a real node: accelerators granted to one project and zero for the other, and where a tier's pods run.

use serde_json::{Value, json};

use super::error::{Result, check, check_equal};
use crate::node::Site;
use crate::node::acts::{self, namespace, workspace_when};
use crate::node::story::{self, RESEARCHER, Source, condition, get};

/// An accelerator that the test makes the node report; no device is behind it.
const ACCELERATOR: &str = "nvidia.com/gpu";

fn asking(project: &str) -> Value {
    let mut workspace = story::workspace(project, RESEARCHER);
    workspace["spec"]["resources"] =
        json!({"cpu": "500m", "memory": "1Gi", "accelerators": {ACCELERATOR: "1"}});
    workspace
}

fn advertised(site: &Site, operation: &str) -> Result<()> {
    let node = site.cluster.nodes()?.first().cloned().unwrap_or_default();
    let path = format!("/status/capacity/{}", ACCELERATOR.replace('/', "~1"));
    let patch = json!([{"op": operation, "path": path, "value": "2"}]).to_string();
    site.cluster.kubectl([
        "patch",
        "node",
        &node,
        "--subresource=status",
        "--type=json",
        "--patch",
        &patch,
    ])?;
    Ok(())
}

/// One project is granted an accelerator, another is not; taking it away stops the notebook that holds it.
pub(super) fn accelerators(site: &Site) -> Result<()> {
    advertised(site, "add")?;
    let judged = granted_and_not(site);
    advertised(site, "remove")?;
    judged
}

fn granted_and_not(site: &Site) -> Result<()> {
    let granted = acts::submit(site, "gpu", Source::Image, |p| {
        p["spec"]["compute"]["accelerators"] = json!({ACCELERATOR: "1"});
    })?;
    acts::approve(site, &granted)?;
    acts::active(site, &granted)?;
    site.open_as_hub(&asking(&granted))?;
    let running = acts::running(site, &granted, RESEARCHER)?;
    let pod = running["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    let pod = get(site, "pod", pod, Some(&namespace(&granted)))?;
    check_equal(
        "the notebook's accelerators",
        &pod["spec"]["containers"][0]["resources"]["limits"][ACCELERATOR],
        &json!("1"),
    )?;

    let without = acts::open(site, "nogpu", Source::Image)?;
    let quotas = get(site, "resourcequota", "project", Some(&namespace(&without)))?;
    check_equal(
        "the quota of the project without accelerators",
        &quotas["status"]["hard"][format!("requests.{ACCELERATOR}")],
        &json!("0"),
    )?;
    site.open_as_hub(&asking(&without))?;
    workspace_when(site, &without, RESEARCHER, "refused", |w| {
        condition(w, "Ready")["reason"] == "BeyondProject"
    })?;
    acts::close(site, &without)?;

    site.kubectl(
        "custodian-a",
        &[
            "patch",
            "project",
            &granted,
            "--type=merge",
            "--patch",
            &json!({"spec": {"compute": {"accelerators": {ACCELERATOR: "0"}}}}).to_string(),
        ],
    )?;
    let stopped = workspace_when(site, &granted, RESEARCHER, "stopped", |w| {
        condition(w, "Ready")["reason"] == "BeyondProject" && w["status"]["phase"] != "Running"
    })?;
    check(
        stopped["status"]["pod"].is_null() || stopped["status"]["phase"] != "Running",
        format_args!("{}", stopped["status"]),
    )?;
    acts::close(site, &granted)?;
    Ok(())
}

/// The pods of a tier run with its priority and on its nodes only; where no node is, that is told.
pub(super) fn placement(site: &Site) -> Result<()> {
    site.apply(&json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "sde-test-research"},
        "value": 1000, "description": "Of cargo e2e test",
    }))?;
    let judged = placed(site);
    site.apply(&site.policy())?;
    judged
}

fn with_placement(site: &Site, placement: &Value) -> Result<()> {
    let mut policy = site.policy();
    policy["spec"]["tiers"][0]["placement"] = placement.clone();
    Ok(site.apply(&policy)?)
}

fn placed(site: &Site) -> Result<()> {
    with_placement(
        site,
        &json!({"nodeSelector": {"kubernetes.io/os": "linux"}, "priorityClassName": "sde-test-research"}),
    )?;
    let project = acts::open(site, "placed", Source::Image)?;
    let running = acts::run(site, &project, RESEARCHER)?;
    let name = running["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    let pod = get(site, "pod", name, Some(&namespace(&project)))?;
    check_equal("the pod's priority", &pod["spec"]["priority"], &json!(1000))?;
    with_placement(
        site,
        &json!({"nodeSelector": {"example.org/pool": "none-of-this-name"}}),
    )?;
    workspace_when(site, &project, RESEARCHER, "told that no node fits", |w| {
        condition(w, "Ready")["reason"] == "Unschedulable"
    })?;
    site.apply(&site.policy())?;
    acts::running(site, &project, RESEARCHER)?;
    acts::close(site, &project)?;
    Ok(())
}
