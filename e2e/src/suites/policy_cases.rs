//! Reads `policies/*.cases.yaml`: what each admission policy decides, a request a case (`policies/README.md`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::error::{Result, SuiteError, check, check_equal};
use crate::controlplane::error::{io, malformed};

const CASES: &str = ".cases.yaml";

/// The cases of one policy.
#[derive(Debug, Deserialize)]
pub struct PolicyCases {
    /// Name of the ValidatingAdmissionPolicy.
    pub policy: String,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

impl PolicyCases {
    /// The policy's name without our group: what its files are called.
    pub fn short_name(&self) -> &str {
        self.policy.split('.').next().unwrap_or(&self.policy)
    }
}

/// One request and what is to come of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    pub name: String,
    /// What is asked.
    pub operation: Operation,
    /// Of what.
    pub resource: Resource,
    /// By whom.
    pub user_info: User,
    /// The fields that matter of what is sent.
    pub object: Option<Value>,
    /// The fields that matter of what is there before.
    pub old_object: Option<Value>,
    /// The Namespace of a namespaced object.
    pub namespace_object: Option<Value>,
    /// The request's DeleteOptions.
    pub options: Option<Value>,
    /// What the policy decides.
    pub expect: Expect,
    /// Words of the refusal.
    pub message: Option<String>,
}

/// An operation as admission knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object, or an eviction.
    Create,
    /// Another state of an object.
    Update,
    /// An object's end.
    Delete,
    /// A way into a pod.
    Connect,
}

/// A resource or subresource of the API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name.
    pub resource: String,
    /// Subresource, if any.
    pub subresource: Option<String>,
}

/// Somebody as the API server knows them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// User name.
    pub username: String,
    /// Groups.
    pub groups: Vec<String>,
}

/// What a policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The request passes.
    Allow,
    /// It is refused in the words of [`Case::message`].
    Deny,
}

/// All cases, in the order of the policies' names.
///
/// # Errors
/// When a file cannot be read, a policy has no cases, cases have no policy, or they could pass whatever the policy said.
pub fn read(folder: &Path) -> Result<Vec<PolicyCases>> {
    let mut policies = BTreeSet::new();
    let mut cases = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(io(folder.display()))? {
        let name = entry.map_err(io(folder.display()))?.file_name();
        let name = name.to_string_lossy();
        if let Some(policy) = name.strip_suffix(CASES) {
            cases.insert(policy.to_owned());
        } else if let Some(policy) = name.strip_suffix(".yaml") {
            policies.insert(policy.to_owned());
        }
    }
    check(
        !policies.is_empty(),
        format_args!("{}: no policies", folder.display()),
    )?;
    check_equal("policies with cases", &cases, &policies)?;
    cases.iter().map(|name| one(folder, name)).collect()
}

fn one(folder: &Path, name: &str) -> Result<PolicyCases> {
    let path = folder.join(format!("{name}{CASES}"));
    let text = fs::read_to_string(&path).map_err(io(path.display()))?;
    let file: PolicyCases = serde_yaml_ng::from_str(&text).map_err(malformed(path.display()))?;
    let told = |why: &str| SuiteError::Check(format!("{}: {why}", path.display()));
    if file.short_name() != name {
        return Err(told("is about another policy"));
    }
    let some = |expect| file.cases.iter().any(|case| case.expect == expect);
    if !some(Expect::Allow) || !some(Expect::Deny) {
        return Err(told("needs a case of allow and one of deny"));
    }
    for case in &file.cases {
        let words = case.message.as_deref().unwrap_or_default();
        if (case.expect == Expect::Deny) == words.trim().is_empty() {
            return Err(told(&format!(
                "`{}`: a message belongs to deny, and to nothing else",
                case.name
            )));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
policy: p.sde-operator.dev
x-parts:
- &resource {group: "", version: v1, resource: pods}
- &user {username: u, groups: []}
cases:
- {name: a, operation: CREATE, resource: *resource, userInfo: *user, object: {}, expect: allow}
- {name: b, operation: CREATE, resource: *resource, userInfo: *user, object: {}, expect: deny, message: no}
"#;

    fn read_as(text: &str) -> Result<Vec<PolicyCases>> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("p.yaml"), "").expect("written");
        fs::write(folder.path().join("p.cases.yaml"), text).expect("written");
        read(folder.path())
    }

    #[test]
    fn cases_that_could_pass_whatever_the_policy_said_are_refused() {
        assert_eq!(read_as(GOOD).expect("good")[0].cases.len(), 2);
        let (head, _) = GOOD.split_once("- {name: b").expect("two cases");
        assert!(read_as(head).is_err(), "no deny");
        assert!(
            read_as(&GOOD.replace(", message: no", "")).is_err(),
            "no message"
        );
        assert!(
            read_as(&GOOD.replace("message: no", "mesage: no")).is_err(),
            "misspelt"
        );
        assert!(
            read_as(&GOOD.replace("policy: p.", "policy: q.")).is_err(),
            "another policy"
        );
    }

    #[test]
    fn a_policy_without_cases_is_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path()).is_err(), "no policies");
        fs::write(folder.path().join("p.yaml"), "").expect("written");
        assert!(read(folder.path()).is_err(), "no cases");
    }
}
