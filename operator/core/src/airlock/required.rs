//! Who must review a request: how many people, in which roles, and what each of them must answer for. Floors hold whatever the policy says.

use std::collections::BTreeSet;

use sde_crds::airlock_request::{Direction, ImportKind, Statistic};
use sde_crds::airlock_review::ReviewRole;
use sde_crds::airlock_status::{AirlockRequestStatus, Severity};
use sde_crds::policy_airlock::AirlockPolicy;

use crate::airlock::declared;
use crate::airlock::observe::Observed;

/// Fewest people who must agree to anything that leaves, or that runs or links when it comes in, or to reopening.
const FLOOR: usize = 2;

/// Who must review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// Distinct people.
    pub people: usize,
    /// Roles in which at least one of them must decide.
    pub roles: BTreeSet<ReviewRole>,
    /// Roles in which a vote counts.
    pub voters: BTreeSet<ReviewRole>,
    /// Rules that every approval must answer for.
    pub held_by: BTreeSet<String>,
}

/// Computes who must review.
pub fn required(observed: &Observed, policy: &AirlockPolicy) -> Required {
    let spec = observed.spec();
    let status = observed.status();
    let transfer = spec.direction == Direction::TransferToSde;
    let kinds = || spec.imports.iter().flatten().map(|i| i.kind);
    let mut roles = BTreeSet::new();
    let mut held_by: BTreeSet<String> = declared::held_by(spec, policy)
        .into_iter()
        .map(str::to_owned)
        .collect();
    for (rule, severity) in holding(&status) {
        held_by.insert(rule.to_owned());
        if severity > Severity::Hold {
            roles.insert(ReviewRole::Senior);
        }
    }
    let model = spec
        .outputs
        .iter()
        .flatten()
        .any(|o| o.statistic == Statistic::Model)
        || kinds().any(|k| k == ImportKind::Model)
        || held_by.iter().any(|r| r.starts_with("AL-M"));
    if model {
        roles.insert(ReviewRole::MachineLearning);
    }
    if status.reopened || kinds().any(|k| k == ImportKind::LinkageData) {
        roles.insert(ReviewRole::Senior);
    }
    let voters = if transfer {
        roles.clear();
        [ReviewRole::Custodian].into()
    } else {
        [
            ReviewRole::OutputChecker,
            ReviewRole::Senior,
            ReviewRole::MachineLearning,
        ]
        .into()
    };
    Required {
        people: people(observed, policy).max(roles.len()),
        roles,
        voters,
        held_by,
    }
}

/// Rules of the scan and of the project's history that hold a request.
pub(super) fn holding(status: &AirlockRequestStatus) -> impl Iterator<Item = (&str, Severity)> {
    let found = status.findings.iter().flat_map(|f| &f.rules);
    let stands_out = status.signals.iter().flatten();
    found
        .map(|f| (f.rule.as_str(), f.severity))
        .chain(stands_out.map(|s| (s.rule.as_str(), s.severity)))
        .filter(|(_, severity)| *severity >= Severity::Hold)
}

fn people(observed: &Observed, policy: &AirlockPolicy) -> usize {
    let spec = observed.spec();
    match spec.direction {
        Direction::Export => {
            at_least(policy.export_reviewers, FLOOR) + usize::from(sampled(observed, policy))
        }
        Direction::TransferToSde => custodians(policy),
        Direction::Import => {
            let inert = |k: ImportKind| matches!(k, ImportKind::Data | ImportKind::Code);
            let kinds = spec.imports.iter().flatten().map(|i| i.kind);
            if kinds.into_iter().all(inert) {
                at_least(policy.import_reviewers, 1)
            } else {
                at_least(policy.tool_import_reviewers, FLOOR)
            }
        }
    }
}

/// Custodians who must agree to a transfer or to reopening.
pub fn custodians(policy: &AirlockPolicy) -> usize {
    at_least(policy.custodians, FLOOR)
}

fn at_least(asked: i64, floor: usize) -> usize {
    usize::try_from(asked).unwrap_or(floor).max(floor)
}

/// Whether this request gets one reviewer more. Drawn by the digest of the findings, which nobody knows before the scan, after
/// which content and declaration can no longer be changed.
fn sampled(observed: &Observed, policy: &AirlockPolicy) -> bool {
    let status = observed.status();
    let Some(findings) = &status.findings else {
        return false;
    };
    let hash = sde_evidence::sha256(findings.digest.as_bytes());
    let draw = hash
        .as_bytes()
        .iter()
        .take(4)
        .fold(0u64, |n, b| n << 8 | u64::from(*b))
        % 100;
    i64::try_from(draw).is_ok_and(|draw| draw < policy.sampled_percent)
}
