//! Whether a policy is about a request: resource rules and namespace selector, as k8s.io/apiserver `pkg/admission/plugin/policy/matching` has it.
//! Left out, since no policy of ours has it and [`unsupported`] says so: objectSelector, resource names, equivalent resources.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{MatchResources, NamedRuleWithOperations};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use crate::cases::{Case, Operation};

/// What of these constraints [`matches`] does not know.
pub fn unsupported(constraints: &MatchResources) -> Option<&'static str> {
    let empty = LabelSelector::default();
    if constraints
        .object_selector
        .as_ref()
        .is_some_and(|selector| *selector != empty)
    {
        return Some("objectSelector");
    }
    rules(&constraints.resource_rules)
        .chain(rules(&constraints.exclude_resource_rules))
        .any(|rule| rule.resource_names.is_some())
        .then_some("resourceNames")
}

/// Whether the constraints select the request of a case.
pub fn matches(constraints: &MatchResources, case: &Case) -> bool {
    let selected = match &constraints.namespace_selector {
        None => true,
        Some(selector) => match namespace(case) {
            None => true,
            Some(namespace) => selects(selector, &labels(namespace)),
        },
    };
    selected
        && !rules(&constraints.exclude_resource_rules).any(|rule| fits(rule, case))
        && rules(&constraints.resource_rules).any(|rule| fits(rule, case))
}

fn rules(
    rules: &Option<Vec<NamedRuleWithOperations>>,
) -> impl Iterator<Item = &NamedRuleWithOperations> {
    rules.iter().flatten()
}

/// The namespace whose labels a selector reads; nothing for what is cluster-scoped, which no selector exempts.
fn namespace(case: &Case) -> Option<&Value> {
    let resource = &case.resource;
    if resource.group.is_empty() && resource.resource == "namespaces" {
        let new = resource.subresource.is_none()
            && matches!(case.operation, Operation::Create | Operation::Update);
        return if new {
            case.object.as_ref()
        } else {
            case.old_object.as_ref()
        };
    }
    case.namespace_object.as_ref()
}

fn labels(object: &Value) -> BTreeMap<&str, &str> {
    let mut labels: BTreeMap<_, _> = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    // The API server sets it on every namespace.
    if let Some(name) = object["metadata"]["name"].as_str() {
        labels.insert("kubernetes.io/metadata.name", name);
    }
    labels
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<&str, &str>) -> bool {
    let all_labels = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key.as_str()) == Some(&value.as_str()));
    all_labels
        && selector.match_expressions.iter().flatten().all(|wanted| {
            let found = labels.get(wanted.key.as_str());
            let listed = found.is_some_and(|value| {
                let mut values = wanted.values.iter().flatten();
                values.any(|one| one == value)
            });
            match wanted.operator.as_str() {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

fn fits(rule: &NamedRuleWithOperations, case: &Case) -> bool {
    let resource = &case.resource;
    let cluster_scoped = case.namespace_object.is_none();
    let scope = match rule.scope.as_deref() {
        Some("Namespaced") => !cluster_scoped,
        Some("Cluster") => cluster_scoped,
        _ => true,
    };
    scope
        && listed(&rule.operations, case.operation.as_str())
        && listed(&rule.api_groups, &resource.group)
        && listed(&rule.api_versions, &resource.version)
        && rule.resources.iter().flatten().any(|pattern| {
            let (name, sub) = pattern.split_once('/').unwrap_or((pattern, ""));
            let asked = resource.subresource.as_deref().unwrap_or_default();
            (name == "*" || name == resource.resource) && (sub == "*" || sub == asked)
        })
}

fn listed(items: &Option<Vec<String>>, wanted: &str) -> bool {
    items
        .iter()
        .flatten()
        .any(|item| item == "*" || item == wanted)
}
