//! One project as a tree that a human can read.

use jiff::Timestamp;
use sde_core::approvals::short;
use sde_core::say::{ago, stamp};
use sde_core::time;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::{GrantStatus, ProjectPhase};

use super::view::{Approvals, Data, Lock, PersonView, ProjectView, RoleState, State, Void};
use super::{ending, workspaces};
use crate::text::{Line, Paint, Tone, Tree};

/// Width of the section names.
const SECTION: usize = 13;

/// Colour of a phase.
pub fn phase_tone(phase: ProjectPhase) -> Tone {
    match phase {
        ProjectPhase::Active => Tone::Good,
        ProjectPhase::Pending | ProjectPhase::Opening | ProjectPhase::Closing => Tone::Wait,
        ProjectPhase::Suspended => Tone::Bad,
        ProjectPhase::Closed => Tone::Dim,
    }
}

/// The tree, wrapped at `width` characters.
pub fn render(view: &ProjectView, now: Timestamp, paint: Paint, width: usize) -> String {
    let head =
        Line::new(Tone::Strong, view.name.clone()).and(Tone::Plain, format!("  {}", view.title));
    let mut root = Tree::new(head);
    root.push(phase(view, now));
    root.leaf(dates(view, now));
    root.push(approvals(view, &view.approvals, now));
    root.push(people(&view.people));
    let ended = matches!(view.phase, ProjectPhase::Closing | ProjectPhase::Closed);
    root.push(lock(&view.lock, ended, now));
    root.push(data(&view.data, ended, now));
    root.push(workspaces::workspaces(&view.workspaces, now));
    if let Some(of) = &view.closing {
        root.push(ending::closing(view, of, now));
    }
    root.push(ending::attestation(view, &view.attestation, now));
    root.render(paint, width)
}

/// The name of a section, as its line begins.
pub fn section(name: &str) -> Line {
    Line::new(Tone::Strong, format!("{name:<SECTION$}"))
}

/// A section.
pub fn branch(line: Line) -> Tree {
    Tree::hanging(line, SECTION)
}

/// Done, or waiting.
pub fn mark(good: bool) -> Line {
    if good {
        Line::new(Tone::Good, "✓ ")
    } else {
        Line::new(Tone::Wait, "… ")
    }
}

/// Since when a condition is as it is.
pub fn since(state: &State, now: Timestamp) -> String {
    format!("(since {}, {})", stamp(state.since), ago(state.since, now))
}

/// A condition: mark, message, since when.
pub fn told(line: Line, state: Option<&State>, now: Timestamp) -> Line {
    let Some(state) = state else {
        return line.and(Tone::Dim, "· not known yet");
    };
    let (tone, mark) = match state.status.as_str() {
        "True" => (Tone::Good, "✓ "),
        "False" => (Tone::Bad, "✗ "),
        _ if state.reason == "NotOpen" => (Tone::Dim, "· "),
        _ => (Tone::Wait, "… "),
    };
    line.and(tone, mark)
        .and(Tone::Plain, state.message.clone())
        .and(Tone::Dim, format!(" {}", since(state, now)))
}

fn phase(view: &ProjectView, now: Timestamp) -> Tree {
    let mut line = section("phase").and(phase_tone(view.phase), view.phase.to_string());
    if let Some(ready) = &view.ready {
        line = line.and(Tone::Dim, format!(" {}", since(ready, now)));
    }
    let mut tree = branch(line);
    match &view.ready {
        Some(ready) => tree.leaf(Line::plain(ready.message.clone())),
        None => tree.leaf(Line::new(
            Tone::Wait,
            "The controller has not looked at it yet: kubectl sde doctor says whether it runs.",
        )),
    }
    if view.stale && view.ready.is_some() {
        tree.leaf(Line::new(
            Tone::Wait,
            "The spec has changed since the controller last looked: what follows is of before.",
        ));
    }
    let stopped = view.phase == ProjectPhase::Suspended && view.lifecycle == Lifecycle::Suspended;
    if stopped {
        tree.leaf(Line::new(
            Tone::Dim,
            format!("Open it again: kubectl sde resume {}", view.name),
        ));
    }
    tree
}

fn dates(view: &ProjectView, now: Timestamp) -> Line {
    let mut line =
        section("dates").and(Tone::Plain, format!("{} to {}", view.starts, view.expires));
    if time::expired(view.expires, now) {
        line = line.and(Tone::Bad, " (over)");
    } else if let Ok(left) = time::today(now).until(view.expires) {
        line = line.and(Tone::Dim, format!(" ({} days left)", left.get_days()));
    }
    line.and(
        Tone::Plain,
        format!(", tier {}, data of {}", view.tier, view.custodian),
    )
}

fn approvals(view: &ProjectView, of: &Approvals, now: Timestamp) -> Tree {
    let digest = of
        .digest
        .as_deref()
        .map_or_else(|| "no digest yet".to_owned(), short);
    let complete = of.hidden.is_none()
        && !of.roles.is_empty()
        && of.roles.iter().all(|r| r.state == RoleState::Approved);
    let line = match &of.hidden {
        Some(_) => told(section("approvals"), of.state.as_ref(), now),
        None => {
            let says = if complete {
                "the spec is approved, "
            } else {
                "the spec waits for approval, "
            };
            let (tone, mark) = if complete {
                (Tone::Good, "✓ ")
            } else {
                (Tone::Wait, "… ")
            };
            section("approvals")
                .and(tone, mark)
                .and(Tone::Plain, says)
                .and(Tone::Dim, digest)
        }
    };
    let mut tree = branch(line);
    if let Some(why) = &of.hidden {
        tree.leaf(Line::new(Tone::Dim, format!("not visible to you: {why}")));
    }
    if let Some(approved) = &of.approved_digest {
        tree.leaf(Line::new(
            Tone::Wait,
            format!("In force is what both this spec and the approved {} allow: what was narrowed acts, what was widened waits.", short(approved)),
        ));
    }
    let widest = of.roles.iter().map(|r| r.role.len()).max().unwrap_or(0);
    for role in &of.roles {
        let name = format!("{:<widest$}  ", role.role);
        let by = role
            .by
            .iter()
            .map(|a| format!("{}, until {}", a.user, a.expires))
            .collect::<Vec<_>>()
            .join("; ");
        let how = format!("kubectl sde approve {} --role {}", view.name, role.role);
        let open = !matches!(view.phase, ProjectPhase::Closing | ProjectPhase::Closed);
        let ask = |text: &str| {
            if open {
                format!("{text}: {how}")
            } else {
                text.to_owned()
            }
        };
        tree.leaf(match role.state {
            RoleState::Approved => mark(true)
                .and(Tone::Plain, name)
                .and(Tone::Plain, format!("by {by}")),
            RoleState::Missing => mark(false)
                .and(Tone::Plain, name)
                .and(Tone::Wait, ask("missing")),
            RoleState::NeedsAnotherPerson => mark(false).and(Tone::Plain, name).and(
                Tone::Wait,
                ask(&format!(
                    "by {by}, but one person fills one role: another one must approve"
                )),
            ),
            RoleState::Rejected => Line::new(Tone::Bad, "✗ ")
                .and(Tone::Plain, name)
                .and(Tone::Bad, "rejected: change the spec and ask again"),
        });
    }
    voids(&mut tree, &of.void);
    tree
}

/// Approvals that do not count.
pub fn voids(tree: &mut Tree, all: &[Void]) {
    for void in all {
        let text = format!(
            "not counted: {} ({} by {}): {}",
            void.name, void.role, void.approver, void.why
        );
        tree.leaf(Line::new(Tone::Dim, "· ").and(Tone::Dim, text));
    }
}

fn people(people: &[PersonView]) -> Tree {
    let may = people.iter().filter(|p| p.approved).count();
    let mut tree = branch(section("people").and(
        Tone::Plain,
        format!("{may} of {} approved and current", people.len()),
    ));
    let widest = people
        .iter()
        .map(|p| p.user.chars().count())
        .max()
        .unwrap_or(0);
    for person in people {
        let who = format!(
            "{:<widest$}  {} ({})",
            person.user,
            person.organisation,
            person.roles.join(", ")
        );
        tree.leaf(match &person.why {
            None => mark(true).and(Tone::Plain, who),
            Some(why) => mark(false)
                .and(Tone::Plain, who)
                .and(Tone::Wait, format!(": {why}")),
        });
    }
    tree
}

fn lock(lock: &Lock, ended: bool, now: Timestamp) -> Tree {
    let mut tree = branch(match &lock.state {
        None if ended => section("lock").and(Tone::Dim, "· nothing runs any more"),
        state => told(section("lock"), state.as_ref(), now),
    });
    for of in [&lock.namespace, &lock.policies] {
        if let Some(state) = of.as_ref().filter(|s| s.status != "True") {
            tree.leaf(told(Line::default(), Some(state), now));
        }
    }
    if let Some(at) = lock.proven_at {
        let node = lock
            .node
            .as_ref()
            .map(|n| format!(" on node {n}"))
            .unwrap_or_default();
        let mut proof = Tree::new(Line::plain(format!(
            "last proof {} ({}){node}",
            stamp(at),
            ago(at, now)
        )));
        let mut verdicts: Vec<&str> = lock.targets.iter().map(|t| t.verdict.as_str()).collect();
        verdicts.sort_unstable();
        verdicts.dedup();
        for verdict in verdicts {
            let names: Vec<_> = lock
                .targets
                .iter()
                .filter(|t| t.verdict == verdict)
                .map(|t| t.name.as_str())
                .collect();
            let tone = match verdict {
                "Open" => Tone::Bad,
                "Blocked" | "Absent" => Tone::Good,
                _ => Tone::Wait,
            };
            proof.push(Tree::hanging(
                Line::new(tone, format!("{verdict:<14}")).and(Tone::Plain, names.join(", ")),
                14,
            ));
        }
        tree.push(proof);
    }
    tree
}

fn data(data: &Data, ended: bool, now: Timestamp) -> Tree {
    let mut tree = branch(match &data.state {
        None if ended => section("data").and(Tone::Dim, "· nothing mounts it any more"),
        state => told(section("data"), state.as_ref(), now),
    });
    for grant in &data.grants {
        tree.push(granted(grant, now));
    }
    for (name, dataset) in &data.waiting {
        tree.leaf(
            mark(false)
                .and(Tone::Plain, format!("/data/{name}  dataset {dataset}"))
                .and(Tone::Wait, ": not in force yet"),
        );
    }
    tree
}

fn granted(grant: &GrantStatus, now: Timestamp) -> Tree {
    let what = format!("/data/{}  dataset {}", grant.name, grant.dataset);
    let (Some(digest), Some(at)) = (&grant.manifest_digest, &grant.verified_at) else {
        return Tree::new(
            mark(false)
                .and(Tone::Plain, what)
                .and(Tone::Wait, ": not checked yet"),
        );
    };
    let files = grant
        .files
        .map(|f| format!("{f} files, "))
        .unwrap_or_default();
    let bytes = grant
        .bytes
        .map(|b| format!("{b} bytes, "))
        .unwrap_or_default();
    let below = if grant.recursive_read_only {
        "read-only, mounts below it too"
    } else {
        "read-only"
    };
    let mut tree = Tree::new(
        mark(true)
            .and(Tone::Plain, what)
            .and(Tone::Dim, format!(", verified {}", ago(at.0, now))),
    );
    tree.leaf(Line::new(
        Tone::Dim,
        format!("{files}{bytes}{below}, {}", short(digest)),
    ));
    tree
}
