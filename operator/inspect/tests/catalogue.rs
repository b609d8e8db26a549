//! The catalogue is whole, its page is that of the code, and every rule has a test that breaks it.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sde_inspect::{page, rules};

#[test]
fn the_page_is_that_of_the_rules() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/airlock-rules.md");
    let found = fs::read_to_string(path).unwrap();
    assert!(
        found == page(),
        "run `cargo run -p sde-inspect` and commit what it writes"
    );
}

#[test]
fn every_rule_says_everything_once() {
    let mut seen = BTreeSet::new();
    for rule in rules() {
        assert!(seen.insert(rule.id), "{} twice", rule.id);
        assert!(rule.id.starts_with("AL-"), "{}", rule.id);
        for text in [rule.checks, rule.rationale, rule.source, rule.advice] {
            assert!(
                !text.is_empty() && !text.contains(['|', '\n']),
                "{}: {text}",
                rule.id
            );
        }
    }
    assert!(seen.len() > 50);
}

#[test]
fn every_rule_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for file in [
        "tests/individual.rs",
        "tests/tables.rs",
        "tests/images.rs",
        "tests/hostile.rs",
        "tests/honest.rs",
        "src/name.rs",
        "src/request.rs",
        "tests/sizes.rs",
        "tests/import.rs",
        "../core/tests/core/airlock_history.rs",
    ] {
        text.push_str(&fs::read_to_string(root.join(file)).unwrap());
    }
    let missing: Vec<&str> = rules()
        .map(|r| r.id)
        .filter(|id| !text.contains(id))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
