//! The files that `cargo run -p sde-crds` writes are what the types say, and every field says what it means.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const AGAIN: &str = "run `cargo run -p sde-crds` and commit what it writes";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Text by file name of a folder of the repository.
fn files(folder: &str) -> BTreeMap<String, String> {
    let path = repository().join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{folder}: {error}; {AGAIN}"));
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Compares file by file: the whole texts side by side would bury the name of the one that differs.
fn assert_same(folder: &str, wanted: &BTreeMap<String, String>) {
    let found = files(folder);
    assert!(!wanted.is_empty(), "nothing to compare {folder} with");
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<BTreeSet<_>>();
    let (have, want) = (names(&found), names(wanted));
    let missing: Vec<_> = want.difference(&have).collect();
    let extra: Vec<_> = have.difference(&want).collect();
    let stale: Vec<_> = wanted
        .iter()
        .filter(|(name, text)| found.get(*name).is_some_and(|found| found != *text))
        .map(|(name, _)| name)
        .collect();
    assert!(
        missing.is_empty() && extra.is_empty() && stale.is_empty(),
        "{folder}: missing {missing:?}, stale {stale:?}, not generated {extra:?}; {AGAIN}"
    );
}

fn generated() -> BTreeMap<String, String> {
    sde_crds::generate::all().unwrap().into_iter().collect()
}

#[test]
fn crd_yaml_is_that_of_the_types() {
    assert_same("crds/yaml", &generated());
}

#[test]
fn the_chart_has_the_crds() {
    assert_same("charts/sde-operator/files/crds", &generated());
}

#[test]
fn every_field_is_described() {
    let mut seen = 0;
    let mut bare = Vec::new();
    for (name, text) in generated() {
        let crd: Value = serde_yaml_ng::from_str(&text).unwrap();
        for version in crd["spec"]["versions"].as_array().unwrap() {
            let schema = &version["schema"]["openAPIV3Schema"];
            // Of an object's own fields `metadata` is metav1's, and the API server describes all of them itself.
            for field in ["spec", "status"] {
                if let Some(schema) = schema["properties"].get(field) {
                    describe(schema, &format!("{name} {field}"), &mut seen, &mut bare);
                }
            }
        }
    }
    assert!(
        seen > 100,
        "only {seen} fields were looked at: the schemas are not read as they are written"
    );
    assert!(
        bare.is_empty(),
        "without a doc comment in crds/src: {bare:#?}"
    );
}

/// Counts the fields at and below a schema and collects those without a description.
fn describe(schema: &Value, path: &str, seen: &mut usize, bare: &mut Vec<String>) {
    *seen += 1;
    if schema["description"].as_str().is_none_or(str::is_empty) {
        bare.push(path.to_owned());
    }
    below(schema, path, seen, bare);
}

fn below(schema: &Value, path: &str, seen: &mut usize, bare: &mut Vec<String>) {
    // Conditions are metav1's, and what is preserved unknown is somebody else's.
    if path.ends_with(" status.conditions")
        || schema["x-kubernetes-preserve-unknown-fields"] == Value::Bool(true)
    {
        return;
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        describe(field, &format!("{path}.{name}"), seen, bare);
    }
    // Items and values are described by the list or map that holds them.
    for (part, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(part) = schema.get(part) {
            below(part, &format!("{path}{mark}"), seen, bare);
        }
    }
}
