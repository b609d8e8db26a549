//! What several files are together.

use crate::kind::Kind;
use crate::limits::Thresholds;
use crate::report::{Finding, Place, Report};
use crate::rules;

/// Judges all files of one export request. Thresholds weaker than their floors count as the floors.
pub fn request(reports: &[Report], thresholds: &Thresholds) -> Vec<Finding> {
    let thresholds = thresholds.floored();
    let mut found = Vec::new();
    if reports.len() > thresholds.request_files {
        let what = format!("{} files", reports.len());
        found.push(Finding::new(&rules::G002, Place::default(), 1, what));
    }
    let bytes: u64 = reports
        .iter()
        .filter(|r| r.kind != Kind::GwasSummary)
        .map(|r| r.facts.bytes)
        .sum();
    if bytes > thresholds.request_bytes {
        let what = format!("{bytes} bytes, GWAS summary statistics not counted");
        found.push(Finding::new(&rules::G004, Place::default(), 1, what));
    }
    let figures = reports.iter().filter(|r| r.facts.figure).count() as u64;
    if figures > 0 && !reports.iter().any(|r| r.facts.counts) {
        let what = "no table of counts beside the figures".to_owned();
        found.push(Finding::new(&rules::S012, Place::default(), figures, what));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Facts;

    fn report(kind: Kind, bytes: u64, counts: bool) -> Report {
        Report {
            kind,
            findings: Vec::new(),
            facts: Facts {
                bytes,
                counts,
                figure: kind == Kind::Png,
                ..Facts::default()
            },
        }
    }

    fn ids(reports: &[Report]) -> Vec<&'static str> {
        let found = request(reports, &Thresholds::default());
        found.iter().map(|f| f.rule).collect()
    }

    #[test]
    fn a_figure_needs_its_counts() {
        let plot = report(Kind::Png, 9000, false);
        let counts = report(Kind::Table, 300, true);
        assert_eq!(ids(std::slice::from_ref(&plot)), ["AL-S012"]);
        assert!(ids(&[plot, counts]).is_empty());
    }

    #[test]
    fn a_request_has_its_size_and_summary_statistics_theirs() {
        let table = report(Kind::Table, 1 << 20, true);
        assert!(ids(&vec![table.clone(); 50]).is_empty());
        assert_eq!(ids(&vec![table; 65]), ["AL-G002", "AL-G004"]);
        assert!(ids(&[report(Kind::GwasSummary, 1 << 30, true)]).is_empty());
    }
}
