//! The table of requirements names every row that issue 4 does, and nothing that does not exist.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sde_crds::requirements::{Requirement, page, read};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rows() -> Vec<Requirement> {
    read(&fs::read_to_string(repository().join("docs/requirements.yaml")).unwrap()).unwrap()
}

/// The text of every Rust source below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

fn code(folders: &[&str]) -> String {
    let mut text = String::new();
    for folder in folders {
        sources(&repository().join(folder), &mut text);
    }
    text
}

#[test]
fn the_page_is_that_of_the_rows() {
    let path = repository().join("docs/src/reference/requirements.md");
    let found = fs::read_to_string(path).unwrap();
    assert!(
        found == page(&rows()),
        "run `cargo run -p sde-crds` and commit what it writes"
    );
}

#[test]
fn every_row_of_the_issue_is_there_once_and_says_something() {
    let wanted: Vec<String> = (1..=26)
        .chain(30..=52)
        .chain(57..=57)
        .chain(63..=79)
        .map(|n| format!("R{n}"))
        .collect();
    let rows = rows();
    let found: Vec<String> = rows.iter().map(|r| r.row.clone()).collect();
    assert_eq!(found, wanted);
    for row in &rows {
        let carried =
            !(row.fields.is_empty() && row.conditions.is_empty() && row.policies.is_empty());
        let told = row.organisational.is_some() || row.not_yet.is_some();
        assert!(carried || told, "{} says nothing", row.row);
        // What software carries alone is tested; what is only recorded says who judges it.
        assert!(
            !carried || !row.tests.is_empty() || told,
            "{} is not tested",
            row.row
        );
        assert!(
            row.conditions.is_empty() || !row.tests.is_empty(),
            "{}: conditions without a test",
            row.row
        );
        if let Some(what) = &row.not_yet {
            assert!(
                what.contains("issue") || what.contains("with R"),
                "{}: {what}: which issue?",
                row.row
            );
        }
    }
}

#[test]
fn every_field_is_in_the_crds() {
    let schemas: Vec<Value> = sde_crds::generate::all()
        .unwrap()
        .iter()
        .map(|(_, yaml)| serde_yaml_ng::from_str(yaml).unwrap())
        .collect();
    let mut looked = 0;
    for row in rows() {
        for field in &row.fields {
            let (kind, path) = field.split_once('.').unwrap();
            let crd = schemas.iter().find(|c| c["spec"]["names"]["kind"] == kind);
            let crd = crd.unwrap_or_else(|| panic!("{}: no kind {kind}", row.row));
            let mut at = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            for part in path.split('.') {
                at = &at["properties"][part.trim_end_matches("[]")];
                if part.ends_with("[]") {
                    at = &at["items"];
                }
            }
            assert!(at.is_object(), "{}: no field {field}", row.row);
            looked += 1;
        }
    }
    assert!(looked > 50);
}

#[test]
fn every_condition_and_reason_is_one_that_the_code_writes() {
    let code = code(&["operator/core/src", "operator/controller/src"]);
    for row in rows() {
        for condition in &row.conditions {
            let (of, reason) = condition.split_once(' ').unwrap();
            let (kind, name) = of.split_once('/').unwrap();
            assert!(
                ["Project", "Workspace", "Dataset"].contains(&kind),
                "{condition}"
            );
            for constant in [name, reason] {
                assert!(
                    code.contains(&format!("\"{constant}\"")),
                    "{}: nothing writes {constant}",
                    row.row
                );
            }
        }
    }
}

#[test]
fn every_policy_is_a_file() {
    for row in rows() {
        for policy in &row.policies {
            let path = repository().join(format!("policies/{policy}.yaml"));
            assert!(path.is_file(), "{}: no {}", row.row, path.display());
        }
    }
}

#[test]
fn every_test_is_in_the_sources() {
    let code = code(&["operator", "crds", "e2e/src"]);
    let mut named = BTreeSet::new();
    for row in rows() {
        for test in &row.tests {
            let there = if test.contains(' ') {
                code.contains(&format!("\"{test}\""))
            } else {
                code.contains(&format!("fn {test}("))
            };
            assert!(there, "{}: no test {test}", row.row);
            named.insert(test.clone());
        }
    }
    assert!(named.len() > 20, "{named:?}");
}
