//! Requests, all dry runs, that a policy of ours refuses whoever asks, each with the same request without the one thing
//! that is refused. They need no object that is not always there, and no right that the controller has for nothing else.

use sde_crds::names::{
    GROUP, HUB_IMPERSONATION, MANAGED_BY, MANAGED_BY_LABEL, PROJECT_LABEL, project_namespace,
};
use serde_json::{Value, json};

/// Begins the names of what is asked for and never made.
const NAME: &str = "sde-policy-check";
/// Field manager of the applies.
const MANAGER: &str = "sde-operator/policy-check";

/// Who asks: the controller may write a few ClusterRoles by name, a person whatever their own roles say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The controller.
    Controller,
    /// Somebody else, whom a policy lets write none of those ClusterRoles.
    Person,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// HTTP method: POST to create, PATCH for a server-side apply.
    pub method: &'static str,
    /// Media type of the body, which tells an apply from other patches.
    pub content_type: &'static str,
    /// Path and query. Always a dry run.
    pub path: String,
    /// The object.
    pub body: Value,
}

impl Request {
    /// As it is sent.
    ///
    /// # Errors
    /// When method or path cannot be sent.
    pub fn http(&self) -> Result<http::Request<Vec<u8>>, http::Error> {
        http::Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header(http::header::CONTENT_TYPE, self.content_type)
            .body(self.body.to_string().into_bytes())
    }
}

/// A request that a policy must refuse, and its positive control.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The policy, by the name of its API form.
    pub policy: String,
    /// The resource, as refusals begin with it.
    pub resource: &'static str,
    /// Must be refused, by that policy.
    pub refused: Request,
    /// Must be accepted: else a refusal shows nothing.
    pub control: Request,
}

/// What to ask an API server about the policies of an operator in `namespace`.
pub fn attempts(namespace: &str, asker: Asker) -> Vec<Attempt> {
    vec![
        token(namespace),
        volume(),
        role(match asker {
            Asker::Controller => HUB_IMPERSONATION,
            Asker::Person => NAME,
        }),
    ]
}

/// A lasting token of the operator's own account, beside a plain Secret.
fn token(namespace: &str) -> Attempt {
    let of_type = |kind: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"generateName": format!("{NAME}-"), "annotations": {"kubernetes.io/service-account.name": "sde-controller"}},
        })
    };
    let path = format!("/api/v1/namespaces/{namespace}/secrets?dryRun=All");
    Attempt {
        policy: format!("system-namespace.{GROUP}"),
        resource: "secrets",
        refused: create(&path, of_type("kubernetes.io/service-account-token")),
        control: create(&path, of_type("Opaque")),
    }
}

/// A project's volume that is deleted on release, beside the same of nobody's.
fn volume() -> Attempt {
    let of = |labels: Value| {
        let namespace = project_namespace(NAME);
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": format!("data-{NAME}")});
        let ours = labels.get(PROJECT_LABEL).is_some();
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"generateName": format!("{NAME}-"), "labels": labels},
            "spec": {
                "capacity": {"storage": "1Mi"}, "accessModes": ["ReadOnlyMany"], "persistentVolumeReclaimPolicy": "Delete",
                "nfs": {"server": "192.0.2.1", "path": "/", "readOnly": true}, "claimRef": ours.then_some(claim),
            },
        })
    };
    let path = "/api/v1/persistentvolumes?dryRun=All";
    Attempt {
        policy: format!("project-volumes.{GROUP}"),
        resource: "persistentvolumes",
        refused: create(
            path,
            of(json!({MANAGED_BY_LABEL: MANAGED_BY, PROJECT_LABEL: NAME})),
        ),
        control: create(path, of(json!({}))),
    }
}

/// A right beyond the shape of the roles that act for people, beside a role without rights.
fn role(control: &str) -> Attempt {
    let named = |name: &str, rules: Value| {
        let path = format!(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}?dryRun=All&force=true&fieldManager={MANAGER}"
        );
        Request {
            method: "PATCH",
            content_type: "application/apply-patch+yaml",
            path,
            body: json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules,
            }),
        }
    };
    let beyond = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    Attempt {
        policy: format!("impersonation-roles.{GROUP}"),
        resource: "clusterroles.rbac.authorization.k8s.io",
        refused: named(HUB_IMPERSONATION, beyond),
        control: named(control, json!([])),
    }
}

fn create(path: &str, body: Value) -> Request {
    Request {
        method: "POST",
        content_type: "application/json",
        path: path.to_owned(),
        body,
    }
}
