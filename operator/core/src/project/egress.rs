//! `EgressEnforced` of a Project: what the standing probe's reports prove, and for how long.

use std::time::Duration;

use sde_crds::project_status::ProjectStatus;

use crate::conditions::{Conditions, Status, find, types};
use crate::lock::Enforced;
use crate::pod::View;
use crate::project::desired::RETRY_SECONDS;
use crate::project::observe::Observed;
use crate::project::standing::{self, Standing};
use crate::project::validate::Validated;
use crate::proving;
use crate::time;

/// Reason of `EgressEnforced` once the last proof is too old.
const OVERDUE: &str = "Overdue";
/// Reason of `EgressEnforced` after something was reached from inside.
const EGRESS_OPEN: &str = "EgressOpen";

/// `EgressEnforced`: judged reports of the standing probe. A failure acts at once; silence acts after the deadline.
pub fn egress(
    observed: &Observed,
    previous: &ProjectStatus,
    validated: &Validated,
    next: &mut ProjectStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) -> bool {
    let pod = observed.pod(standing::NAME).map(View);
    let standing = standing::read(observed);
    if let (Standing::Judged { judgement, .. }, Some(view)) = (&standing, pod) {
        let (reason, message) = proving::explain(judgement, view.node());
        match judgement.enforced {
            Enforced::Yes => {
                let control = observed.controls.get(view.uid());
                next.proof = Some(proving::proof(
                    view,
                    judgement,
                    control,
                    policy_digest(observed),
                    observed.now,
                ));
                conditions.set(types::EGRESS_ENFORCED, Status::True, reason, message);
                return true;
            }
            Enforced::No { .. } => {
                *look_again = (*look_again).min(Duration::from_secs(RETRY_SECONDS.unsigned_abs()));
                conditions.set(types::EGRESS_ENFORCED, Status::False, reason, message);
                return false;
            }
            Enforced::Inconclusive { .. } => {
                *look_again = (*look_again).min(Duration::from_secs(15));
                return unproven(
                    observed, previous, validated, &message, conditions, look_again,
                );
            }
        }
    }
    if standing == Standing::Ended {
        *look_again = (*look_again).min(Duration::from_secs(RETRY_SECONDS.unsigned_abs() + 1));
    }
    let waits = match (pod, &observed.sentinel) {
        (_, None) => "The sentinel does not answer, so nothing can be proven: check its pod in the operator's namespace.".to_owned(),
        (Some(pod), _) => match (pod.stuck(), pod.unschedulable()) {
            (Some((container, reason, message)), _) => format!("The standing probe cannot start: {container}: {reason}: {message}. Its image must be on the node or in a registry that answers."),
            (None, Some(message)) => format!("No node takes the standing probe: {message}"),
            (None, None) if standing == Standing::Ended => format!("The standing probe ended without a report and is made again: {}", pod.failure()),
            (None, None) => "The standing probe is trying to get out.".to_owned(),
        },
        (None, _) => "The standing probe is trying to get out.".to_owned(),
    };
    unproven(
        observed, previous, validated, &waits, conditions, look_again,
    )
}

/// No fresh proof, and `why`. What was found open stays open, and an older proof stays in force until the deadline
/// after a report was due.
fn unproven(
    observed: &Observed,
    previous: &ProjectStatus,
    validated: &Validated,
    why: &str,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) -> bool {
    let last = previous
        .conditions
        .as_ref()
        .and_then(|c| find(c, types::EGRESS_ENFORCED));
    let reason = last.map_or("", |c| c.reason.as_str());
    if reason == EGRESS_OPEN && conditions.keep(types::EGRESS_ENFORCED) {
        return false;
    }
    let held = last.is_some_and(|c| c.status == "True");
    let probe = &validated.policy.probe;
    let limit = probe.standing_seconds + probe.inconclusive_deadline_seconds;
    let left = previous
        .proof
        .as_ref()
        .filter(|_| held)
        .map_or(-1, |p| limit - time::elapsed(&p.time, observed.now));
    if left >= 0 && conditions.keep(types::EGRESS_ENFORCED) {
        *look_again = (*look_again).min(Duration::from_secs(left.unsigned_abs() + 1));
        return true;
    }
    *look_again = (*look_again).min(Duration::from_secs(5));
    if held || reason == OVERDUE {
        let message = format!(
            "The last proof is older than the {limit} s that SdePolicy allows, so the project is suspended until there is a new one. {why}"
        );
        conditions.set(types::EGRESS_ENFORCED, Status::False, OVERDUE, message);
    } else {
        conditions.set(types::EGRESS_ENFORCED, Status::Unknown, "Proving", why);
    }
    false
}

fn policy_digest(observed: &Observed) -> Option<String> {
    let mut specs: Vec<_> = observed
        .network_policies
        .iter()
        .map(|p| (&p.metadata.name, &p.spec))
        .collect();
    specs.sort_by_key(|(name, _)| name.as_deref().unwrap_or_default().to_owned());
    let value = serde_json::to_value(&specs).ok()?;
    Some(sde_evidence::canonical_digest(&value).ok()?.to_string())
}
