//! What the inspector found, as the API says it: each rule once, with the files it matched.

use std::collections::{BTreeMap, BTreeSet};

use sde_core::airlock::report::{MAX_FILES, MAX_RULES, Matched};
use sde_crds::airlock_status::Severity;
use sde_inspect::{Finding, Report};

/// Rules that recognise a format with one record a person by its structure. The recognition is of the format's beginning; what a
/// table or text looks like (AL-I006 to AL-I008) is never certain, so people can reopen what was blocked by it.
const INDIVIDUAL: [&str; 4] = ["AL-I001", "AL-I002", "AL-I004", "AL-I005"];

/// What blocks of a transfer alone: a file that is not encrypted. Nobody lets that go.
const UNENCRYPTED: &str = "AL-G005";

/// The API's severity for the inspector's: the only place where one becomes the other.
pub fn severity(of: sde_inspect::Severity) -> Severity {
    match of {
        sde_inspect::Severity::Info => Severity::Info,
        sde_inspect::Severity::Warn => Severity::Warn,
        sde_inspect::Severity::Hold => Severity::Hold,
        sde_inspect::Severity::HoldSenior => Severity::HoldSenior,
        sde_inspect::Severity::Block => Severity::Block,
    }
}

/// What is known of one rule so far.
struct Seen {
    severity: Severity,
    certain: bool,
    files: BTreeSet<usize>,
    /// Files of a finding about the folder as a whole, which does not say which.
    together: u64,
}

/// Rules by gravity, then by name; the gravest if there were more than a report holds.
pub fn matched(reports: &[Report], together: &[Finding]) -> Vec<Matched> {
    let mut seen: BTreeMap<&'static str, Seen> = BTreeMap::new();
    for (number, report) in reports.iter().enumerate() {
        for finding in &report.findings {
            note(&mut seen, finding).files.insert(number);
        }
    }
    for finding in together {
        let seen = note(&mut seen, finding);
        seen.together = seen.together.max(finding.count);
    }
    let mut rules: Vec<Matched> = seen
        .into_iter()
        .map(|(rule, seen)| Matched {
            rule: rule.to_owned(),
            severity: seen.severity,
            files: (seen.files.len() as u64)
                .max(seen.together)
                .clamp(1, MAX_FILES),
            certain: seen.certain,
        })
        .collect();
    rules.sort_by(|a, b| {
        (b.certain, b.severity)
            .cmp(&(a.certain, a.severity))
            .then_with(|| a.rule.cmp(&b.rule))
    });
    rules.truncate(MAX_RULES);
    rules
}

fn note<'a>(seen: &'a mut BTreeMap<&'static str, Seen>, finding: &Finding) -> &'a mut Seen {
    let severity = severity(finding.severity);
    let seen = seen.entry(finding.rule).or_insert_with(|| Seen {
        severity,
        certain: false,
        files: BTreeSet::new(),
        together: 0,
    });
    seen.severity = seen.severity.max(severity);
    let certain = finding.rule == UNENCRYPTED || INDIVIDUAL.contains(&finding.rule);
    seen.certain |= severity == Severity::Block && certain;
    seen
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
