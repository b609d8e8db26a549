//! Nodes whose network plugin ignores policies: nothing opens there, and beside a node that enforces them only that one opens.

use serde_json::Value;

use super::error::{Result, check};
use super::node_release::doctor_proves;
use super::runner::{Runner, SuiteReport};
use crate::cluster::{Topology, UpOptions};
use crate::node::Site;
use crate::node::acts::{self, project_when, workspace_when};
use crate::node::story::{self, COLLEAGUE, RESEARCHER, Source, condition};

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
    runner
        .test("ptp: the doctor says that nothing is locked", async {
            doctor_proves(&site, |_| false)
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
    runner
        .test("mixed: the doctor tells one node from the other", async {
            doctor_proves(&site, |node| node.ends_with("control-plane"))
        })
        .await;
    Ok(runner.finish())
}

fn refused_everywhere(site: &Site) -> Result<()> {
    let project = acts::submit(site, "open", Source::Image, |_| {})?;
    acts::approve(site, &project)?;
    let told = |p: &Value| condition(p, "EgressEnforced")["status"] == "False";
    let refused = project_when(site, &project, "refused", told)?;
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
    acts::close(site, &project)?;
    Ok(())
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
    let project = acts::open(site, "mixed", Source::Image)?;
    acts::run(site, &project, RESEARCHER)?;
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
    acts::close(site, &project)?;
    Ok(())
}
