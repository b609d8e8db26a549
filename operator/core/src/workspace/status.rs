//! A Workspace's status: made only of what was applied.

use std::time::Duration;

use sde_crds::names::NOTEBOOK_PORT;
use sde_crds::workspace::{WorkspacePhase, WorkspacePod, WorkspaceStatus};

use crate::conditions::{Conditions, Status, types};
use crate::lock::Enforced;
use crate::pod::View;
use crate::project::policies::is_of_policies;
use crate::proving::{self, Proving};
use crate::rejection::Rejection;
use crate::stage::Applied;
use crate::time;
use crate::workspace::desired::{Desired, backoff_left, pause};
use crate::workspace::observe::{Observed, start_number};
use crate::workspace::validate::Validated;

/// Seconds until it is looked again whether the policies are in force that a tier asks for.
const POLICIES_AGAIN_SECONDS: u64 = 15;
const SENTINEL_DOWN: &str = "Stays locked: the sentinel does not answer, so a probe would be inconclusive. Check its pod in the operator's namespace.";

/// The status and when to look again although nothing changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status.
    pub status: WorkspaceStatus,
    /// When to look again, at the latest.
    pub look_again: Duration,
}

/// Computes the status.
pub fn status(
    observed: &Observed,
    validated: &Result<Validated, Rejection>,
    applied: &Desired<Applied>,
) -> Outcome {
    let previous = observed.workspace.status.clone().unwrap_or_default();
    let generation = observed.workspace.metadata.generation;
    let mut conditions = Conditions::new(previous.conditions.as_ref(), generation, observed.now);
    let current = observed.current();
    let started = applied.pod.as_ref().map(View);
    let starts = started.map_or_else(|| observed.starts(), |p| start_number(p.name()));
    let mut next = WorkspaceStatus {
        observed_generation: generation,
        starts: starts.max(previous.starts),
        failed_starts: previous.failed_starts,
        last_start: if started.is_some() {
            Some(time::seconds(observed.now))
        } else {
            previous.last_start.clone()
        },
        proof: previous.proof.clone(),
        ..WorkspaceStatus::default()
    };
    let mut look_again =
        Duration::from_secs(u64::try_from(time::until_tomorrow(observed.now)).unwrap_or(3600));

    match (validated, current) {
        (Err(why), pod) => {
            if is_of_policies(why) {
                look_again = look_again.min(Duration::from_secs(POLICIES_AGAIN_SECONDS));
            }
            next.failed_starts = 0;
            next.phase = if why.reason == "Stopped"
                || pod.is_some()
                || previous.pod.is_some()
                || previous.phase == WorkspacePhase::Stopped
            {
                WorkspacePhase::Stopped
            } else {
                WorkspacePhase::Waiting
            };
            conditions.set(types::READY, Status::False, why.reason, why.message.clone());
            conditions.set(
                types::EGRESS_ENFORCED,
                Status::Unknown,
                "NotRunning",
                "Nothing runs, so there is nothing to prove.",
            );
            conditions.set(
                types::DATA_MOUNTED,
                Status::False,
                "NotRunning",
                "Nothing is mounted.",
            );
        }
        (Ok(_), None) => waiting(
            observed,
            &previous,
            started,
            &mut next,
            &mut conditions,
            &mut look_again,
        ),
        (Ok(_), Some(pod)) => {
            next.pod = Some(WorkspacePod {
                name: pod.name().to_owned(),
                uid: pod.uid().to_owned(),
                node: pod.node().map(str::to_owned),
                url: None,
            });
            of_pod(
                observed,
                &previous,
                pod,
                &mut next,
                &mut conditions,
                &mut look_again,
            );
        }
    }
    next.conditions = Some(conditions.finish());
    Outcome {
        status: next,
        look_again,
    }
}

fn waiting(
    observed: &Observed,
    previous: &WorkspaceStatus,
    started: Option<View<'_>>,
    next: &mut WorkspaceStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) {
    let backoff = backoff_left(observed);
    let sentinel = observed.project.as_ref().and_then(|p| p.sentinel.as_ref());
    next.phase = WorkspacePhase::Waiting;
    if started.is_some() {
        next.phase = WorkspacePhase::Proving;
        conditions.set(
            types::READY,
            Status::False,
            "Proving",
            "The pod's lock is being proven before anything opens.",
        );
    } else if backoff > 0 {
        next.phase = previous.phase;
        next.pod.clone_from(&previous.pod);
        if !conditions.keep(types::READY) {
            conditions.set(
                types::READY,
                Status::False,
                "BackingOff",
                "Tried again shortly.",
            );
        }
        *look_again = (*look_again).min(Duration::from_secs(backoff.unsigned_abs() + 1));
    } else if sentinel.is_none() {
        conditions.set(types::READY, Status::False, "SentinelDown", SENTINEL_DOWN);
        *look_again = (*look_again).min(Duration::from_secs(10));
    } else {
        conditions.set(
            types::READY,
            Status::False,
            "Stopping",
            "The pod of the last start is going away.",
        );
    }
    if !conditions.keep(types::EGRESS_ENFORCED) {
        conditions.set(
            types::EGRESS_ENFORCED,
            Status::Unknown,
            "Proving",
            "Not proven yet.",
        );
    }
    conditions.set(
        types::DATA_MOUNTED,
        Status::False,
        "NotRunning",
        "Nothing is mounted.",
    );
}

fn of_pod(
    observed: &Observed,
    previous: &WorkspaceStatus,
    pod: View<'_>,
    next: &mut WorkspaceStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) {
    let controls = observed
        .project
        .as_ref()
        .map(|p| p.controls.clone())
        .unwrap_or_default();
    let ended = pod.over();
    match proving::read(pod, &controls) {
        Proving::Probing if ended => {
            let message = format!(
                "The pod ended before its probe could report. It is tried again by itself. {}",
                pod.failure()
            );
            conditions.set(
                types::EGRESS_ENFORCED,
                Status::Unknown,
                "Inconclusive",
                message.trim_end(),
            );
            conditions.set(types::READY, Status::False, "PodLost", message.trim_end());
            refused(observed, previous, pod, next, conditions, look_again);
        }
        Proving::Judged(judgement) => {
            let (reason, message) = proving::explain(&judgement, pod.node());
            next.proof = Some(proving::proof(
                pod,
                &judgement,
                controls.get(pod.uid()),
                None,
                observed.now,
            ));
            if judgement.enforced == Enforced::Yes && !ended {
                next.phase = WorkspacePhase::Starting;
                next.failed_starts = 0;
                conditions.set(
                    types::READY,
                    Status::False,
                    "Starting",
                    "The lock is proven; the notebook is starting.",
                );
                conditions.set(types::EGRESS_ENFORCED, Status::True, reason, message);
                conditions.set(
                    types::DATA_MOUNTED,
                    Status::Unknown,
                    "Starting",
                    "The notebook is starting.",
                );
                return;
            }
            let (status, code) = match judgement.enforced {
                Enforced::No { .. } => (Status::False, "LockOpen"),
                Enforced::Inconclusive { .. } => (Status::Unknown, "LockInconclusive"),
                // The proof came when the pod had given up waiting for it.
                Enforced::Yes => (Status::Unknown, "GateTimedOut"),
            };
            conditions.set(types::EGRESS_ENFORCED, status, reason, message);
            conditions.set(
                types::READY,
                Status::False,
                code,
                "Not opened: see condition EgressEnforced. It is tried again by itself.",
            );
            refused(observed, previous, pod, next, conditions, look_again);
        }
        Proving::Reported
            if observed
                .project
                .as_ref()
                .is_some_and(|p| p.sentinel.is_none()) =>
        {
            next.phase = WorkspacePhase::Proving;
            conditions.set(types::READY, Status::False, "SentinelDown", SENTINEL_DOWN);
            conditions.set(
                types::EGRESS_ENFORCED,
                Status::Unknown,
                "Proving",
                "The probe has reported; the controller's half of the proof is missing.",
            );
            conditions.set(
                types::DATA_MOUNTED,
                Status::False,
                "NotRunning",
                "Nothing is mounted.",
            );
            *look_again = (*look_again).min(Duration::from_secs(10));
        }
        Proving::Probing | Proving::Reported => {
            next.phase = WorkspacePhase::Proving;
            let (reason, message) = not_starting(pod).unwrap_or((
                "Proving",
                "The pod's lock is being proven before anything opens.".to_owned(),
            ));
            conditions.set(types::READY, Status::False, reason, message);
            let refused = previous.failed_starts > 0;
            if !(refused && conditions.keep(types::EGRESS_ENFORCED)) {
                conditions.set(
                    types::EGRESS_ENFORCED,
                    Status::Unknown,
                    "Proving",
                    "The probe is trying to get out.",
                );
            }
            conditions.set(
                types::DATA_MOUNTED,
                Status::False,
                "NotRunning",
                "Nothing is mounted.",
            );
            *look_again = (*look_again).min(Duration::from_secs(10));
        }
        Proving::Opened => opened(pod, ended, next, conditions, look_again),
    }
}

/// Counts a start that was not opened, once, and tells when the next is due.
fn refused(
    observed: &Observed,
    previous: &WorkspaceStatus,
    pod: View<'_>,
    next: &mut WorkspaceStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) {
    let told = previous.phase == WorkspacePhase::Refused
        && previous.pod.as_ref().is_some_and(|p| p.uid == pod.uid());
    if told {
        next.proof.clone_from(&previous.proof);
    } else {
        next.failed_starts = previous.failed_starts + 1;
        next.last_start = Some(time::seconds(observed.now));
    }
    next.phase = WorkspacePhase::Refused;
    conditions.set(
        types::DATA_MOUNTED,
        Status::False,
        "NotRunning",
        "Nothing is mounted.",
    );
    let due = pause(next.failed_starts)
        - next
            .last_start
            .as_ref()
            .map_or(0, |t| time::elapsed(t, observed.now));
    *look_again = (*look_again).min(Duration::from_secs(due.max(0).unsigned_abs() + 1));
}

fn opened(
    pod: View<'_>,
    ended: bool,
    next: &mut WorkspaceStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) {
    next.failed_starts = 0;
    if !conditions.keep(types::EGRESS_ENFORCED) {
        conditions.set(
            types::EGRESS_ENFORCED,
            Status::True,
            "Proven",
            "Proven before the notebook started.",
        );
    }
    if ended {
        next.phase = WorkspacePhase::Failed;
        let code = pod
            .ended("notebook")
            .map_or_else(String::new, |(code, _)| format!(" with exit code {code}"));
        conditions.set(types::READY, Status::False, "NotebookEnded", format!("The notebook ended by itself{code}. Set running: false and then true for a new start; the home volume is kept."));
        conditions.set(
            types::DATA_MOUNTED,
            Status::False,
            "NotRunning",
            "Nothing is mounted.",
        );
    } else if pod.ready() {
        next.phase = WorkspacePhase::Running;
        if let (Some(of), Some(ip)) = (&mut next.pod, pod.ip()) {
            of.url = Some(format!("http://{ip}:{NOTEBOOK_PORT}/"));
        }
        conditions.set(
            types::READY,
            Status::True,
            "Running",
            "The notebook answers.",
        );
        conditions.set(
            types::DATA_MOUNTED,
            Status::True,
            "MountedReadOnly",
            "The grants are mounted read-only.",
        );
    } else {
        next.phase = WorkspacePhase::Starting;
        let (reason, message) = not_starting(pod).unwrap_or((
            "Starting",
            "The lock is proven; the notebook is starting.".to_owned(),
        ));
        conditions.set(types::READY, Status::False, reason, message);
        conditions.set(
            types::DATA_MOUNTED,
            Status::Unknown,
            "Starting",
            "The notebook is starting.",
        );
        *look_again = (*look_again).min(Duration::from_secs(10));
    }
}

/// Why a pod does not get on, in a sentence that says what to do.
fn not_starting(pod: View<'_>) -> Option<(&'static str, String)> {
    if let Some(message) = pod.unschedulable() {
        return Some(("Unschedulable", format!("No node takes the pod: {message}")));
    }
    if let Some((container, reason, message)) = pod.stuck() {
        let missing = reason.contains("Image");
        let reason_code = if missing {
            "ImageUnavailable"
        } else {
            "ContainerStuck"
        };
        let hint = if missing {
            " The image must be on the node or in a registry that answers, under exactly this digest."
        } else {
            ""
        };
        return Some((
            reason_code,
            format!("Container {container} cannot start: {reason}: {message}.{hint}"),
        ));
    }
    pod.unmounted().then(|| {
        (
            "VolumesNotMounted",
            format!("The pod's volumes are not mounted yet. If this stays, a dataset source or the home volume is missing: kubectl describe pod {} shows which.", pod.name()),
        )
    })
}
