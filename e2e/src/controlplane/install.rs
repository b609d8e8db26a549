//! Puts the real chart into a control plane: CRDs, RBAC, policies, ServiceAccounts. Its Deployments stay without pods.

use std::path::Path;
use std::process::Command;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use sde_crds::names::{GROUP, HUB_SERVICE_ACCOUNT};
use serde_json::json;

use super::error::{ControlPlaneError, Result, api, malformed};
use super::identity::{ADMIN, NODE_USER, PEOPLE};
use super::process::run_to_end;
use super::server::ControlPlane;
use crate::cluster::paths;

/// Namespace of the operator.
pub const SYSTEM_NAMESPACE: &str = "sde-system";
/// Namespace of the hub.
pub const HUB_NAMESPACE: &str = "sde-hub";
/// The controller's ServiceAccount.
pub const CONTROLLER_ACCOUNT: &str = "sde-controller";
/// The agent image that pods name; no kubelet ever pulls it.
pub const AGENT_IMAGE: &str = "localhost/sde-operator/agent@sha256:0000000000000000000000000000000000000000000000000000000000000000";
const CONTROLLER_IMAGE: &str = "localhost/sde-operator/controller@sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The user that the controller is to the API server, as the audit log names it.
pub fn controller_user() -> String {
    format!("system:serviceaccount:{SYSTEM_NAMESPACE}:{CONTROLLER_ACCOUNT}")
}

/// Installs the chart with helm, binds the people to its ClusterRoles and makes the hub's ServiceAccount.
///
/// # Errors
/// When helm fails, the API server refuses something, or the CRDs are not served within ten seconds.
pub async fn install(plane: &ControlPlane, helm: &Path) -> Result<()> {
    let chart = paths::repository().join("charts/sde-operator");
    let kubeconfig = plane.person_kubeconfig(ADMIN)?;
    let home = plane.file("helm");
    let mut command = Command::new(helm);
    command
        .args(["install", "sde-operator"])
        .arg(chart)
        .args([
            "--namespace",
            SYSTEM_NAMESPACE,
            "--create-namespace",
            "--set",
        ])
        .arg(format!(
            "images.controller={CONTROLLER_IMAGE},images.agent={AGENT_IMAGE}"
        ))
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .env("HELM_CACHE_HOME", home.join("cache"))
        .env("HELM_CONFIG_HOME", home.join("config"))
        .env("HELM_DATA_HOME", home.join("data"));
    tokio::task::spawn_blocking(move || run_to_end(&mut command))
        .await
        .map_err(malformed("helm"))??;
    let client = plane.admin();
    served(&client).await?;
    people(&client).await?;
    hub(&client).await
}

/// A token for a ServiceAccount, by TokenRequest as a kubelet asks for it, since the policies let nobody else; valid for an hour.
/// `client` must be able to impersonate the node.
///
/// # Errors
/// When the API server refuses.
pub async fn account_token(client: &Client, namespace: &str, account: &str) -> Result<String> {
    let what = format!("token of {namespace}/{account}");
    let body = TokenRequest {
        spec: TokenRequestSpec {
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let body = serde_json::to_vec(&body).map_err(malformed(&what))?;
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let request = http::Request::post(path)
        .header("Content-Type", "application/json")
        .header("Impersonate-User", NODE_USER)
        .header("Impersonate-Group", "system:nodes")
        .header("Impersonate-Group", "system:masters")
        .body(body)
        .map_err(malformed(&what))?;
    let answer: TokenRequest = client.request(request).await.map_err(api(&what))?;
    answer
        .status
        .map(|status| status.token)
        .ok_or_else(|| malformed(what)("no token in the answer"))
}

/// Waits until every CRD of ours is established.
async fn served(client: &Client) -> Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let limit = std::time::Duration::from_secs(10);
    let waiting = async {
        loop {
            let list = crds
                .list(&ListParams::default())
                .await
                .map_err(api("CRDs"))?;
            let mut ours = list.iter().filter(|crd| crd.spec.group == GROUP).peekable();
            let established = |crd: &CustomResourceDefinition| {
                let conditions = crd
                    .status
                    .iter()
                    .flat_map(|status| status.conditions.iter().flatten());
                conditions
                    .into_iter()
                    .any(|condition| condition.type_ == "Established" && condition.status == "True")
            };
            if ours.peek().is_some() && ours.all(established) {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let timed_out = |_| ControlPlaneError::TimedOut {
        what: "our CRDs established".to_owned(),
        limit,
    };
    tokio::time::timeout(limit, waiting)
        .await
        .map_err(timed_out)?
}

/// Binds those of [`PEOPLE`] who decide as a platform team would: by name, since who is acted for by the portal is in no group.
/// Researchers get nothing: the controller binds them.
async fn people(client: &Client) -> Result<()> {
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    for (group, role) in [
        ("sde:custodians", "sde-custodian"),
        ("sde:approvers", "sde-approver"),
        ("sde:output-checkers", "sde-output-checker"),
    ] {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": PEOPLE.iter().filter(|person| person.group == group)
                .map(|person| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person.user}))
                .collect::<Vec<_>>(),
        });
        bindings
            .patch(
                role,
                &PatchParams::apply("sde-e2e"),
                &Patch::Apply(&binding),
            )
            .await
            .map_err(api(format!("binding of {role}")))?;
    }
    Ok(())
}

async fn hub(client: &Client) -> Result<()> {
    let params = PatchParams::apply("sde-e2e");
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HUB_NAMESPACE}});
    Api::<Namespace>::all(client.clone())
        .patch(HUB_NAMESPACE, &params, &Patch::Apply(&namespace))
        .await
        .map_err(api(HUB_NAMESPACE))?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": HUB_SERVICE_ACCOUNT}});
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), HUB_NAMESPACE);
    accounts
        .patch(HUB_SERVICE_ACCOUNT, &params, &Patch::Apply(&account))
        .await
        .map_err(api("ServiceAccount of the hub"))?;
    Ok(())
}
