//! One request as a tree that a person can read.

use jiff::Timestamp;
use sde_core::airlock::history;
use sde_core::airlock::reviewing::lacking;
use sde_core::say::{ago, size, stamp};
use sde_crds::airlock_request::{AirlockRequestSpec, Direction, Import, Output};
use sde_crds::airlock_status::{AirlockPhase as Phase, ReviewProgress, Severity, Signal};

use super::list::phase_tone;
use super::view::{Actor, Explained, View, rule, taken_back};
use crate::text::{Line, Paint, Tone, Tree};

/// What stands for the words of a rule that is not in the catalogue.
const UNKNOWN: &str =
    "a rule that this kubectl-sde does not know; the operator is of another version";

/// Width of the section names.
const SECTION: usize = 13;

/// The tree, wrapped at `width` characters.
pub fn render(view: &View, now: Timestamp, paint: Paint, width: usize) -> String {
    let row = &view.row;
    let head = Line::new(Tone::Strong, format!("{} {}", row.project, row.request)).and(
        Tone::Plain,
        format!("  {:?}, {}", row.direction, view.spec.justification),
    );
    let mut root = Tree::new(head);
    root.push(phase(view, now));
    root.push(declared(&view.spec));
    root.push(content(view));
    root.push(findings(view));
    if let Some(signals) = &view.status.signals {
        root.push(stands_out(signals));
    }
    root.push(reviews(view.status.reviews.as_ref()));
    root.push(deadlines(view, now));
    root.render(paint, width)
}

fn section(name: &str) -> Line {
    Line::new(Tone::Strong, format!("{name:<SECTION$}"))
}

fn branch(line: Line) -> Tree {
    Tree::hanging(line, SECTION)
}

fn phase(view: &View, now: Timestamp) -> Tree {
    let row = &view.row;
    let mut line = section("phase").and(phase_tone(row.phase), row.phase.to_string());
    if let Some(at) = row.since {
        line = line.and(
            Tone::Dim,
            format!(" (since {}, {})", stamp(at), ago(at, now)),
        );
    }
    let mut tree = branch(line);
    tree.leaf(Line::plain(row.message.clone()));
    if let Some(failure) = &view.status.failure {
        tree.leaf(Line::new(
            Tone::Bad,
            format!("{:?}, while it was {}", failure.cause, failure.phase),
        ));
    }
    if taken_back(&view.spec, row.phase) {
        tree.leaf(Line::new(Tone::Wait, "its requester has taken it back"));
    }
    tree.leaf(match row.waits_for {
        Actor::Nobody => Line::new(Tone::Dim, "ended: nothing more comes of it"),
        Actor::Operator => Line::plain("nobody need act: the operator is at work"),
        actor => Line::new(Tone::Wait, format!("waits for {}", actor.name())),
    });
    if let Some(command) = command(view) {
        tree.leaf(Line::new(
            Tone::Dim,
            format!(
                "kubectl sde airlock {command} {} {}",
                row.project, row.request
            ),
        ));
    }
    tree
}

/// The verb that takes it further.
fn command(view: &View) -> Option<&'static str> {
    let import = view.spec.direction == Direction::Import && !view.spec.seal;
    match (view.row.phase, view.row.waits_for) {
        (Phase::Draft, Actor::Requester) if import => Some(match view.spec.upload {
            None | Some(0) => "upload",
            Some(_) => "seal",
        }),
        (Phase::Failed, Actor::Requester) => Some("retry"),
        (Phase::Sealing, Actor::Requester) => Some("confirm"),
        (Phase::InReview | Phase::Blocked, Actor::Reviewers | Actor::Custodian) => Some("review"),
        _ => None,
    }
}

fn declared(spec: &AirlockRequestSpec) -> Tree {
    let what = match (&spec.folder, &spec.transfer) {
        (Some(folder), _) => format!("folder {folder} of {}", spec.requester),
        (_, Some(t)) => format!("grant {} → {}, by {}", t.grant, t.sde, spec.requester),
        _ => format!("upload of {}", spec.requester),
    };
    let mut tree = branch(section("declared").and(Tone::Plain, what));
    for output in spec.outputs.iter().flatten() {
        tree.push(of_output(output));
    }
    for import in spec.imports.iter().flatten() {
        tree.push(of_import(import));
    }
    if let Some(earlier) = &spec.supersedes {
        tree.leaf(Line::plain(format!(
            "answers {earlier}, which was returned"
        )));
    }
    tree
}

fn numbers(files: &[i64]) -> String {
    let numbers: Vec<String> = files.iter().map(ToString::to_string).collect();
    let noun = if files.len() == 1 { "file" } else { "files" };
    format!("{noun} {}", numbers.join(", "))
}

fn of_output(output: &Output) -> Tree {
    let line = Line::new(Tone::Strong, output.name.clone()).and(
        Tone::Plain,
        format!(
            "  {:?}, {}, for {:?}",
            output.statistic,
            numbers(&output.files),
            output.intended_use
        ),
    );
    let mut tree = Tree::new(line);
    if let Some(of) = &output.population {
        tree.leaf(Line::plain(format!(
            "{} people: {}",
            of.size, of.description
        )));
    }
    let suppression = &output.suppression;
    let mut said = format!("small counts: {:?}", suppression.method);
    if let Some(threshold) = suppression.threshold {
        said.push_str(&format!(", below {threshold}"));
    }
    if let Some(base) = suppression.base {
        said.push_str(&format!(", to multiples of {base}"));
    }
    tree.leaf(Line::plain(said));
    if let Some(file) = output.counts_file {
        tree.leaf(Line::plain(format!("counts behind it: file {file}")));
    }
    if let Some(code) = &output.code {
        tree.leaf(Line::plain(format!("made by {code}")));
    }
    tree
}

fn of_import(import: &Import) -> Tree {
    let line = Line::new(Tone::Strong, import.name.clone()).and(
        Tone::Plain,
        format!(
            "  {:?}, {}, from {}",
            import.kind,
            numbers(&import.files),
            import.origin
        ),
    );
    let mut tree = Tree::new(line);
    if let Some(licence) = &import.licence {
        tree.leaf(Line::plain(format!("licence {licence}")));
    }
    tree
}

fn content(view: &View) -> Tree {
    let Some(content) = &view.status.content else {
        return branch(section("content").and(Tone::Dim, "· not sealed yet"));
    };
    let (tone, said) = match (&view.spec.confirmed_digest, view.row.phase) {
        (Some(_), _) => (Tone::Good, "confirmed by its requester"),
        (None, Phase::Sealing) => (Tone::Wait, "not yet confirmed by its requester"),
        (None, _) => (Tone::Dim, "never confirmed"),
    };
    let line = section("content").and(
        Tone::Plain,
        format!(
            "{} files, {} bytes ({}), ",
            content.files,
            content.bytes,
            size(content.bytes)
        ),
    );
    let mut tree = branch(line.and(tone, said));
    tree.leaf(Line::new(Tone::Dim, content.digest.clone()));
    if let (Some(of), Some(recipient)) = (&view.spec.transfer, &content.recipient) {
        tree.leaf(Line::plain(format!(
            "encrypted to the keys of {}: {recipient}",
            of.sde
        )));
    }
    tree
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Block => Tone::Bad,
        Severity::Hold | Severity::HoldSenior => Tone::Wait,
        Severity::Warn | Severity::Info => Tone::Plain,
    }
}

fn findings(view: &View) -> Tree {
    let Some(found) = &view.status.findings else {
        return branch(section("findings").and(Tone::Dim, "· not scanned yet"));
    };
    let line = section("findings");
    if view.findings.is_empty() {
        let mut tree = branch(line.and(Tone::Good, "no rule matched"));
        tree.leaf(Line::new(Tone::Dim, found.digest.clone()));
        return tree;
    }
    let mut tree = branch(line.and(
        Tone::Plain,
        match view.findings.len() {
            1 => "1 rule matched".to_owned(),
            n => format!("{n} rules matched"),
        },
    ));
    for found in &view.findings {
        tree.push(explained(found));
    }
    tree.leaf(Line::new(Tone::Dim, found.digest.clone()));
    tree
}

fn explained(of: &Explained) -> Tree {
    let finding = &of.finding;
    let files = match finding.files {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    let certain = if finding.certain {
        ", for certain: never released"
    } else {
        ""
    };
    let line = Line::new(
        tone(finding.severity),
        format!("{} {:?}", finding.rule, finding.severity),
    )
    .and(
        Tone::Plain,
        format!(" in {files}{certain}: {}", of.checks.unwrap_or(UNKNOWN)),
    );
    let mut tree = Tree::hanging(line, 10);
    if let Some(advice) = of.advice {
        tree.leaf(Line::new(Tone::Dim, advice));
    }
    tree
}

/// What stands out against the project's other requests, with words of the catalogue.
fn stands_out(signals: &[Signal]) -> Tree {
    let mut tree = branch(section("stands out").and(
        Tone::Plain,
        "against the project's other requests".to_owned(),
    ));
    for signal in signals {
        let line = Line::new(
            tone(signal.severity),
            format!("{} {:?}", signal.rule, signal.severity),
        );
        let known = rule(&signal.rule);
        let mut branch = Tree::hanging(
            line.and(
                Tone::Plain,
                format!(
                    " {}: {}",
                    history::words(signal),
                    known.map_or(UNKNOWN, |r| r.checks)
                ),
            ),
            10,
        );
        if let Some(known) = known {
            branch.leaf(Line::new(Tone::Dim, known.advice));
        }
        tree.push(branch);
    }
    tree
}

/// How far reviewing is; what was voted only once it is decided, as the status has it.
fn reviews(progress: Option<&ReviewProgress>) -> Tree {
    let Some(progress) = progress else {
        return branch(section("reviews").and(Tone::Dim, "· none yet"));
    };
    let enough = progress.counted >= progress.needed && progress.missing_roles.is_empty();
    let tone = if enough { Tone::Good } else { Tone::Wait };
    let mut tree = branch(section("reviews").and(
        tone,
        format!("{} of {} are in", progress.counted, progress.needed),
    ));
    if !progress.missing_roles.is_empty() {
        let roles: Vec<String> = progress
            .missing_roles
            .iter()
            .map(ToString::to_string)
            .collect();
        tree.leaf(Line::new(
            Tone::Wait,
            format!("still missing: somebody as {}", roles.join(", as ")),
        ));
    }
    let open = progress.decisions.is_none();
    if let Some(lacking) = lacking(progress.unseen).filter(|_| open) {
        tree.leaf(Line::new(
            Tone::Wait,
            format!(
                "{lacking}: if it is yours, open every file in the viewer and approve again with --seen"
            ),
        ));
    }
    if !progress.held_by.is_empty() {
        tree.leaf(Line::plain(format!(
            "every approval answers for {}",
            progress.held_by.join(", ")
        )));
    }
    match &progress.decisions {
        None => tree.leaf(Line::new(Tone::Dim, "votes are hidden until it is decided")),
        Some(decisions) => {
            for shown in decisions {
                let mut line = Line::plain(format!(
                    "{} as {}: {:?}",
                    past(shown.decision),
                    shown.role,
                    shown.reason
                ));
                if let Some(advice) = &shown.advice {
                    line = line.and(Tone::Strong, format!(". {advice}"));
                }
                tree.leaf(line);
            }
        }
    }
    tree
}

fn past(decision: sde_crds::airlock_review::ReviewDecision) -> &'static str {
    use sde_crds::airlock_review::ReviewDecision as D;
    match decision {
        D::Approve => "approved",
        D::Return => "returned",
        D::Reject => "rejected",
        D::Reopen => "reopened",
        D::Revoke => "revoked",
        D::Waive => "waived",
    }
}

fn deadlines(view: &View, now: Timestamp) -> Tree {
    let status = &view.status;
    let line = section("deadlines");
    let mut tree = match &status.expires_at {
        Some(at) => branch(line.and(
            Tone::Plain,
            format!("expires {} ({})", stamp(at.0), ago(at.0, now)),
        )),
        None => branch(line.and(Tone::Dim, "none now")),
    };
    if status.collections > 0 {
        tree.leaf(Line::plain(format!(
            "collections so far: {}",
            status.collections
        )));
    }
    if let Some(at) = &status.chamber_gone_at {
        tree.leaf(Line::plain(format!(
            "its chamber was destroyed {} ({})",
            stamp(at.0),
            ago(at.0, now)
        )));
    }
    tree
}
