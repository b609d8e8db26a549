//! The controls on this cluster: made before the attacks, gone after them.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use kube::{Api, Client};
use sde_redteam::controls::{NAMESPACE, listening, objects};
use serde_json::Value;
use tokio::time::sleep;

use crate::cluster;
use crate::error::CliError;
use crate::interrupt::interrupted;
use crate::out;

/// How long pods may take to run, and the namespace to be gone.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(1);

/// What was made, in order.
pub(super) struct Controls(Vec<Value>);

impl Controls {
    /// Makes everything and waits until its pods run; removes it again when that fails.
    pub(super) async fn make(client: &Client, image: &str) -> Result<Self, CliError> {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let there = namespaces
            .get_opt(NAMESPACE)
            .await
            .map_err(CliError::api("looking for the controls' namespace"))?;
        if there.is_some() {
            return Err(CliError::Refused(format!(
                "namespace {NAMESPACE} exists: a run is under way, or one was cut off. Look at it, then: kubectl delete namespace {NAMESPACE}"
            )));
        }
        let container = listening(image);
        out::note(&format!("making the controls in namespace {NAMESPACE} ..."));
        let mut made = Self(Vec::new());
        let result = tokio::select! {
            result = made.create(client, &container, image) => result,
            () = interrupted() => Err(CliError::Refused("interrupted: nothing was tried".to_owned())),
        };
        match result {
            Ok(()) => Ok(made),
            Err(error) => {
                made.remove(client).await?;
                Err(error)
            }
        }
    }

    async fn create(
        &mut self,
        client: &Client,
        container: &Value,
        image: &str,
    ) -> Result<(), CliError> {
        for object in objects(container, image) {
            let what = format!(
                "making control {} {}",
                object["kind"], object["metadata"]["name"]
            );
            // Before it is made: what was made and not answered for is removed too.
            self.0.push(object.clone());
            let parsed: DynamicObject = serde_json::from_value(object.clone())?;
            api(client, &object)
                .create(&PostParams::default(), &parsed)
                .await
                .map_err(CliError::api(what))?;
            if object["kind"] == "Namespace" {
                let found = cluster::has_account(client, NAMESPACE, PATIENCE).await;
                if !found.map_err(CliError::api("waiting for the controls' account"))? {
                    return Err(CliError::Refused(format!(
                        "namespace {NAMESPACE} did not get its default ServiceAccount in time"
                    )));
                }
            }
        }
        running(client).await
    }

    /// Removes everything and waits until it is gone.
    pub(super) async fn remove(self, client: &Client) -> Result<(), CliError> {
        out::note("removing the controls ...");
        for object in self.0.iter().rev() {
            let kind = object["kind"].as_str().unwrap_or_default();
            if object["metadata"]["namespace"].is_string() {
                continue;
            }
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            match api(client, object)
                .delete(name, &DeleteParams::default())
                .await
            {
                Err(error) if !crate::error::is_code(&error, 404) => {
                    return Err(CliError::api(format!(
                        "removing {kind} {name}: do it by hand"
                    ))(error));
                }
                _ => {}
            }
        }
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let there = namespaces
                .get_opt(NAMESPACE)
                .await
                .map_err(CliError::api("waiting for the controls to be gone"))?;
            if there.is_none() {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        out::note(&format!(
            "namespace {NAMESPACE} is still on its way out; nothing else is left."
        ));
        Ok(())
    }
}

fn api(client: &Client, object: &Value) -> Api<DynamicObject> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = text(&object["apiVersion"]);
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
        group,
        version,
        &text(&object["kind"]),
    ));
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

async fn running(client: &Client) -> Result<(), CliError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let began = Instant::now();
    let mut waiting = vec!["plain", "receiver", "sized"];
    while began.elapsed() < PATIENCE {
        let mut left = Vec::new();
        for name in waiting {
            let pod = pods
                .get_opt(name)
                .await
                .map_err(CliError::api("waiting for the controls' pods"))?;
            let phase = pod.and_then(|p| p.status).and_then(|s| s.phase);
            if phase.as_deref() != Some("Running") {
                left.push(name);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        waiting = left;
        sleep(PAUSE).await;
    }
    Err(CliError::Refused(format!(
        "pods {} of the controls do not run: kubectl describe pods --namespace {NAMESPACE}",
        waiting.join(", ")
    )))
}
