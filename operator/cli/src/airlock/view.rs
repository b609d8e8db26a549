//! Typed data of requests: what `list` and `show` render, and their JSON.

use jiff::Timestamp;
use sde_core::airlock::waiting::waits_for;
pub use sde_core::airlock::waiting::{Actor, project, taken_back};
use sde_core::conditions::{find, types};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction, TransferOfGrant};
use sde_crds::airlock_status::{AirlockPhase as Phase, AirlockRequestStatus, Finding};
use serde::Serialize;

/// One request, as in the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Project.
    pub project: String,
    /// Name of the request.
    pub request: String,
    /// Which way.
    pub direction: Direction,
    /// What goes to which other environment, when that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferOfGrant>,
    /// Where it is.
    pub phase: Phase,
    /// Who asks.
    pub requester: String,
    /// Files, once sealed.
    pub files: Option<i64>,
    /// Bytes, once sealed.
    pub bytes: Option<i64>,
    /// Who must act.
    pub waits_for: Actor,
    /// Since when it is there.
    pub since: Option<Timestamp>,
    /// Why it is there and what to do.
    pub message: String,
}

/// One request in full.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    #[serde(flatten)]
    pub row: Row,
    /// What is asked.
    pub spec: AirlockRequestSpec,
    /// What became of it.
    pub status: AirlockRequestStatus,
    /// What was found, gravest first, with words of the catalogue.
    pub findings: Vec<Explained>,
}

/// A finding and what the catalogue says of its rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    #[serde(flatten)]
    pub finding: Finding,
    /// What the rule looks for; none when this kubectl-sde does not know the rule.
    pub checks: Option<&'static str>,
    /// What the researcher should do.
    pub advice: Option<&'static str>,
}

/// What the catalogue says of a rule.
pub fn rule(id: &str) -> Option<&'static sde_inspect::Rule> {
    sde_inspect::rules().find(|r| r.id == id)
}

/// A request as in the table.
pub fn row(request: &AirlockRequest) -> Row {
    let status = request.status.clone().unwrap_or_default();
    let conditions = status.conditions.clone().unwrap_or_default();
    let ready = find(&conditions, types::READY);
    let created = request.metadata.creation_timestamp.as_ref();
    Row {
        project: project(request),
        request: request.metadata.name.clone().unwrap_or_default(),
        direction: request.spec.direction,
        transfer: request.spec.transfer.clone(),
        phase: status.phase,
        requester: request.spec.requester.clone(),
        files: status.content.as_ref().map(|c| c.files),
        bytes: status.content.as_ref().map(|c| c.bytes),
        waits_for: waits_for(&request.spec, &status, ready.map(|c| c.reason.as_str())),
        since: status.since.as_ref().or(created).map(|t| t.0),
        message: ready.map_or_else(
            || {
                "No controller has looked at it yet: kubectl sde doctor says whether one runs."
                    .to_owned()
            },
            |c| c.message.clone(),
        ),
    }
}

/// A request in full.
pub fn view(request: &AirlockRequest) -> View {
    let status = request.status.clone().unwrap_or_default();
    let mut findings: Vec<Finding> = status
        .findings
        .iter()
        .flat_map(|f| f.rules.clone())
        .collect();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.rule.cmp(&b.rule)));
    View {
        row: row(request),
        spec: request.spec.clone(),
        status,
        findings: findings.into_iter().map(explained).collect(),
    }
}

fn explained(finding: Finding) -> Explained {
    let known = rule(&finding.rule);
    Explained {
        checks: known.map(|r| r.checks),
        advice: known.map(|r| r.advice),
        finding,
    }
}
