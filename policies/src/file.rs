//! Policy files: one ValidatingAdmissionPolicy and its binding each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};

use crate::error::{PolicyError, Result};

/// Our group, which ends every policy's name.
pub const GROUP: &str = "sde-operator.dev";
const CASES: &str = ".cases.yaml";

/// A policy file.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// Where it was read.
    pub path: PathBuf,
    /// The file as it is, comments included.
    pub text: String,
    /// The policy.
    pub policy: ValidatingAdmissionPolicy,
    /// Its binding.
    pub binding: ValidatingAdmissionPolicyBinding,
}

impl PolicyFile {
    /// Name of the file without `.yaml`: the policy's name without our group.
    pub fn short_name(&self) -> &str {
        self.path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// Name of the policy and of its binding.
    pub fn name(&self) -> String {
        format!("{}.{GROUP}", self.short_name())
    }
}

/// This folder, as it was when the crate was built.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every policy of a folder, by short name.
///
/// # Errors
/// When a file cannot be read or is not one policy with its binding.
pub fn read(folder: &Path) -> Result<BTreeMap<String, PolicyFile>> {
    let mut files = BTreeMap::new();
    for path in yaml_files(folder)? {
        if !path.to_string_lossy().ends_with(CASES) {
            let file = one(path)?;
            files.insert(file.short_name().to_owned(), file);
        }
    }
    Ok(files)
}

/// The YAML files of a folder itself, not of the folders in it.
///
/// # Errors
/// When the folder cannot be read.
pub fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let io = |source| PolicyError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn one(path: PathBuf) -> Result<PolicyFile> {
    let text = fs::read_to_string(&path).map_err(|source| PolicyError::Io {
        path: path.clone(),
        source,
    })?;
    let yaml = |source| PolicyError::Yaml {
        path: path.clone(),
        source,
    };
    let documents: Vec<_> = text.split("\n---\n").collect();
    let [first, second] = documents[..] else {
        return Err(PolicyError::Malformed {
            path,
            why: "needs two documents, the policy and its binding".to_owned(),
        });
    };
    let policy: ValidatingAdmissionPolicy = serde_yaml_ng::from_str(first).map_err(yaml)?;
    let binding: ValidatingAdmissionPolicyBinding =
        serde_yaml_ng::from_str(second).map_err(yaml)?;
    let file = PolicyFile {
        path,
        text,
        policy,
        binding,
    };
    match fault(&file) {
        Some(why) => Err(PolicyError::Malformed {
            path: file.path,
            why,
        }),
        None => Ok(file),
    }
}

/// What keeps the file from being a policy of ours that refuses in both forms.
fn fault(file: &PolicyFile) -> Option<String> {
    let name = Some(file.name());
    if file.policy.metadata.name != name || file.binding.metadata.name != name {
        return Some(format!("policy and binding must be named {name:?}"));
    }
    let spec = file.policy.spec.as_ref()?;
    if spec.failure_policy.as_deref() != Some("Fail") {
        return Some("failurePolicy must be Fail".to_owned());
    }
    let bound = file.binding.spec.as_ref();
    if bound.and_then(|spec| spec.policy_name.clone()) != name {
        return Some("the binding is of another policy".to_owned());
    }
    // The static form knows none (KEP-5793), and the two forms are to be the same.
    if spec.param_kind.is_some() || bound.is_some_and(|spec| spec.param_ref.is_some()) {
        return Some("policies have no params".to_owned());
    }
    let denies = bound
        .and_then(|spec| spec.validation_actions.as_ref())
        .is_some_and(|actions| actions.iter().any(|action| action == "Deny"));
    (!denies).then(|| "the binding must Deny".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    fn fault_of(change: impl Fn(&str) -> String) -> Option<String> {
        let good = folder().join("projectapproval-approver.yaml");
        let text = fs::read_to_string(&good).unwrap();
        let other = tempfile::tempdir().unwrap();
        fs::write(
            other.path().join("projectapproval-approver.yaml"),
            change(&text),
        )
        .unwrap();
        read(other.path()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_policy_that_would_not_refuse_is_not_read() {
        assert_eq!(fault_of(str::to_owned), None);
        for (old, new, words) in [
            (
                "failurePolicy: Fail",
                "failurePolicy: Ignore",
                "must be Fail",
            ),
            (r#"["Deny", "Audit"]"#, r#"["Audit"]"#, "must Deny"),
            (
                "policyName: projectapproval",
                "policyName: other",
                "another policy",
            ),
            ("  name: projectapproval", "  name: other", "must be named"),
            ("\n---\n", "\n", "two documents"),
        ] {
            let found = fault_of(|text| text.replacen(old, new, 1)).unwrap_or_default();
            assert!(found.contains(words), "{new}: {found}");
        }
    }
}
