//! Does the observed object already hold everything that is desired? Pure comparison of JSON.

use serde_json::{Map, Value};

/// How an object's own fields (all but metadata and status) are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Every desired field is there; what the server or others added does not matter.
    Subset,
    /// Nothing else is there, but the few defaults that the API server fills in: for kinds where a field
    /// added by somebody else would open what we locked (NetworkPolicy, RoleBinding, ResourceQuota).
    Exact,
}

/// Fields with the value that the API server itself gives them.
const DEFAULTS: [(&str, &str); 2] = [
    ("protocol", "TCP"),
    ("apiGroup", "rbac.authorization.k8s.io"),
];

/// The path of the first difference, or `None` when observed holds what is desired.
pub fn difference(desired: &Value, observed: &Value, compare: Compare) -> Option<String> {
    let (Value::Object(desired), Value::Object(observed)) = (desired, observed) else {
        return Some(String::new());
    };
    for (key, value) in desired {
        let found = match key.as_str() {
            "apiVersion" | "kind" | "status" => None,
            "metadata" => metadata(value, observed.get(key).unwrap_or(&Value::Null)),
            _ => field(value, observed.get(key), compare, key),
        };
        if found.is_some() {
            return found;
        }
    }
    if compare == Compare::Exact {
        let own = observed
            .iter()
            .filter(|(k, _)| !matches!(k.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
        return extra(desired, own, "");
    }
    None
}

/// Only what we own of metadata; lists there (owner references, finalizers) are compared whole.
fn metadata(desired: &Value, observed: &Value) -> Option<String> {
    for key in ["labels", "annotations", "ownerReferences"] {
        if let Some(value) = desired.get(key)
            && let found @ Some(_) = field(
                value,
                observed.get(key),
                Compare::Subset,
                &format!("metadata.{key}"),
            )
        {
            return found;
        }
    }
    None
}

fn field(
    desired: &Value,
    observed: Option<&Value>,
    compare: Compare,
    path: &str,
) -> Option<String> {
    let Some(observed) = observed else {
        // The server drops empty lists and maps, so their absence is no difference. `false`, `0` and `""`
        // are not treated so: for a pointer field, absence means the default (think of
        // automountServiceAccountToken), and one needless write is the cheaper mistake.
        return (!is_empty(desired)).then(|| path.to_owned());
    };
    match (desired, observed) {
        (Value::Null, _) => {
            (compare == Compare::Exact && !is_empty(observed)).then(|| path.to_owned())
        }
        (Value::Object(wanted), Value::Object(found)) => {
            for (key, value) in wanted {
                let difference = field(value, found.get(key), compare, &format!("{path}.{key}"));
                if difference.is_some() {
                    return difference;
                }
            }
            match compare {
                Compare::Exact => extra(wanted, found.iter(), path),
                Compare::Subset => None,
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            if wanted.len() != found.len() {
                return Some(path.to_owned());
            }
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(i, (w, f))| field(w, Some(f), compare, &format!("{path}[{i}]")))
        }
        _ => (desired != observed).then(|| path.to_owned()),
    }
}

/// First observed field that nobody desired and that is not a server default.
fn extra<'a>(
    desired: &Map<String, Value>,
    observed: impl Iterator<Item = (&'a String, &'a Value)>,
    path: &str,
) -> Option<String> {
    for (key, value) in observed {
        let default = DEFAULTS
            .iter()
            .any(|(name, set)| key == name && value == set);
        if !desired.contains_key(key) && !default && !is_empty(value) {
            return Some(if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            });
        }
    }
    None
}

/// The path of the first field, outside metadata and status, that nobody desired and that is neither empty
/// nor a server default. Unlike [`difference`] it overlooks values that the server wrote in another way.
pub fn foreign(desired: &Value, observed: &Value) -> Option<String> {
    let (Value::Object(wanted), Value::Object(found)) = (desired, observed) else {
        return None;
    };
    let own = || {
        found
            .iter()
            .filter(|(k, _)| !matches!(k.as_str(), "apiVersion" | "kind" | "metadata" | "status"))
    };
    extra(wanted, own(), "")
        .or_else(|| own().find_map(|(key, value)| foreign_below(wanted.get(key)?, value, key)))
}

fn foreign_below(desired: &Value, observed: &Value, path: &str) -> Option<String> {
    match (desired, observed) {
        (Value::Object(wanted), Value::Object(found)) => {
            extra(wanted, found.iter(), path).or_else(|| {
                found.iter().find_map(|(key, value)| {
                    foreign_below(wanted.get(key)?, value, &format!("{path}.{key}"))
                })
            })
        }
        (Value::Array(wanted), Value::Array(found)) if found.len() > wanted.len() => {
            Some(path.to_owned())
        }
        (Value::Array(wanted), Value::Array(found)) => {
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(i, (w, f))| foreign_below(w, f, &format!("{path}[{i}]")))
        }
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether two statuses say the same: equal once nulls, empty lists and empty maps are taken out.
pub fn same_status(desired: &Value, observed: &Value) -> bool {
    strip(desired.clone()) == strip(observed.clone())
}

fn strip(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(k, v)| (k, strip(v)));
            Value::Object(kept.filter(|(_, v)| !is_empty(v)).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(strip).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subset(desired: Value, observed: Value) -> Option<String> {
        difference(&desired, &observed, Compare::Subset)
    }

    fn exact(desired: Value, observed: Value) -> Option<String> {
        difference(&desired, &observed, Compare::Exact)
    }

    #[test]
    fn what_the_server_added_is_no_difference() {
        let desired = json!({"kind": "Pod", "metadata": {"labels": {"a": "1"}}, "spec": {"containers": [{"name": "x"}]}});
        let observed = json!({"kind": "Pod", "metadata": {"uid": "u", "labels": {"a": "1", "b": "2"}},
            "spec": {"containers": [{"name": "x", "terminationMessagePath": "/dev/x"}], "nodeName": "n"}, "status": {}});
        assert_eq!(subset(desired, observed), None);
    }

    #[test]
    fn a_changed_value_and_a_longer_or_shorter_list_are() {
        assert_eq!(
            subset(json!({"spec": {"a": 1}}), json!({"spec": {"a": 2}})).as_deref(),
            Some("spec.a")
        );
        assert_eq!(
            subset(json!({"spec": {"l": [1]}}), json!({"spec": {"l": [1, 2]}})).as_deref(),
            Some("spec.l")
        );
        assert_eq!(
            subset(json!({"spec": {"l": [1, 2]}}), json!({"spec": {"l": [1]}})).as_deref(),
            Some("spec.l")
        );
        assert_eq!(
            subset(
                json!({"metadata": {"labels": {"a": "1"}}}),
                json!({"metadata": {}})
            )
            .as_deref(),
            Some("metadata.labels")
        );
    }

    #[test]
    fn an_empty_list_equals_an_absent_one_but_false_does_not() {
        assert_eq!(
            subset(json!({"spec": {"egress": []}}), json!({"spec": {}})),
            None
        );
        assert_eq!(
            subset(json!({"automountServiceAccountToken": false}), json!({})).as_deref(),
            Some("automountServiceAccountToken")
        );
    }

    #[test]
    fn an_egress_rule_slipped_into_a_policy_is_seen() {
        let desired = json!({"spec": {"podSelector": {}, "policyTypes": ["Egress"]}});
        let observed =
            json!({"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}});
        assert_eq!(subset(desired.clone(), observed.clone()), None);
        assert_eq!(exact(desired, observed).as_deref(), Some("spec.egress"));
    }

    #[test]
    fn exact_allows_server_defaults_only() {
        let desired = json!({"spec": {"ingress": [{"ports": [{"port": 8888}]}]}});
        let tcp = json!({"spec": {"ingress": [{"ports": [{"port": 8888, "protocol": "TCP"}]}]}});
        let udp = json!({"spec": {"ingress": [{"ports": [{"port": 8888, "protocol": "UDP"}]}]}});
        assert_eq!(exact(desired.clone(), tcp), None);
        assert!(exact(desired, udp).is_some());
        let binding = json!({"subjects": [{"kind": "User", "name": "x"}]});
        let served = json!({"subjects": [{"kind": "User", "name": "x", "apiGroup": "rbac.authorization.k8s.io"}]});
        assert_eq!(exact(binding, served), None);
        assert_eq!(
            exact(json!({"spec": {}}), json!({"spec": {}, "secrets": [1]})).as_deref(),
            Some("secrets")
        );
    }

    #[test]
    fn a_quantity_written_another_way_is_not_foreign_but_an_added_field_is() {
        let desired = json!({"spec": {"hard": {"cpu": "1000m"}}});
        assert_eq!(
            foreign(
                &desired,
                &json!({"spec": {"hard": {"cpu": "1"}}, "status": {"used": {}}})
            ),
            None
        );
        let scoped = json!({"spec": {"hard": {"cpu": "1"}, "scopes": ["Terminating"]}});
        assert_eq!(foreign(&desired, &scoped).as_deref(), Some("spec.scopes"));
        let desired = json!({"spec": {"ingress": [{"from": [{"podSelector": {}}]}]}});
        let wider = json!({"spec": {"ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}]}});
        assert_eq!(
            foreign(&desired, &wider).as_deref(),
            Some("spec.ingress[0].from")
        );
    }

    #[test]
    fn statuses_are_compared_without_empty_fields() {
        assert!(same_status(
            &json!({"a": null, "b": [], "c": 1}),
            &json!({"c": 1})
        ));
        assert!(!same_status(
            &json!({"c": 1}),
            &json!({"c": 1, "d": "left over"})
        ));
    }
}
