//! What findings mean for files that are to come in. Rules were made for results that leave: of an Import, individual-level data is
//! not blocked but may link, programs are looked at, what cannot be opened is refused, and what is asked of results is not.

use crate::report::{Finding, Severity};
use crate::rules::{self, Rule};

/// Which way files go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// Results that are to leave, to people.
    #[default]
    Export,
    /// Data that goes to another environment, encrypted to its keys.
    Transfer,
    /// Data, code or tools that are to come in.
    Import,
}

/// What a rule does to an Import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnImport {
    /// The same.
    Same,
    /// Nothing: it is about results.
    Nothing,
    /// The same finding, this grave.
    As(Severity),
    /// It is a finding of another rule.
    Is(&'static Rule),
}

/// What a rule of the catalogue does to an Import.
pub fn on_import(rule: &str) -> OnImport {
    match rule {
        // Hostile or opaque.
        "AL-G014" | "AL-G016" | "AL-G023" => OnImport::Is(&rules::N001),
        // Runs as it is.
        "AL-M001" => OnImport::Is(&rules::N002),
        // People, or what names them.
        "AL-I001" | "AL-I002" | "AL-I004" | "AL-I005" | "AL-I006" | "AL-I007" | "AL-I008"
        | "AL-I013" | "AL-P001" | "AL-P002" | "AL-P003" | "AL-P004" | "AL-P006" => {
            OnImport::Is(&rules::N003)
        }
        // A reviewer can judge them: nobody's data leaves by them.
        "AL-G009" | "AL-G022" | "AL-D003" | "AL-D004" => OnImport::As(Severity::Hold),
        // Reference data, documents and code are large, long, hidden and illustrated.
        "AL-G002" | "AL-G003" | "AL-G004" | "AL-G006" | "AL-G008" | "AL-G025" | "AL-I003"
        | "AL-I011" | "AL-I012" | "AL-P005" | "AL-D001" | "AL-D002" | "AL-A008" => {
            OnImport::Nothing
        }
        statistics if statistics.starts_with("AL-S") => OnImport::Nothing,
        _ => OnImport::Same,
    }
}

/// Whether a rule is about imports alone.
pub fn only_imports(rule: &str) -> bool {
    ["AL-N001", "AL-N003", "AL-N004", "AL-N005", "AL-N006"].contains(&rule)
}

/// What was found in one file, as it is for an Import; gravest first.
pub fn of_import(findings: Vec<Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = findings.into_iter().filter_map(meant).collect();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(b.rule)));
    findings
}

fn meant(finding: Finding) -> Option<Finding> {
    match on_import(finding.rule) {
        OnImport::Same => Some(finding),
        OnImport::Nothing => None,
        OnImport::As(severity) => Some(Finding {
            severity,
            ..finding
        }),
        OnImport::Is(rule) => {
            let what = format!("{} ({})", finding.what, finding.rule);
            Some(Finding::new(rule, finding.place, finding.count, what))
        }
    }
}
