//! Where a pod is between its probe's report and its open gate.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sde_crds::project_status::{Proof, ProofTarget};

use crate::lock::{Control, Enforced, Judgement, judge};
use crate::pod::{PROBE, View};
use crate::time;

/// Controls gathered for pods whose report waits to be judged, by pod UID.
pub type Controls = BTreeMap<String, Control>;

/// Where a pod is.
#[derive(Debug, Clone, PartialEq)]
pub enum Proving {
    /// The probe is still trying, or has not begun.
    Probing,
    /// The probe has reported; the controller's half is to be gathered.
    Reported,
    /// Both halves are in.
    Judged(Judgement),
    /// The gate was opened.
    Opened,
}

/// Reads where a pod is.
pub fn read(pod: View<'_>, controls: &Controls) -> Proving {
    if pod.gate_open() {
        return Proving::Opened;
    }
    let Some(report) = pod.report(PROBE) else {
        return Proving::Probing;
    };
    match (controls.get(pod.uid()), pod.targets()) {
        (Some(control), Some(targets)) => {
            Proving::Judged(judge(pod.uid(), &targets, &report, control))
        }
        _ => Proving::Reported,
    }
}

/// A judgement as it is kept in status and evidence.
pub fn proof(
    pod: View<'_>,
    judgement: &Judgement,
    control: Option<&Control>,
    policy_digest: Option<String>,
    now: Timestamp,
) -> Proof {
    Proof {
        time: time::seconds(now),
        pod_uid: pod.uid().to_owned(),
        node: pod.node().map(str::to_owned),
        sentinel_boot_id: control.and_then(|c| c.boot_id_after.clone()),
        policy_digest,
        targets: judgement
            .targets
            .iter()
            .map(|t| ProofTarget {
                name: t.name.clone(),
                verdict: format!("{:?}", t.verdict),
            })
            .collect(),
    }
}

/// Reason and message of `EgressEnforced` for a judgement that does not hold.
pub fn explain(judgement: &Judgement, node: Option<&str>) -> (&'static str, String) {
    let place = node.map(|n| format!(" on node {n}")).unwrap_or_default();
    match &judgement.enforced {
        Enforced::Yes => (
            "Proven",
            format!(
                "The probe tried {} targets{place} and reached none.",
                judgement.targets.len()
            ),
        ),
        Enforced::No { open } => {
            let named: Vec<_> = open
                .iter()
                .map(
                    |name| match judgement.targets.iter().find(|t| &t.name == name) {
                        Some(target) => format!("{name} ({})", target.address),
                        None => name.clone(),
                    },
                )
                .collect();
            (
                "EgressOpen",
                format!(
                    "Reached from inside the pod{place}: {}. Nothing was opened. Check that the cluster's CNI enforces NetworkPolicies there: kubectl sde doctor.",
                    named.join(", ")
                ),
            )
        }
        Enforced::Inconclusive { why } => (
            "Inconclusive",
            format!(
                "The lock could not be proven{place}, so it stays locked and is tried again: {why}."
            ),
        ),
    }
}
