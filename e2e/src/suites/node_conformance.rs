//! `kubectl sde conformance` on a real cluster: it finds nothing beyond the residual list, says so when there is something, and
//! leaves nothing behind.

use serde_json::Value;

use super::error::{Result, check};
use super::node;
use crate::node::Site;
use crate::node::acts;
use crate::node::story::{RESEARCHER, Source};

/// An attack of the administrator that only the policy refuses which locks project namespaces.
const ATTACK: &str = "API-POLICY-DELETE@admin";

/// Runs it with the policies in force, and without one of them.
pub(super) fn conforms(site: &Site) -> Result<()> {
    let project = acts::open(site, "conforms", Source::Image)?;
    acts::run(site, &project, RESEARCHER)?;
    let (yes, report) = attacked(site, &project)?;
    check(yes, format_args!("problems: {}", report["problems"]))?;
    let blocked = report["counts"]["Blocked"].as_u64().unwrap_or_default();
    check(
        blocked > 250 && verdict(&report) == "Blocked",
        format_args!(
            "{blocked} attacks are blocked, {ATTACK} is {}",
            verdict(&report)
        ),
    )?;
    let (yes, report) = node::without_binding(site, &acts::namespace(&project), || {
        attacked(site, &project)
    })?;
    check(
        !yes && verdict(&report) == "Open",
        format_args!("without its policy, {ATTACK} is {}", verdict(&report)),
    )?;
    acts::close(site, &project)?;
    Ok(())
}

fn attacked(site: &Site, project: &str) -> Result<(bool, Value)> {
    let (yes, said) = site.sde_as_admin(&["conformance", project, "--yes", "--output", "json"])?;
    let left = site.cluster.kubectl([
        "get",
        "namespaces,persistentvolumes,validatingadmissionpolicies,validatingadmissionpolicybindings",
        "--output",
        "name",
    ])?;
    check(
        !left.contains("redteam-"),
        format_args!("left behind: {left}"),
    )?;
    Ok((yes, serde_json::from_str(&said).unwrap_or_default()))
}

fn verdict(report: &Value) -> &str {
    let findings = report["findings"].as_array().into_iter().flatten();
    let found = findings.into_iter().find(|f| f["id"] == ATTACK);
    found
        .and_then(|f| f["verdict"].as_str())
        .unwrap_or("not tried")
}
