//! The controls of the attacks through the API server: a namespace that is no project's, with the like of what is attacked.

use serde_json::{Value, json};

use crate::words::Words;

/// The namespace of the controls, which no project owns and no policy locks.
pub const NAMESPACE: &str = "redteam-control";
/// Name of cluster-wide objects that are nobody's.
pub const HARMLESS: &str = "redteam-harmless";
/// A name that nobody has.
pub const NOBODY: &str = "redteam-nobody";

/// A pod of the controls, with one container `main` and what else its spec says.
pub fn pod(name: &str, namespace: &str, container: &Value, spec: Value) -> Value {
    let mut main = json!({"name": "main", "imagePullPolicy": "IfNotPresent"});
    merge(&mut main, container);
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [main]},
    });
    merge(&mut pod["spec"], &spec);
    pod
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

/// Our agent as a container that listens for good.
pub fn listening(agent: &str) -> Value {
    json!({"image": agent, "args": ["sentinel", "--listen", "0.0.0.0:7777", "--admin", "0.0.0.0:7778"]})
}

/// What the controls need, the namespace first. `container` runs for good and does nothing; `agent` is our agent's image.
pub fn objects(container: &Value, agent: &str) -> Vec<Value> {
    let plain = |name: &str, spec| pod(name, NAMESPACE, container, spec);
    let mut small = container.clone();
    small["resources"] = json!({"requests": {"cpu": "100m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "16Mi"}});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        plain("plain", json!({"enableServiceLinks": false})),
        plain("unscheduled", json!({"schedulerName": "nobody"})),
        pod("sized", NAMESPACE, &small, json!({})),
        pod("receiver", NAMESPACE, &listening(agent), json!({})),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "workspace", "namespace": NAMESPACE}}),
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "project", "namespace": NAMESPACE}, "spec": {"hard": {"pods": "50"}}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "unused", "namespace": NAMESPACE},
            "spec": {"podSelector": {"matchLabels": {"app": "nobody"}}, "policyTypes": ["Egress"]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain", "namespace": NAMESPACE}, "stringData": {"token": "x"}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "plain", "namespace": NAMESPACE},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}),
    ];
    objects.extend(harmless(container));
    objects
}

/// Cluster-wide objects that are nobody's, and a Deployment without pods.
fn harmless(container: &Value) -> [Value; 4] {
    let admission = "admissionregistration.k8s.io/v1";
    let mut main = json!({"name": "main"});
    merge(&mut main, container);
    [
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": HARMLESS}, "spec": {
            "capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "", "hostPath": {"path": "/var/redteam-none"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": NAMESPACE, "name": "nobody", "uid": "none"}}}),
        json!({"apiVersion": admission, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": HARMLESS}, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": ["redteam.example"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothing"]}]},
            "validations": [{"expression": "true"}]}}),
        json!({"apiVersion": admission, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": HARMLESS},
            "spec": {"policyName": HARMLESS, "validationActions": ["Deny"]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "copy", "namespace": NAMESPACE}, "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "copy"}}, "template": {"metadata": {"labels": {"app": "copy"}},
            "spec": {"containers": [main]}}}}),
    ]
}

/// What the placeholders stand for in a control, beside those that attack and control share; `csr` is a signing request for
/// [`NOBODY`], in base64.
pub(crate) fn words(csr: String) -> Words {
    [
        ("ns", NAMESPACE),
        ("pod", "plain"),
        ("poduid", "none"),
        ("container", "main"),
        ("claim", "plain"),
        ("volume", HARMLESS),
        ("grantvolume", HARMLESS),
        ("policy", "unused"),
        ("quota", "project"),
        ("system", NAMESPACE),
        ("controller", "workspace"),
        ("controlleruser", NOBODY),
        ("key", "plain"),
        ("path", "/var/redteam-none"),
        ("falselabel", "redteam.example/project"),
        ("person", NOBODY),
        ("csr", csr.as_str()),
        ("admission", HARMLESS),
        ("systempod", "plain"),
        ("systemdeployment", "copy"),
        ("systemcontainer", "main"),
        ("systempolicy", "unused"),
    ]
    .map(|(name, word)| (name, word.to_owned()))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacked::SHARED;
    use crate::catalogue::{self, Group};
    use crate::words::placeholders;

    #[test]
    fn a_control_has_words_for_every_placeholder() {
        let words = words("request".to_owned());
        for attack in catalogue::group(Group::Api).unwrap() {
            let (Some(request), None) = (&attack.request, &attack.control_request) else {
                continue;
            };
            let body = request.body.to_string();
            for name in placeholders(&request.path).chain(placeholders(&body)) {
                assert!(
                    words.contains_key(name) || SHARED.contains(&name),
                    "{}: {name}",
                    attack.id
                );
            }
        }
    }

    #[test]
    fn the_namespace_is_first_and_everything_else_in_it_or_nobodys() {
        let objects = objects(&json!({"image": "i"}), "agent");
        assert_eq!(objects[0]["kind"], "Namespace");
        for object in &objects[1..] {
            let metadata = &object["metadata"];
            assert!(
                metadata["namespace"] == NAMESPACE || metadata["name"] == HARMLESS,
                "{metadata}"
            );
        }
    }
}
