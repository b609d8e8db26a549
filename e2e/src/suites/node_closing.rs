//! The end of a project through whose airlock something went: nothing is left of it, on the node neither, and its attestation verifies.

use serde_json::{Value, json};

use super::error::{Result, check};
use super::node_request::Request;
use crate::node::Site;
use crate::node::acts;
use crate::node::attestation::{Exported, Verdict};
use crate::node::story::{condition, get};

/// What is there when it is over.
pub(super) struct Ended {
    /// The Project.
    pub(super) closed: Value,
    /// Its attestation.
    pub(super) exported: Exported,
    /// What both verifiers said.
    pub(super) verdict: Verdict,
}

/// Closes the project of a request whose chamber is still there. Where what it released may still be collected, closing waits until the
/// custodian who is named lets go of it.
pub(super) fn ended(
    site: &Site,
    project: &str,
    request: &Request<'_>,
    lets_go: Option<&str>,
) -> Result<Ended> {
    let (node, path) = (request.node()?, request.path()?);
    let there = || site.cluster.exec_on_node(&node, &["ls", &path]);
    there()?;
    acts::ask_to_close(site, project)?;
    if let Some(custodian) = lets_go {
        acts::project_when(site, project, "waiting for the airlock", |p| {
            condition(p, "Closing")["reason"] == "T3AwaitAirlock"
        })?;
        let waive = json!({"role": "Custodian", "decision": "Waive"});
        request.review(custodian, &waive)?;
    }
    acts::approve_closure(site, project)?;
    let closed = acts::closed(site, project)?;
    check(
        get(site, "namespace", &format!("sde-airlock-{project}"), None)?.is_null(),
        "the airlock's namespace is still there",
    )?;
    check(there().is_err(), format_args!("{path} is still on {node}"))?;
    let folder = site.folder.join("suites").join(project);
    let exported = Exported::of(site, project, &closed, &folder)?;
    let verdict = exported.verify()?;
    check(
        verdict.accepted(),
        format_args!("the attestation does not verify: {verdict:?}"),
    )?;
    Ok(Ended {
        closed,
        exported,
        verdict,
    })
}
