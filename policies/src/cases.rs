//! Reads `policies/*.cases.yaml`: what each admission policy decides, a request a case (`policies/README.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{PolicyError, Result};
use crate::file;

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
#[derive(Debug, Clone, Deserialize)]
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
    /// Differences from [`Self::object`], already made in it: a value for each JSON pointer (RFC 6901); null removes.
    #[serde(default, rename = "with")]
    pub differences: BTreeMap<String, Value>,
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

impl Operation {
    /// As in `request.operation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// A resource or subresource of the API.
#[derive(Debug, Clone, Deserialize)]
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
    let malformed = |why: String| PolicyError::Malformed {
        path: folder.to_owned(),
        why,
    };
    let mut policies = BTreeSet::new();
    let mut cases = BTreeSet::new();
    for path in file::yaml_files(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(policy) = name.strip_suffix(CASES) {
            cases.insert(policy.to_owned());
        } else if let Some(policy) = name.strip_suffix(".yaml") {
            policies.insert(policy.to_owned());
        }
    }
    if policies.is_empty() {
        return Err(malformed("no policies".to_owned()));
    }
    if cases != policies {
        let lone: Vec<_> = cases.symmetric_difference(&policies).collect();
        return Err(malformed(format!(
            "policy without cases, or cases without policy: {lone:?}"
        )));
    }
    cases.iter().map(|name| one(folder, name)).collect()
}

fn one(folder: &Path, name: &str) -> Result<PolicyCases> {
    let path = folder.join(format!("{name}{CASES}"));
    let text = fs::read_to_string(&path).map_err(|source| PolicyError::Io {
        path: path.clone(),
        source,
    })?;
    let mut file: PolicyCases =
        serde_yaml_ng::from_str(&text).map_err(|source| PolicyError::Yaml {
            path: path.clone(),
            source,
        })?;
    let mut fault = fault(&file, name);
    for case in &mut file.cases {
        for (pointer, value) in &case.differences {
            if !set(case.object.get_or_insert_default(), pointer, value) {
                fault = Some(format!("`{}`: there is nothing at {pointer}", case.name));
            }
        }
    }
    match fault {
        Some(why) => Err(PolicyError::Malformed { path, why }),
        None => Ok(file),
    }
}

/// Puts `value` where `pointer` points, making maps on the way, or removes what is there. False when the way is barred.
fn set(object: &mut Value, pointer: &str, value: &Value) -> bool {
    let Some((way, last)) = pointer.rsplit_once('/') else {
        return false;
    };
    let mut at = object;
    for part in way.split('/').skip(1) {
        at = match at {
            Value::Array(items) => {
                match part.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                    Some(item) => item,
                    None => return false,
                }
            }
            other => &mut other[unescaped(part)],
        };
    }
    match at {
        Value::Array(items) => match last.parse::<usize>() {
            Ok(index) if index < items.len() && value.is_null() => drop(items.remove(index)),
            Ok(index) if index < items.len() => items[index] = value.clone(),
            Ok(index) if index == items.len() => items.push(value.clone()),
            _ => return false,
        },
        Value::Object(fields) if value.is_null() => {
            return fields.remove(&unescaped(last)).is_some();
        }
        Value::Object(_) | Value::Null => at[unescaped(last)] = value.clone(),
        _ => return false,
    }
    true
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn fault(file: &PolicyCases, name: &str) -> Option<String> {
    if file.short_name() != name {
        return Some("is about another policy".to_owned());
    }
    let some = |expect| file.cases.iter().any(|case| case.expect == expect);
    if !some(Expect::Allow) || !some(Expect::Deny) {
        return Some("needs a case of allow and one of deny".to_owned());
    }
    let mut names = BTreeSet::new();
    for case in &file.cases {
        let words = case.message.as_deref().unwrap_or_default();
        if (case.expect == Expect::Deny) == words.trim().is_empty() {
            return Some(format!(
                "`{}`: a message belongs to deny, and to nothing else",
                case.name
            ));
        }
        if !names.insert(&case.name) {
            return Some(format!("`{}` is there twice", case.name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        assert!(
            read_as(&GOOD.replace("{name: b,", "{name: a,")).is_err(),
            "the same name twice"
        );
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
    fn differences_are_made_in_the_object() {
        let mut object = json!({"a": [{"b": 1}], "c": {"x/y": 2}});
        for (pointer, value) in [
            ("/a/0/b", json!(3)),
            ("/a/1", json!("new")),
            ("/c/x~1y", json!(null)),
            ("/d/e", json!(true)),
        ] {
            assert!(set(&mut object, pointer, &value), "{pointer}");
        }
        assert_eq!(
            object,
            json!({"a": [{"b": 3}, "new"], "c": {}, "d": {"e": true}})
        );
        for pointer in ["/a/7/b", "/gone", "a"] {
            assert!(!set(&mut object, pointer, &json!(null)), "{pointer}");
        }
    }

    #[test]
    fn a_policy_without_cases_is_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path()).is_err(), "no policies");
        fs::write(folder.path().join("p.yaml"), "").expect("written");
        assert!(read(folder.path()).is_err(), "no cases");
    }
}
