//! The end of a project in its tree: the closure's steps and inventory, and the attestation.

use jiff::Timestamp;
use sde_core::approvals::short;
use sde_core::say::{ago, stamp};
use sde_crds::destruction_record::Outcome;
use sde_crds::project_status::{MediumKind, ProjectPhase};

use super::tree::{branch, mark, section, since, voids};
use super::view::{Attestation, ClosingView, ProjectView};
use crate::text::{Line, Tone, Tree};

/// The section `closing`.
pub fn closing(view: &ProjectView, of: &ClosingView, now: Timestamp) -> Tree {
    let asked = format!(
        "asked for {} ({})",
        stamp(of.requested_at),
        ago(of.requested_at, now)
    );
    let mut tree = branch(section("closing").and(Tone::Plain, asked));
    // The summary at the top mostly says the same.
    let told = view.ready.as_ref().map(|r| r.message.as_str());
    if let Some(state) = of
        .state
        .as_ref()
        .filter(|s| s.status == "True" && told != Some(s.message.as_str()))
    {
        tree.leaf(
            mark(false)
                .and(Tone::Plain, state.message.clone())
                .and(Tone::Dim, format!(" {}", since(state, now))),
        );
    }
    tree.push(inventory(of, now));
    if of.inventory_digest.is_some() {
        tree.push(closure_approvals(view, of));
    }
    let mut steps = Tree::new(Line::plain("steps"));
    for step in &of.steps {
        let name = step_title(&step.id);
        let line = match &step.ended_at {
            Some(at) => mark(true)
                .and(Tone::Plain, format!("{:<4}{name}", step.id))
                .and(
                    Tone::Dim,
                    format!(
                        ": {}, {}",
                        step.result.as_deref().unwrap_or("done"),
                        stamp(at.0)
                    ),
                ),
            None => mark(false)
                .and(Tone::Plain, format!("{:<4}{name}", step.id))
                .and(
                    Tone::Wait,
                    format!(
                        ": since {} ({})",
                        stamp(step.started_at.0),
                        ago(step.started_at.0, now)
                    ),
                ),
        };
        steps.leaf(line);
    }
    tree.push(steps);
    tree
}

fn step_title(id: &str) -> &'static str {
    match id {
        "T0" => "approve the closure",
        "T1" => "revoke access",
        "T2" => "freeze the inventory",
        "T3" => "empty the airlock",
        "T4" => "stop what runs",
        "T7" => "delete volumes",
        "T13" => "delete the namespace, attest",
        _ => "",
    }
}

fn inventory(of: &ClosingView, now: Timestamp) -> Tree {
    let Some(digest) = &of.inventory_digest else {
        return Tree::new(mark(false).and(
            Tone::Plain,
            "inventory: not taken yet, that waits until nothing runs",
        ));
    };
    let gone = of.inventory.iter().filter(|m| m.gone_at.is_some()).count();
    let mut tree = Tree::new(
        Line::plain(format!(
            "inventory: {gone} of {} gone, ",
            of.inventory.len()
        ))
        .and(Tone::Dim, short(digest)),
    );
    for medium in &of.inventory {
        let kind = match medium.kind {
            MediumKind::Home => "home",
            MediumKind::DatasetGrant => "grant",
        };
        let volume = medium
            .volume
            .as_ref()
            .map(|v| format!(", volume {v}"))
            .unwrap_or_default();
        let line = Line::plain(format!("{kind:<6}{}{volume}", medium.claim));
        tree.leaf(match &medium.gone_at {
            Some(at) => mark(true)
                .append(line)
                .and(Tone::Dim, format!(": gone {}", ago(at.0, now))),
            None => Line::new(Tone::Dim, "· ").append(line),
        });
    }
    tree
}

fn closure_approvals(view: &ProjectView, of: &ClosingView) -> Tree {
    let have = of.approved_by.len();
    let need = of
        .approvers_needed
        .map_or_else(|| "the policy's number".to_owned(), |n| n.to_string());
    let enough = of
        .approvers_needed
        .is_some_and(|n| i64::try_from(have).is_ok_and(|h| h >= n));
    let by = if have == 0 {
        String::new()
    } else {
        format!(", by {}", of.approved_by.join(", "))
    };
    let mut line = mark(enough).and(
        Tone::Plain,
        format!("approvals of the inventory: {have} of {need}{by}"),
    );
    if !enough && view.phase == ProjectPhase::Closing {
        line = line.and(
            Tone::Wait,
            format!(": kubectl sde approve {} --role Closure", view.name),
        );
    }
    let mut tree = Tree::new(line);
    voids(&mut tree, &of.void);
    tree
}

/// The section `attestation`.
pub fn attestation(view: &ProjectView, of: &Attestation, now: Timestamp) -> Tree {
    let line = match (&of.record, of.outcome, of.claim, of.issued_at) {
        (Some(record), Some(outcome), Some(claim), Some(at)) => {
            let tone = if outcome == Outcome::FailedPartial {
                Tone::Bad
            } else {
                Tone::Good
            };
            section("attestation")
                .and(tone, format!("{outcome:?}"))
                .and(
                    Tone::Plain,
                    format!(
                        ", claim {claim:?}, record {record}, signed {} ({})",
                        stamp(at),
                        ago(at, now)
                    ),
                )
        }
        (Some(record), ..) => section("attestation").and(Tone::Plain, format!("record {record}")),
        (None, ..) => section("attestation").and(
            Tone::Dim,
            "none yet: it is signed when the project is closed",
        ),
    };
    let mut tree = branch(line);
    if let Some(key) = &of.key_id {
        tree.leaf(Line::new(Tone::Dim, format!("key {key}")));
    }
    if of.record.is_some() {
        tree.leaf(Line::new(
            Tone::Dim,
            format!("kubectl sde attestation export {} -o DIR", view.name),
        ));
    }
    tree
}
