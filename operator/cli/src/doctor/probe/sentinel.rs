//! What the sentinel says, as far as a person's terminal can ask it.
//!
//! Its memory is on a port that only the controller may reach. The API server's pod proxy gets there on some networks;
//! where it does not, the container's id stands for the boot id, since both are new at every start.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use sde_core::lock::{Boot, Seen};
use serde::de::DeserializeOwned;

use super::objects::Plan;
use crate::error::explain;

/// Port of the sentinel's memory.
const ADMIN_PORT: u16 = 7778;

/// What tells one start of the sentinel from another.
///
/// # Errors
/// When the API server cannot tell.
pub async fn boot(client: &Client, plan: &Plan) -> Result<Option<String>, String> {
    if let Some(boot) = ask::<Boot>(client, plan, "v1/boot").await {
        return Ok(Some(boot.boot_id));
    }
    let api: Api<Pod> = Api::namespaced(client.clone(), &plan.system_namespace);
    let pod = api
        .get_opt(&plan.sentinel_pod)
        .await
        .map_err(|e| explain(&e))?;
    Ok(pod.and_then(|p| container_id(&p)))
}

fn container_id(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses
        .first()?
        .container_id
        .clone()
        .filter(|id| !id.is_empty())
}

/// What it remembers of a pod; none when it cannot be asked from here.
pub async fn seen(client: &Client, plan: &Plan, pod_uid: &str) -> Option<Seen> {
    if pod_uid.is_empty() {
        return None;
    }
    let seen: Seen = ask(client, plan, &format!("v1/seen/{pod_uid}")).await?;
    (seen.pod_uid == pod_uid).then_some(seen)
}

async fn ask<T: DeserializeOwned>(client: &Client, plan: &Plan, path: &str) -> Option<T> {
    let uri = format!(
        "/api/v1/namespaces/{}/pods/{}:{ADMIN_PORT}/proxy/{path}",
        plan.system_namespace, plan.sentinel_pod
    );
    let request = http::Request::get(uri).body(Vec::new()).ok()?;
    let answer = tokio::time::timeout(
        std::time::Duration::from_secs(3),
        client.request_text(request),
    )
    .await;
    serde_json::from_str(&answer.ok()?.ok()?).ok()
}
