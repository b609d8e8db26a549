//! `kubectl sde airlock inspect`: the airlock's rules on local files.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use sde_inspect::{
    Declared, Facts, Finding, Kind, Limits, Report, Severity, Thresholds, inspect, name, of_import,
    request,
};
use serde::Serialize;

use super::args::InspectArgs;
use crate::error::{CliError, Done};
use crate::out::{self, Format};
use crate::text::{Line, Paint, Tone, Tree, table};

/// All files, judged one by one and together.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspection {
    /// Whether anything would be held or blocked.
    held: bool,
    files: Vec<Inspected>,
    /// What the files are together.
    request: Vec<Finding>,
}

/// One file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspected {
    file: String,
    kind: Kind,
    facts: Facts,
    findings: Vec<Finding>,
}

impl Inspected {
    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}

/// Looks at the files and prints.
///
/// # Errors
/// [`CliError::Usage`] when a file cannot be read.
pub fn run(args: &InspectArgs, paint: Paint) -> Result<Done, CliError> {
    let inspection = look(args)?;
    match args.output.output {
        Format::Json => out::print_json(&inspection)?,
        Format::Text => out::print(&render(&inspection, paint, out::width()))?,
    }
    Ok(if inspection.held { Done::No } else { Done::Yes })
}

fn look(args: &InspectArgs) -> Result<Inspection, CliError> {
    let thresholds = Thresholds::default();
    let declared = Declared {
        population: args.population,
        cohort: args.cohort,
    };
    let mut reports = Vec::new();
    let mut files = Vec::new();
    for path in &args.files {
        let report = report(path, &thresholds, &declared)?;
        let mut findings = report.findings.clone();
        let called = path.file_name().unwrap_or_default().to_string_lossy();
        findings.extend(name(&called, report.kind));
        if args.import {
            findings = of_import(findings);
        }
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.rule.cmp(b.rule)));
        files.push(Inspected {
            file: path.display().to_string(),
            kind: report.kind,
            facts: report.facts.clone(),
            findings,
        });
        reports.push(report);
    }
    // What files are together is asked of results alone.
    let request = if args.import {
        Vec::new()
    } else {
        request(&reports, &thresholds)
    };
    let all = files.iter().flat_map(|f| &f.findings).chain(&request);
    Ok(Inspection {
        held: all.clone().any(|f| f.severity >= Severity::Hold),
        request,
        files,
    })
}

fn report(path: &Path, thresholds: &Thresholds, declared: &Declared) -> Result<Report, CliError> {
    let usage = |e: &dyn std::fmt::Display| CliError::Usage(format!("{}: {e}", path.display()));
    let file = File::open(path).map_err(|e| usage(&e))?;
    if file.metadata().is_ok_and(|m| !m.is_file()) {
        return Err(usage(&"not a file; name the files in it"));
    }
    inspect(
        &mut BufReader::new(file),
        &Limits::default(),
        thresholds,
        declared,
    )
    .map_err(|e| usage(&e))
}

fn tone(severity: Option<Severity>) -> Tone {
    match severity {
        Some(Severity::Block) => Tone::Bad,
        Some(Severity::Hold | Severity::HoldSenior) => Tone::Wait,
        Some(Severity::Warn | Severity::Info) => Tone::Plain,
        None => Tone::Good,
    }
}

/// For people: a table of files, what was found in each, and what would happen.
fn render(inspection: &Inspection, paint: Paint, width: usize) -> String {
    let rows: Vec<Vec<Line>> = inspection
        .files
        .iter()
        .map(|file| {
            let worst = file.worst();
            let verdict = worst.map_or("ok".to_owned(), |s| s.to_string());
            vec![
                Line::plain(&file.file),
                Line::plain(file.kind.name()),
                Line::new(tone(worst), verdict),
                Line::plain(file.findings.len().to_string()),
            ]
        })
        .collect();
    let mut text = table(paint, &["FILE", "TYPE", "VERDICT", "FINDINGS"], &rows);
    for file in inspection.files.iter().filter(|f| !f.findings.is_empty()) {
        text.push('\n');
        text.push_str(&tree(&file.file, &file.findings).render(paint, width));
    }
    if !inspection.request.is_empty() {
        text.push('\n');
        text.push_str(&tree("All files together", &inspection.request).render(paint, width));
    }
    let all = inspection.files.iter().flat_map(|f| &f.findings);
    let worst = all.chain(&inspection.request).map(|f| f.severity).max();
    let verdict = match worst {
        Some(Severity::Block) => "BLOCKED: this request would end here.",
        Some(Severity::Hold | Severity::HoldSenior) => {
            "HELD: reviewers would have to justify letting this go."
        }
        _ => "Nothing would be held. People still look at every file.",
    };
    text.push('\n');
    text.push_str(&paint.paint(tone(worst), verdict));
    text.push('\n');
    text
}

fn tree(title: &str, findings: &[Finding]) -> Tree {
    let mut tree = Tree::new(Line::new(Tone::Strong, title));
    for finding in findings {
        let what = format!("{} {:<5} ", finding.rule, finding.severity);
        let count = match finding.count {
            1 => String::new(),
            n => format!(", {n} times"),
        };
        let line = Line::new(tone(Some(finding.severity)), what).and(
            Tone::Plain,
            format!("{} ({}{count})", finding.what, finding.place),
        );
        let mut branch = Tree::hanging(line, 14);
        branch.leaf(Line::new(Tone::Dim, finding.advice));
        tree.push(branch);
    }
    tree
}

#[cfg(test)]
mod tests;
