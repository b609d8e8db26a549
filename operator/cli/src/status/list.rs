//! All projects, one a row.

use jiff::Timestamp;
use sde_core::conditions::{find, types};
use sde_core::say::span;
use sde_crds::Project;
use sde_crds::project_status::ProjectPhase;
use serde::Serialize;

use super::tree::phase_tone;
use crate::text::{Line, Paint, Tone, table};

/// Messages are cut here: the tree of one project has them whole.
const MESSAGE: usize = 72;

/// One project.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Name.
    pub name: String,
    /// Phase.
    pub phase: ProjectPhase,
    /// Status of EgressEnforced: True, False, Unknown.
    pub locked: Option<String>,
    /// Status of Approved.
    pub approved: Option<String>,
    /// Workspaces that are running.
    pub workspaces: i64,
    /// Last day.
    pub expires: jiff::civil::Date,
    /// Since when Ready is as it is.
    pub since: Option<Timestamp>,
    /// What it waits for, or that it is open.
    pub message: String,
}

/// One row a project.
pub fn rows(projects: &[Project]) -> Vec<Row> {
    projects.iter().map(row).collect()
}

fn row(project: &Project) -> Row {
    let status = project.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let of = |type_| find(&conditions, type_).map(|c| c.status.clone());
    let ready = find(&conditions, types::READY);
    Row {
        name: project.metadata.name.clone().unwrap_or_default(),
        phase: status.phase,
        locked: of(types::EGRESS_ENFORCED),
        approved: of(types::APPROVED),
        workspaces: status.workspaces.unwrap_or_default(),
        expires: project.spec.schedule.expires,
        since: ready.map(|c| c.last_transition_time.0),
        message: ready.map_or_else(
            || {
                "Not yet seen by the controller: kubectl sde doctor says whether it runs."
                    .to_owned()
            },
            |c| c.message.clone(),
        ),
    }
}

/// As a table.
pub fn render(rows: &[Row], now: Timestamp, paint: Paint) -> String {
    if rows.is_empty() {
        return "No projects. A custodian creates one with kubectl apply (example: crds/examples/project.yaml).\n".to_owned();
    }
    let cells: Vec<Vec<Line>> = rows.iter().map(|r| cells(r, now)).collect();
    table(
        paint,
        &[
            "PROJECT",
            "PHASE",
            "LOCKED",
            "APPROVED",
            "WORKSPACES",
            "EXPIRES",
            "FOR",
            "MESSAGE",
        ],
        &cells,
    )
}

fn cells(row: &Row, now: Timestamp) -> Vec<Line> {
    let truth = |status: &Option<String>| match status.as_deref() {
        Some("True") => Line::new(Tone::Good, "yes"),
        Some("False") => Line::new(Tone::Bad, "no"),
        _ => Line::new(Tone::Dim, "-"),
    };
    let since = row.since.map_or_else(
        || "-".to_owned(),
        |at| span(now.duration_since(at).as_secs()),
    );
    let overdue = sde_core::time::expired(row.expires, now);
    vec![
        Line::new(Tone::Strong, row.name.clone()),
        Line::new(phase_tone(row.phase), row.phase.to_string()),
        truth(&row.locked),
        truth(&row.approved),
        Line::plain(row.workspaces.to_string()),
        Line::new(
            if overdue { Tone::Bad } else { Tone::Plain },
            row.expires.to_string(),
        ),
        Line::plain(since),
        Line::plain(cut(&row.message)),
    ]
}

fn cut(message: &str) -> String {
    if message.chars().count() <= MESSAGE {
        return message.to_owned();
    }
    let short: String = message.chars().take(MESSAGE - 1).collect();
    format!("{}…", short.trim_end())
}
