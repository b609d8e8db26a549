//! The status of a Project that is being closed: which step, why it waits, and what was observed when.

use std::time::Duration;

use jiff::Timestamp;
use sde_crds::project_status::{ClosingStatus, ClosingStep, ProjectPhase, ProjectStatus};

use crate::closing::inventory;
use crate::closing::next::Step;
use crate::closing::observe::Observed;
use crate::conditions::{Conditions, Status, types};
use crate::time;

/// The order in which the steps of the attestation are done here: pods die before anything else.
const ORDER: [&str; 6] = ["T4", "T1", "T3", "T2", "T7", "T13"];
/// Those that are done before anybody approves the destruction.
const BEFORE_APPROVAL: usize = 4;
/// Place of the airlock in [`ORDER`].
const AIRLOCK: usize = 2;

/// What the status noted so far, or the beginning.
pub fn begun(observed: &Observed) -> ClosingStatus {
    let noted = observed
        .project
        .project
        .status
        .as_ref()
        .and_then(|s| s.closing.clone());
    noted.unwrap_or_else(|| {
        let now = time::seconds(observed.project.now);
        ClosingStatus {
            requested_at: now.clone(),
            inventory_digest: None,
            inventory: None,
            airlock: None,
            steps: vec![ClosingStep {
                id: "T0".to_owned(),
                started_at: now,
                ended_at: None,
                result: None,
            }],
        }
    })
}

/// Notes that `step` comes next: everything before it is done, as observed at this time.
pub fn note(observed: &Observed, mut closing: ClosingStatus, step: &Step) -> ClosingStatus {
    let now = observed.project.now;
    if let Step::TakeInventory(media) = step {
        closing.inventory_digest = Some(inventory::digest(
            &observed.project.id().uid,
            &observed.project.project.spec.closure,
            media,
        ));
        closing.inventory = Some(media.clone());
        closing.steps.retain(|s| s.id != "T2");
    }
    let inventory = closing.inventory.take();
    closing.inventory = inventory.map(|media| {
        media
            .into_iter()
            .map(|mut medium| {
                let begun = matches!(step.id(), "T7" | "T13");
                if begun && medium.gone_at.is_none() && inventory::gone(observed, &medium) {
                    medium.gone_at = Some(time::seconds(now));
                }
                medium
            })
            .collect()
    });
    let place = ORDER.iter().position(|id| *id == step.id());
    if step.id() == "T0" && !matches!(step, Step::Hold) {
        for id in &ORDER[..BEFORE_APPROVAL] {
            mark(&mut closing, id, now, true);
        }
    }
    if let Some(place) = place {
        // Counted once, while the requests are there to be counted.
        if place > AIRLOCK {
            closing.airlock.get_or_insert(observed.emptied);
        }
        for id in &ORDER[..place] {
            mark(&mut closing, id, now, true);
        }
        let ended = matches!(
            step,
            Step::TakeInventory(_) | Step::Attest | Step::Release | Step::Done
        );
        mark(&mut closing, ORDER[place], now, ended);
        if place >= BEFORE_APPROVAL {
            mark(&mut closing, "T0", now, true);
        }
    }
    closing
}

fn mark(closing: &mut ClosingStatus, id: &str, now: Timestamp, ended: bool) {
    let now = time::seconds(now);
    if !closing.steps.iter().any(|s| s.id == id) {
        closing.steps.push(ClosingStep {
            id: id.to_owned(),
            started_at: now.clone(),
            ended_at: None,
            result: None,
        });
    }
    for step in closing
        .steps
        .iter_mut()
        .filter(|s| s.id == id && ended && s.ended_at.is_none())
    {
        step.ended_at = Some(now.clone());
        step.result = Some(result(id).to_owned());
    }
}

fn result(id: &str) -> &'static str {
    match id {
        "T0" => "approved by distinct people",
        "T1" => "bindings and tokens gone",
        "T2" => "inventory frozen",
        "T3" => "requests ended, chambers gone",
        "T4" => "no pod left",
        "T7" => "claims and volumes gone, or kept as the closure says",
        _ => "namespace gone, nothing left",
    }
}

/// The status and when to look again although nothing changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status.
    pub status: ProjectStatus,
    /// When to look again, at the latest.
    pub look_again: Duration,
}

/// Computes the status of a closure at `step`.
pub fn status(observed: &Observed, closing: ClosingStatus, step: &Step, record: &str) -> Outcome {
    let project = &observed.project.project;
    let previous = project.status.clone().unwrap_or_default();
    let mut conditions = Conditions::new(
        previous.conditions.as_ref(),
        project.metadata.generation,
        observed.project.now,
    );
    let closed = matches!(step, Step::Release | Step::Done);
    let (reason, message, look_again) = explain(
        &project.metadata.name.clone().unwrap_or_default(),
        &closing,
        step,
    );
    let held = if closed { Status::False } else { Status::True };
    conditions.set(
        types::READY,
        Status::False,
        if closed { "Closed" } else { "Closing" },
        message.clone(),
    );
    conditions.set(types::CLOSING, held, reason, message);
    Outcome {
        status: ProjectStatus {
            observed_generation: project.metadata.generation,
            phase: if closed {
                ProjectPhase::Closed
            } else {
                ProjectPhase::Closing
            },
            attestation_key: Some(observed.project.attestation_key.clone()),
            workspaces: Some(0),
            closing: Some(closing),
            destruction_record: closed.then(|| record.to_owned()),
            conditions: Some(conditions.finish()),
            ..previous
        },
        look_again: Duration::from_secs(look_again),
    }
}

fn explain(name: &str, closing: &ClosingStatus, step: &Step) -> (&'static str, String, u64) {
    match step {
        Step::Hold => ("T0Begin", "Closing begins.".to_owned(), 30),
        Step::StopPods(pods) if pods.is_empty() => (
            "T4StopPods",
            format!("Waits for the last pods to be gone before anything else changes. If this stays, kubectl get pods -n sde-project-{name} shows them: delete those that the operator did not make."),
            15,
        ),
        Step::StopPods(_) => ("T4StopPods", "Stopping every pod before anything else changes.".to_owned(), 15),
        Step::Revoke(_) => ("T1Revoke", "Taking away the access of the hub and of the people, and the notebook tokens.".to_owned(), 15),
        Step::AwaitAirlock(why) => (
            "T3AwaitAirlock",
            format!("Nothing runs. The airlock is emptied before anything else is destroyed. {}", why.join(" ")),
            300,
        ),
        Step::TakeInventory(media) => ("T2Inventory", format!("Nothing runs. {} claims are in the inventory.", media.len()), 15),
        Step::AwaitApprovals { have, need, explain } => (
            "T0AwaitApprovals",
            format!(
                "Nothing runs and nothing is deleted yet: {have} of {need} people have approved the destruction of {}. Each of them: kubectl sde approve {name} --role Closure.{explain}",
                crate::approvals::short(closing.inventory_digest.as_deref().unwrap_or_default())
            ),
            3600,
        ),
        Step::LegalHold => ("LegalHold", "A legal hold stops every deletion: closure.legalHold was true when the Project was closed.".to_owned(), 3600),
        Step::Unexplained(claims) => (
            "T2Unexplained",
            format!("Stopped: claims that are not in the approved inventory, or whose volume is not seen: {}. Find out who made them and delete them; nothing is deleted until then.", claims.join(", ")),
            60,
        ),
        Step::SetReclaim { .. } | Step::DeleteClaims(_) | Step::ReleaseGrants(_) => ("T7DeleteVolumes", "Deleting claims and volumes.".to_owned(), 15),
        Step::AwaitVolumes(left) => (
            "T7AwaitVolumes",
            format!(
                "Waits for {} to be gone since {}: deletion was asked for, its driver has not finished. kubectl describe pv shows why.",
                if left.is_empty() { "claims".to_owned() } else { left.join(", ") },
                closing.steps.iter().find(|s| s.id == "T7").map(|s| s.started_at.0.to_string()).unwrap_or_default()
            ),
            30,
        ),
        Step::DeleteNamespace(_) | Step::AwaitNamespace => (
            "T13Namespace",
            format!("Waits for the namespace to be gone. If this stays, kubectl get namespace sde-project-{name} -o yaml shows what holds it."),
            15,
        ),
        Step::Attest => ("T13Attest", "Everything is gone; the attestation is being signed.".to_owned(), 15),
        Step::Release | Step::Done => ("Closed", format!("Closed. The attestation: kubectl sde attestation export {name}."), 86_400),
    }
}
