//! A namespace with a claim and a pod as the controller would make them, for tests of the stand-in.

use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ServiceAccount,
};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use sde_crds::names::GATE_ANNOTATION;
use serde_json::json;

use super::error::{Result, SuiteError};
use super::lab::object;
use super::waiting::when;
use crate::controlplane::standin::STORAGE_CLASS;

/// A namespace with a claim and a pod of the shape that the controller makes.
pub(super) struct Scene {
    namespace: String,
    pods: Api<Pod>,
    namespaces: Api<Namespace>,
    volumes: Api<PersistentVolume>,
}

impl Scene {
    pub(super) async fn set(client: Client, name: &str) -> Result<Self> {
        let namespace = format!("sde-project-{name}");
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces
            .create(
                &PostParams::default(),
                &object(json!({"metadata": {"name": namespace}}))?,
            )
            .await?;
        let claim: PersistentVolumeClaim = object(json!({
            "metadata": {"name": "home"},
            "spec": {"storageClassName": STORAGE_CLASS, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }))?;
        Api::namespaced(client.clone(), &namespace)
            .create(&PostParams::default(), &claim)
            .await?;
        let target = r#"[{"name":"sentinel","kind":"Sentinel","address":"127.0.0.1","port":7777,"protocol":"TCP"}]"#;
        let pod: Pod = object(json!({
            "metadata": {"name": "ws"},
            "spec": {
                "serviceAccountName": "default", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
                "initContainers": [{"name": "probe", "image": "a", "env": [{"name": "SDE_TARGETS", "value": target}]}, {"name": "gate", "image": "a"}],
                "containers": [{"name": "notebook", "image": "b", "volumeMounts": [{"name": "home", "mountPath": "/home"}]}],
                "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
            },
        }))?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
        when(&accounts, "default", "ServiceAccount", |_| true).await?;
        let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        pods.create(&PostParams::default(), &pod).await?;
        Ok(Self {
            namespace,
            pods,
            namespaces,
            volumes: Api::all(client),
        })
    }

    pub(super) async fn when(&self, what: &str, wanted: impl Fn(&Pod) -> bool) -> Result<Pod> {
        when(&self.pods, "ws", what, wanted).await
    }

    pub(super) async fn open_gate(&self) -> Result<()> {
        let uid = self.pods.get("ws").await?.uid().unwrap_or_default();
        let patch =
            json!({"metadata": {"annotations": {GATE_ANNOTATION: format!("confirmed {uid}")}}});
        self.pods
            .patch("ws", &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        Ok(())
    }

    /// Volumes that a claim of this scene holds or held.
    pub(super) async fn volumes(&self) -> Result<Vec<PersistentVolume>> {
        let mut all = self.volumes.list(&ListParams::default()).await?.items;
        all.retain(|volume| {
            volume.spec.iter().any(|spec| {
                spec.claim_ref
                    .iter()
                    .any(|claim| claim.namespace.as_ref() == Some(&self.namespace))
            })
        });
        Ok(all)
    }

    pub(super) async fn strike(&self) -> Result<()> {
        self.namespaces
            .delete(&self.namespace, &DeleteParams::default())
            .await?;
        eventually("the namespace is gone", async || {
            Ok(self.namespaces.get_opt(&self.namespace).await?.is_none())
        })
        .await
    }
}

pub(super) async fn eventually(what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let limit = Duration::from_secs(40);
    let end = tokio::time::Instant::now() + limit;
    while !holds().await? {
        if tokio::time::Instant::now() > end {
            return Err(SuiteError::TimedOut {
                what: what.to_owned(),
                limit,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The exit code of an init container; `None` while it has not ended.
pub(super) fn exit_code(pod: &Pod, container: &str) -> Option<i32> {
    let statuses = pod.status.as_ref()?.init_container_statuses.as_ref()?;
    let state = statuses
        .iter()
        .find(|status| status.name == container)?
        .state
        .as_ref()?;
    state.terminated.as_ref().map(|ended| ended.exit_code)
}

pub(super) fn phase(pod: &Pod) -> &str {
    pod.status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}
