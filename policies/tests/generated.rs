//! What `cargo run -p sde-policies` writes is what is committed, and the files for kubeadm fit it.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;

use sde_policies::{file, generate};
use serde_json::Value;

const AGAIN: &str = "run `cargo run -p sde-policies` and commit what it writes";

#[test]
fn what_is_generated_is_committed() {
    for (folder, wanted) in generate::all(file::folder()).unwrap() {
        assert!(!wanted.is_empty(), "nothing to compare with");
        let found: BTreeMap<String, String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(&path).unwrap())
            })
            .collect();
        let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(&found),
            names(&wanted),
            "{}: {AGAIN}",
            folder.display()
        );
        for (name, text) in &wanted {
            assert!(found[name] == *text, "{}/{name}: {AGAIN}", folder.display());
        }
    }
}

#[test]
fn the_list_of_policies_is_committed() {
    let found = fs::read_to_string(file::folder().join(generate::EMBEDDED)).unwrap();
    assert_eq!(
        found,
        generate::embedded(file::folder()).unwrap(),
        "{AGAIN}"
    );
}

fn yaml(name: &str) -> Value {
    let path = file::folder().join("kubeadm").join(name);
    serde_yaml_ng::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The paths that the two files for kubeadm speak of are in the one folder that is mounted.
#[test]
fn the_files_for_kubeadm_agree() {
    let configuration = yaml("admission-configuration.yaml");
    let plugin = &configuration["plugins"][0];
    assert_eq!(plugin["name"], "ValidatingAdmissionPolicy");
    let cluster = yaml("cluster-configuration.yaml");
    let mounted = cluster["apiServer"]["extraVolumes"][0]["mountPath"]
        .as_str()
        .unwrap();
    let policies = plugin["configuration"]["staticManifestsDir"]
        .as_str()
        .unwrap();
    let argument = &cluster["apiServer"]["extraArgs"][0];
    assert_eq!(argument["name"], "admission-control-config-file");
    let file = argument["value"].as_str().unwrap();
    assert_eq!(policies, format!("{mounted}/policies"));
    assert_eq!(file, format!("{mounted}/admission-configuration.yaml"));
}
