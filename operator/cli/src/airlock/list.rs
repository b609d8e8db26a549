//! Requests, one a row.

use jiff::Timestamp;
use sde_core::say::{size, span};
use sde_crds::AirlockRequest;
use sde_crds::airlock_status::AirlockPhase as Phase;

use super::view::{Actor, Row, row};
use crate::text::{Line, Paint, Tone, table};

/// One row a request, by project and name; of the queue only what people must decide on, the oldest first.
pub fn rows(requests: &[AirlockRequest], queue: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = requests.iter().map(row).collect();
    rows.sort_by(|a, b| (&a.project, &a.request).cmp(&(&b.project, &b.request)));
    if queue {
        rows.retain(|r| matches!(r.phase, Phase::InReview | Phase::Blocked));
        rows.sort_by_key(|r| r.since);
    }
    rows
}

/// Colour of a phase.
pub fn phase_tone(phase: Phase) -> Tone {
    match phase {
        Phase::Released => Tone::Good,
        Phase::Draft
        | Phase::Sealing
        | Phase::Submitted
        | Phase::Scanning
        | Phase::InReview
        | Phase::Approved
        | Phase::Releasing => Tone::Wait,
        Phase::Blocked | Phase::Rejected | Phase::Failed | Phase::Revoked => Tone::Bad,
        Phase::Returned | Phase::Withdrawn | Phase::Expired => Tone::Dim,
    }
}

/// As a table.
pub fn render(rows: &[Row], queue: bool, now: Timestamp, paint: Paint) -> String {
    if rows.is_empty() && queue {
        return "Nothing waits for a decision.\n".to_owned();
    }
    if rows.is_empty() {
        return "No requests.\n".to_owned();
    }
    let cells: Vec<Vec<Line>> = rows.iter().map(|r| cells(r, now)).collect();
    table(
        paint,
        &[
            "PROJECT",
            "REQUEST",
            "DIRECTION",
            "PHASE",
            "REQUESTER",
            "FILES",
            "SIZE",
            "WAITS FOR",
            "FOR",
        ],
        &cells,
    )
}

/// Which way it goes; of a transfer also what goes where.
fn way(row: &Row) -> String {
    match &row.transfer {
        Some(of) => format!("{:?} {} → {}", row.direction, of.grant, of.sde),
        None => format!("{:?}", row.direction),
    }
}

fn cells(row: &Row, now: Timestamp) -> Vec<Line> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let waits_for = match row.waits_for {
        Actor::Nobody => Line::new(Tone::Dim, "-"),
        actor => Line::plain(actor.name()),
    };
    let since = row.since.map(|at| span(now.duration_since(at).as_secs()));
    vec![
        Line::new(Tone::Strong, row.project.clone()),
        Line::new(Tone::Strong, row.request.clone()),
        Line::plain(way(row)),
        Line::new(phase_tone(row.phase), row.phase.to_string()),
        Line::plain(row.requester.clone()),
        Line::plain(or_dash(row.files.map(|n| n.to_string()))),
        Line::plain(or_dash(row.bytes.map(size))),
        waits_for,
        Line::plain(or_dash(since)),
    ]
}
