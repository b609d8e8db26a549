//! What is said before and after the attacks.

use sde_redteam::attacked::Place;
use sde_redteam::controls::{HARMLESS, NAMESPACE};
use sde_redteam::judge::Verdict;
use sde_redteam::report::Report;

use crate::text::{Line, Paint, Tone, table};

/// What will be done.
pub(super) fn before(place: &Place) -> String {
    format!(
        "Attacks through the API server will be made on project {}, Workspace {}, and on the operator in {}.\n\
         What writes is a dry run. A command (true), a port and a log of the Workspace's pod are asked for in earnest.\n\
         Namespace {NAMESPACE} and cluster-wide objects named {HARMLESS} are made and removed again.",
        place.project, place.workspace, place.system
    )
}

/// What came of it: everything that is not blocked, then the sum.
pub(super) fn after(report: &Report, left_out: &[String], paint: Paint) -> String {
    let mut rows = Vec::new();
    for finding in &report.findings {
        let (tone, why) = match (finding.verdict, &finding.residual) {
            (Verdict::Blocked | Verdict::NotApplicable, _) => continue,
            (Verdict::Open, Some(residual)) => (Tone::Dim, format!("residual {residual}")),
            (Verdict::Open, None) => (Tone::Bad, "not on the residual list".to_owned()),
            (Verdict::Inconclusive, _) => (Tone::Wait, finding.control.clone()),
        };
        rows.push(vec![
            Line::new(Tone::Strong, finding.id.clone()),
            Line::new(tone, finding.verdict.name()),
            Line::new(Tone::Plain, finding.title.clone()),
            Line::new(tone, why),
        ]);
    }
    let mut text = String::new();
    if !rows.is_empty() {
        text += &table(paint, &["ATTACK", "VERDICT", "WHAT", "WHY"], &rows);
        text += "\n";
    }
    text += &format!("{}.\n", report.summary());
    if !left_out.is_empty() {
        text += &format!(
            "{} not tried, as they need the account's own credentials or what this cluster does not have: {}.\n",
            left_out.len(),
            left_out.join(", ")
        );
    }
    text += match report.problems.len() {
        0 => "Nothing is open beyond the residual list.\n".to_owned(),
        n => format!("{n} to look into:\n  {}\n", report.problems.join("\n  ")),
    }
    .as_str();
    text
}
