//! From the inspector's findings to the API's.

use proptest::prelude::*;
use sde_inspect::{Facts, Kind, Place, Rule};

use super::*;

fn rule(id: &str) -> &'static Rule {
    sde_inspect::rules().find(|r| r.id == id).expect(id)
}

fn finding(id: &str, count: u64) -> Finding {
    Finding::new(rule(id), Place::default(), count, String::new())
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        kind: Kind::Text,
        findings,
        facts: Facts::default(),
    }
}

#[test]
fn severities_keep_their_names_and_their_order() {
    let all = [
        sde_inspect::Severity::Info,
        sde_inspect::Severity::Warn,
        sde_inspect::Severity::Hold,
        sde_inspect::Severity::HoldSenior,
        sde_inspect::Severity::Block,
    ];
    let ours = all.map(severity);
    assert!(ours.is_sorted() && all.is_sorted());
    for (theirs, ours) in all.iter().zip(&ours) {
        assert_eq!(format!("{theirs:?}"), format!("{ours:?}"));
    }
}

#[test]
fn all_rules_that_a_scan_can_find_fit_a_report() {
    // Of those that the controller judges by, a scan finds AL-G004 alone.
    let found = sde_inspect::rules().filter(|rule| {
        let mut of_controller = sde_core::airlock::history::RULES.iter();
        rule.id == "AL-G004" || of_controller.all(|(id, _)| *id != rule.id)
    });
    assert!(found.count() <= MAX_RULES);
    for id in INDIVIDUAL {
        assert_eq!(rule(id).severity, sde_inspect::Severity::Block);
    }
}

/// The controller judges by what the catalogue says.
#[test]
fn what_the_controller_finds_is_in_the_catalogue() {
    for (id, gravest) in sde_core::airlock::history::RULES {
        assert_eq!(severity(rule(id).severity), gravest, "{id}");
    }
}

#[test]
fn a_rule_counts_files_and_not_how_often_it_matched() {
    let reports = [
        report(vec![finding("AL-S001", 900), finding("AL-S001", 1)]),
        report(vec![finding("AL-S002", 3), finding("AL-S001", 1)]),
        report(vec![finding("AL-I002", 1)]),
        report(vec![]),
    ];
    let rules = matched(&reports, &[finding("AL-S012", 2), finding("AL-G004", 1)]);
    let said: Vec<_> = rules
        .iter()
        .map(|r| (r.rule.as_str(), r.severity, r.files, r.certain))
        .collect();
    assert_eq!(
        said,
        [
            ("AL-I002", Severity::Block, 1, true),
            ("AL-G004", Severity::Hold, 1, false),
            ("AL-S001", Severity::Hold, 2, false),
            ("AL-S012", Severity::Hold, 2, false),
            ("AL-S002", Severity::Warn, 1, false),
        ]
    );
    assert!(matched(&[], &[]).is_empty());
}

proptest! {
    /// However many files and findings there are: each rule once, the gravest kept, within what the API allows.
    #[test]
    fn nothing_grave_is_left_out(picked in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..8), 0..60)) {
        let all: Vec<_> = sde_inspect::rules().collect();
        let reports: Vec<Report> = picked
            .iter()
            .map(|file| report(file.iter().map(|i| finding(i.get(&all).id, 1)).collect()))
            .collect();
        let rules = matched(&reports, &[]);
        let worst = reports.iter().filter_map(Report::worst).max().map(severity);
        prop_assert_eq!(rules.iter().map(|r| r.severity).max(), worst);
        let names: BTreeSet<&str> = rules.iter().map(|r| r.rule.as_str()).collect();
        prop_assert_eq!(names.len(), rules.len());
        prop_assert!(rules.iter().all(|r| (1..=MAX_FILES).contains(&r.files)));
    }
}
