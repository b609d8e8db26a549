//! The static form of the policies is out of everybody's reach, and holds when an administrator has deleted all that the API has of ours.

use http::Method;
use kube::Client;
use sde_policies::cases::PolicyCases;
use sde_policies::file::GROUP;
use sde_policies::generate::static_name;
use serde_json::{Value, json};

use super::asking::ask;
use super::error::{Result, check};

const API: &str = "/apis/admissionregistration.k8s.io/v1";
const KINDS: [(&str, &str); 2] = [
    (
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
    ),
    ("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
];

/// Deletes the policies and bindings of the chart, as an administrator may, and tries the same and more with the static ones.
///
/// # Errors
/// When a policy of ours is left in the API, or a static one can be seen, replaced or deleted through it.
pub async fn only_static(admin: &Client, files: &[PolicyCases]) -> Result<()> {
    for (plural, kind) in KINDS {
        for file in files {
            let path = format!("{API}/{plural}/{}", file.policy);
            let answer = ask(admin, Method::DELETE, &path, None, None).await?;
            check(answer.accepted(), format_args!("{path}: {answer}"))?;

            let name = static_name(&file.policy);
            let path = format!("{API}/{plural}/{name}");
            for method in [Method::GET, Method::DELETE] {
                let answer = ask(admin, method.clone(), &path, None, None).await?;
                check(
                    answer.status == 404,
                    format_args!("{method} {path}: {answer}"),
                )?;
            }
            let answer = ask(
                admin,
                Method::POST,
                &format!("{API}/{plural}"),
                Some(&lax(kind, &name)),
                None,
            )
            .await?;
            check(
                answer.status == 422 && answer.message().contains("static"),
                format_args!("a {kind} {name} of one's own: {answer}"),
            )?;
        }
        let left = ask(admin, Method::GET, &format!("{API}/{plural}"), None, None).await?;
        let names: Vec<_> = left.body["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item["metadata"]["name"].as_str())
            .filter(|name| name.contains(GROUP))
            .collect();
        check(names.is_empty(), format_args!("left in the API: {names:?}"))?;
    }
    Ok(())
}

/// A policy or binding that lets everything through.
fn lax(kind: &str, name: &str) -> Value {
    let spec = match kind {
        "ValidatingAdmissionPolicy" => json!({
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "true"}],
        }),
        _ => json!({"policyName": name, "validationActions": ["Audit"]}),
    };
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}
