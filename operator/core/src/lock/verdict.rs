//! From a probe's report and the controller's own observations to "enforced", "not" or "cannot say".
//!
//! `Yes` needs every part of the proof; whatever is missing, contradictory or unknown makes it
//! [`Enforced::Inconclusive`], and any sign that traffic got out makes it [`Enforced::No`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::report::{Outcome, REPORT_VERSION, Report, SocketResult};
use super::target::{Protocol, Target, TargetKind, validate_targets};

/// Fewer consecutive closed rounds than this are no proof: one may be a lost packet.
pub const MIN_ROUNDS: u32 = 2;

/// Entry of [`Enforced::No`]`.open`: the sentinel heard this pod.
pub const OPEN_NONCE: &str = "nonce-at-sentinel";
/// Entry of [`Enforced::No`]`.open`: a ping socket could be made, or an echo was answered.
pub const OPEN_PING: &str = "icmp-ping";
/// Entry of [`Enforced::No`]`.open`: a raw or packet socket could be made.
pub const OPEN_RAW: &str = "raw-socket";

/// Reasons of [`Enforced::Inconclusive`] beyond this many are counted, not listed.
const WHY_LISTED: usize = 4;

/// What the controller saw from an allowed place in the probe's window. The default knows nothing
/// and so proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Control {
    /// The sentinel's boot id when the pod was created.
    pub boot_id_before: Option<String>,
    /// And after the probe ended.
    pub boot_id_after: Option<String>,
    /// The sentinel answered the controller over TCP.
    pub sentinel_answered_tcp: bool,
    /// And over UDP.
    pub sentinel_answered_udp: bool,
    /// Nonces with this pod's UID that reached the sentinel; none when it could not be asked.
    pub nonces_seen: Option<u64>,
    /// The sentinel said its memory is complete ([`super::Seen::complete`]).
    pub nonces_complete: bool,
    /// Target name to whether it connected or answered from the controller.
    pub reachable: BTreeMap<String, bool>,
}

/// What is known about one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// A connection or a payload got through.
    Open,
    /// Refused or silent for the pod, and at that time reachable from an allowed place.
    Blocked,
    /// The pod has no route to it.
    Absent,
    /// No answer, and no positive control; never enough for the sentinel or the API server.
    Silent,
    /// Anything else.
    Inconclusive,
}

/// One target's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetVerdict {
    /// [`Target::name`].
    pub name: String,
    /// [`Target::address`].
    pub address: String,
    /// What is known.
    pub verdict: Verdict,
}

/// Whether the lock is enforced for this pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enforced {
    /// Proven: the pod tried, failed, and could have succeeded.
    Yes,
    /// Proven open.
    No {
        /// Target names, [`OPEN_NONCE`], [`OPEN_PING`] or [`OPEN_RAW`]; sorted, never empty.
        open: Vec<String>,
    },
    /// Not proven; stays locked.
    Inconclusive {
        /// What is missing, for a condition's message; target names and fixed phrases only.
        why: String,
    },
}

/// The judgement of one probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// One a target, in the order of `targets`.
    pub targets: Vec<TargetVerdict>,
    /// Taken together.
    pub enforced: Enforced,
}

/// Judges the probe of pod `pod_uid`, which was given `targets`, by its report and the controller's
/// own observations. Total; fails closed.
#[must_use]
pub fn judge(pod_uid: &str, targets: &[Target], report: &Report, control: &Control) -> Judgement {
    let mut open = BTreeSet::new();
    let mut why = Vec::new();

    judge_sentinel(control, &mut open, &mut why);
    if let Err(error) = validate_targets(targets) {
        why.push(error.to_string());
    }
    // A report of another pod, or of another format, says nothing about this pod, good or bad.
    let ours = match foreign(pod_uid, report) {
        Some(reason) => {
            why.push(reason.to_owned());
            false
        }
        None => {
            judge_report(targets, report, &mut open, &mut why);
            true
        }
    };

    let mut verdicts = Vec::with_capacity(targets.len());
    for target in targets {
        let outcome = if ours {
            outcome_of(report, &target.name)
        } else {
            None
        };
        let verdict = verdict(target, outcome, control);
        if verdict == Verdict::Open {
            open.insert(target.name.clone());
        } else if let Some(reason) = not_enough(target.kind, verdict, outcome) {
            why.push(format!("{} {reason}", target.name));
        }
        verdicts.push(TargetVerdict {
            name: target.name.clone(),
            address: target.address.clone(),
            verdict,
        });
    }
    for protocol in [Protocol::TCP, Protocol::UDP] {
        let blocked = targets.iter().zip(&verdicts).any(|(t, v)| {
            t.kind == TargetKind::Sentinel
                && t.protocol == protocol
                && v.verdict == Verdict::Blocked
        });
        if !blocked {
            why.push(format!("no sentinel was proven blocked over {protocol:?}"));
        }
    }

    let enforced = if !open.is_empty() {
        Enforced::No {
            open: open.into_iter().collect(),
        }
    } else if why.is_empty() {
        Enforced::Yes
    } else {
        Enforced::Inconclusive {
            why: sentence(&why),
        }
    };
    Judgement {
        targets: verdicts,
        enforced,
    }
}

fn judge_sentinel(control: &Control, open: &mut BTreeSet<String>, why: &mut Vec<String>) {
    match control.nonces_seen {
        Some(0) if control.nonces_complete => {}
        Some(0) => why.push("the sentinel has forgotten some nonces".to_owned()),
        Some(_) => {
            open.insert(OPEN_NONCE.to_owned());
        }
        None => why.push("the sentinel could not be asked for nonces".to_owned()),
    }
    if !same_boot(control) {
        why.push("the sentinel's boot id is unknown or changed".to_owned());
    }
    if !control.sentinel_answered_tcp {
        why.push("the sentinel did not answer the controller over TCP".to_owned());
    }
    if !control.sentinel_answered_udp {
        why.push("the sentinel did not answer the controller over UDP".to_owned());
    }
}

fn same_boot(control: &Control) -> bool {
    match (&control.boot_id_before, &control.boot_id_after) {
        (Some(before), Some(after)) => !before.is_empty() && before == after,
        _ => false,
    }
}

/// Why the report is not about this pod.
fn foreign(pod_uid: &str, report: &Report) -> Option<&'static str> {
    if report.version != REPORT_VERSION {
        Some("the report has an unknown version")
    } else if pod_uid.is_empty() || report.pod_uid != pod_uid {
        Some("the report is of another pod")
    } else {
        None
    }
}

fn judge_report(
    targets: &[Target],
    report: &Report,
    open: &mut BTreeSet<String>,
    why: &mut Vec<String>,
) {
    if report.error.is_some() {
        why.push("the probe reported an error".to_owned());
    }
    if report.rounds < MIN_ROUNDS {
        why.push("too few consecutive closed rounds".to_owned());
    }
    match report.ping {
        SocketResult::Refused | SocketResult::Silent => {}
        SocketResult::Open => {
            open.insert(OPEN_PING.to_owned());
        }
        SocketResult::Error => why.push("ICMP could not be tested".to_owned()),
    }
    match report.raw {
        SocketResult::Refused => {}
        SocketResult::Open => {
            open.insert(OPEN_RAW.to_owned());
        }
        SocketResult::Silent | SocketResult::Error => {
            why.push("raw sockets could not be tested".to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    for result in &report.results {
        if !seen.insert(result.name.as_str()) {
            why.push("the report names a target twice".to_owned());
        }
        if !targets.iter().any(|t| t.name == result.name) {
            why.push("the report names a target that was not asked for".to_owned());
        }
        // Also for results nobody asked for, and for the worse of two with one name.
        if result.outcome.is_open() {
            open.insert(result.name.clone());
        }
    }
}

/// The outcome of a target; the worst when it is named twice.
fn outcome_of(report: &Report, name: &str) -> Option<Outcome> {
    report
        .results
        .iter()
        .filter(|r| r.name == name)
        .map(|r| r.outcome)
        .min()
}

fn verdict(target: &Target, outcome: Option<Outcome>, control: &Control) -> Verdict {
    match outcome {
        Some(Outcome::Connected | Outcome::Answered) => Verdict::Open,
        Some(Outcome::Refused) if controlled(target, control) => Verdict::Blocked,
        Some(Outcome::Silent) if controlled(target, control) => Verdict::Blocked,
        Some(Outcome::Silent) => Verdict::Silent,
        Some(Outcome::NoRoute) => Verdict::Absent,
        Some(Outcome::Refused | Outcome::Error) | None => Verdict::Inconclusive,
    }
}

/// Whether the target could be reached from an allowed place in the window.
fn controlled(target: &Target, control: &Control) -> bool {
    let reachable = control.reachable.get(&target.name).copied();
    if target.kind != TargetKind::Sentinel {
        return reachable == Some(true);
    }
    let answered = match target.protocol {
        Protocol::TCP => control.sentinel_answered_tcp,
        Protocol::UDP => control.sentinel_answered_udp,
    };
    // A second address of the sentinel that the controller could not reach is not controlled.
    answered && same_boot(control) && reachable != Some(false)
}

/// Why a verdict that is not open still does not suffice for a kind of target.
fn not_enough(
    kind: TargetKind,
    verdict: Verdict,
    outcome: Option<Outcome>,
) -> Option<&'static str> {
    match verdict {
        Verdict::Open | Verdict::Blocked | Verdict::Absent => None,
        Verdict::Silent => matches!(kind, TargetKind::Sentinel | TargetKind::ApiServer)
            .then_some("was silent without a positive control"),
        Verdict::Inconclusive => Some(match outcome {
            Some(Outcome::Refused) => {
                "was refused, but nothing that is allowed to reaches it either"
            }
            Some(_) => "could not be dialled",
            None => "was not reported",
        }),
    }
}

fn sentence(why: &[String]) -> String {
    let listed = why
        .iter()
        .take(WHY_LISTED)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    match why.len().saturating_sub(WHY_LISTED) {
        0 => listed,
        more => format!("{listed}; and {more} more"),
    }
}
