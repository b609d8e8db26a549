//! What the cases of the admission policies begin with: a valid object of every kind, foreign kinds that a cluster might have, and who the
//! policies let make what.

use std::collections::BTreeMap;

use http::Method;
use kube::Client;
use sde_policies::cases::{Resource, User};
use serde_json::{Value, json};

use super::asking::ask;
use super::error::{Result, SuiteError, check};
use crate::controlplane::identity::{NODE_USER, PROVISIONER};
use crate::controlplane::install::controller_user;

/// The image of pods whose case is not about images.
pub const IMAGE: &str =
    "agent.example/a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Makes the account `default` of every namespace.
pub const ACCOUNT_CONTROLLER: &str = "system:serviceaccount:kube-system:service-account-controller";
const CILIUM: &str = "system:serviceaccount:kube-system:cilium";

/// Kinds of others that policies speak of: (group, version, kind, plural, namespaced). Their schema takes anything.
const FOREIGN: [(&str, &str, &str, &str, bool); 13] = [
    (
        "cilium.io",
        "v2",
        "CiliumNetworkPolicy",
        "ciliumnetworkpolicies",
        true,
    ),
    ("cilium.io", "v2", "CiliumEndpoint", "ciliumendpoints", true),
    (
        "cilium.io",
        "v2",
        "CiliumClusterwideNetworkPolicy",
        "ciliumclusterwidenetworkpolicies",
        false,
    ),
    (
        "crd.projectcalico.org",
        "v1",
        "NetworkPolicy",
        "networkpolicies",
        true,
    ),
    (
        "crd.projectcalico.org",
        "v1",
        "GlobalNetworkPolicy",
        "globalnetworkpolicies",
        false,
    ),
    (
        "projectcalico.org",
        "v3",
        "GlobalNetworkPolicy",
        "globalnetworkpolicies",
        false,
    ),
    (
        "policy.networking.k8s.io",
        "v1alpha1",
        "AdminNetworkPolicy",
        "adminnetworkpolicies",
        false,
    ),
    (
        "policy.networking.k8s.io",
        "v1alpha1",
        "BaselineAdminNetworkPolicy",
        "baselineadminnetworkpolicies",
        false,
    ),
    (
        "policy.networking.k8s.io",
        "v1alpha2",
        "ClusterNetworkPolicy",
        "clusternetworkpolicies",
        false,
    ),
    (
        "snapshot.storage.k8s.io",
        "v1",
        "VolumeSnapshot",
        "volumesnapshots",
        true,
    ),
    (
        "snapshot.storage.k8s.io",
        "v1",
        "VolumeSnapshotContent",
        "volumesnapshotcontents",
        false,
    ),
    (
        "groupsnapshot.storage.k8s.io",
        "v1",
        "VolumeGroupSnapshotContent",
        "volumegroupsnapshotcontents",
        false,
    ),
    (
        "gateway.networking.k8s.io",
        "v1",
        "HTTPRoute",
        "httproutes",
        true,
    ),
];

/// Kinds of Kubernetes that cases create.
const BUILT_IN: [(&str, &str, &str); 20] = [
    ("", "namespaces", "Namespace"),
    ("", "resourcequotas", "ResourceQuota"),
    ("", "limitranges", "LimitRange"),
    ("", "pods", "Pod"),
    ("", "services", "Service"),
    ("", "secrets", "Secret"),
    ("", "configmaps", "ConfigMap"),
    ("", "serviceaccounts", "ServiceAccount"),
    ("", "persistentvolumes", "PersistentVolume"),
    ("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ("", "events", "Event"),
    ("events.k8s.io", "events", "Event"),
    ("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    ("networking.k8s.io", "ingresses", "Ingress"),
    ("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    ("apps", "deployments", "Deployment"),
    ("rbac.authorization.k8s.io", "roles", "Role"),
    ("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
    ("rbac.authorization.k8s.io", "clusterroles", "ClusterRole"),
    (
        "rbac.authorization.k8s.io",
        "clusterrolebindings",
        "ClusterRoleBinding",
    ),
];

/// Installs the kinds of others.
///
/// # Errors
/// When the API server refuses one.
pub async fn install_foreign(admin: &Client) -> Result<()> {
    for (group, version, kind, plural, namespaced) in FOREIGN {
        let scope = if namespaced { "Namespaced" } else { "Cluster" };
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let object = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            // Groups below k8s.io are refused without it.
            "metadata": {"name": format!("{plural}.{group}"), "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"}},
            "spec": {
                "group": group, "scope": scope, "names": {"kind": kind, "plural": plural},
                "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        });
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let answer = ask(admin, Method::POST, path, Some(&object), None).await?;
        check(answer.accepted(), answer)?;
    }
    for (group, version, _, plural, _) in FOREIGN {
        let path = format!("/apis/{group}/{version}/{plural}");
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while !ask(admin, Method::GET, &path, None, None).await?.accepted() {
            check(
                tokio::time::Instant::now() < end,
                format_args!("{path} is not served"),
            )?;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// A valid object of a resource's kind, without metadata.
///
/// # Errors
/// When the kind is not known here.
pub fn base(resource: &Resource, examples: &BTreeMap<String, Value>) -> Result<Value> {
    let example = |kind: &str| {
        let mut object = examples.get(kind).cloned().unwrap_or_default();
        object["metadata"] = json!({});
        object
    };
    let (group, name) = (resource.group.as_str(), resource.resource.as_str());
    match (group, name) {
        ("sde-operator.dev", "projects") => return Ok(example("Project")),
        ("sde-operator.dev", "projectapprovals") => return Ok(example("ProjectApproval")),
        ("sde-operator.dev", "destructionrecords") => return Ok(example("DestructionRecord")),
        ("sde-operator.dev", "airlockreceipts") => return Ok(example("AirlockReceipt")),
        ("sde-operator.dev", "workspaces") => return Ok(example("Workspace")),
        ("sde-operator.dev", "datasets") => return Ok(example("Dataset")),
        ("sde-operator.dev", "airlockrequests") => {
            let mut request = example("AirlockRequest");
            // What belongs to one direction only is up to the case.
            if let Some(spec) = request["spec"].as_object_mut() {
                spec.retain(|field, _| !matches!(field.as_str(), "folder" | "outputs"));
            }
            return Ok(request);
        }
        ("sde-operator.dev", "airlockreviews") => return Ok(example("AirlockReview")),
        _ => {}
    }
    let built_in = BUILT_IN
        .iter()
        .filter(|(g, n, _)| (*g, *n) == (group, name));
    let foreign = FOREIGN
        .iter()
        .filter(|(g, _, _, n, _)| (*g, *n) == (group, name));
    let kind = built_in
        .map(|(_, _, kind)| *kind)
        .chain(foreign.map(|(_, _, kind, _, _)| *kind))
        .next()
        .ok_or_else(|| SuiteError::Check(format!("no valid {name}.{group} is known")))?;
    let version = match group {
        "" => resource.version.clone(),
        group => format!("{group}/{}", resource.version),
    };
    let mut object = json!({"apiVersion": version, "kind": kind});
    if kind == "Pod" {
        object["spec"] = pod();
    }
    Ok(object)
}

/// A pod that passes every policy where [`IMAGE`] is listed.
fn pod() -> Value {
    let hardened = json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    });
    let gate = json!({"path": "annotation", "fieldRef": {"fieldPath": "metadata.annotations['sde-operator.dev/gate']"}});
    json!({
        "restartPolicy": "Never", "serviceAccountName": "workspace", "automountServiceAccountToken": false, "enableServiceLinks": false,
        "dnsPolicy": "None", "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ping_group_range", "value": "1 0"}],
        },
        "initContainers": [
            {"name": "probe", "image": IMAGE, "args": ["probe"], "securityContext": hardened},
            {"name": "gate", "image": IMAGE, "args": ["gate"], "securityContext": hardened, "volumeMounts": [{"name": "gate", "mountPath": "/etc/sde/gate"}]},
        ],
        "containers": [{"name": "notebook", "image": IMAGE, "securityContext": hardened, "resources": {"limits": {"cpu": "1"}}}],
        "volumes": [{"name": "gate", "downwardAPI": {"items": [gate]}}],
    })
}

/// Whom the policies let make this object.
pub fn maker(resource: &str, object: &Value) -> User {
    let person = |name: &Value| user(name.as_str().unwrap_or_default(), &["system:authenticated"]);
    let spec = &object["spec"];
    match resource {
        "projects" => person(&spec["submittedBy"]),
        "projectapprovals" => person(&spec["approver"]),
        "workspaces" => person(&spec["user"]),
        "airlockrequests" => person(&spec["requester"]),
        "airlockreviews" => person(&spec["reviewer"]),
        "events" => node(),
        "ciliumendpoints" => account(CILIUM),
        "persistentvolumes" if object["metadata"]["labels"].is_null() => account(PROVISIONER),
        _ => controller(),
    }
}

/// Whom the policies let report on it.
pub fn reporter(resource: &str) -> User {
    match resource {
        "pods" => node(),
        _ => controller(),
    }
}

/// The controller.
pub fn controller() -> User {
    account(&controller_user())
}

/// A ServiceAccount by its user name.
pub fn account(name: &str) -> User {
    user(name, &["system:serviceaccounts", "system:authenticated"])
}

fn node() -> User {
    user(NODE_USER, &["system:nodes", "system:authenticated"])
}

fn user(name: &str, groups: &[&str]) -> User {
    User {
        username: name.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}
