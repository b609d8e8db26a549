//! Carries out a dynamic provisioner's part: makes a volume for a claim that a pod waits for, and deletes released ones.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::controller::Action;
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::pods::Context;
use super::{NODE, PROVISIONER, STORAGE_CLASS};

const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// Whether a claim is bound; one of our class without a volume gets one.
pub(super) async fn bind(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<bool, kube::Error> {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let Some(claim) = claims.get_opt(name).await? else {
        return Ok(false);
    };
    if claim
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        == Some("Bound")
    {
        return Ok(true);
    }
    let Some(spec) = claim.spec.as_ref() else {
        return Ok(false);
    };
    if spec.storage_class_name.as_deref() == Some(STORAGE_CLASS)
        && spec.volume_name.as_deref().unwrap_or_default().is_empty()
    {
        provision(client, namespace, &claim).await?;
    }
    Ok(false)
}

async fn provision(
    client: &Client,
    namespace: &str,
    claim: &PersistentVolumeClaim,
) -> Result<(), kube::Error> {
    let uid = claim.uid().unwrap_or_default();
    let name = format!("pvc-{uid}");
    let spec = claim.spec.clone().unwrap_or_default();
    let storage = spec
        .resources
        .and_then(|resources| resources.requests?.get("storage").cloned());
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": storage}, "accessModes": spec.access_modes, "storageClassName": STORAGE_CLASS,
            "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Filesystem",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim.name_any(), "uid": uid},
            "hostPath": {"path": format!("/var/standin/{name}"), "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]},
            ]}},
        },
    });
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    volumes
        .patch(
            &name,
            &PatchParams::apply("sde-e2e-standin").force(),
            &Patch::Apply(&volume),
        )
        .await?;
    Ok(())
}

pub(super) fn on_error(_: Arc<PersistentVolume>, _: &kube::Error, _: Arc<Context>) -> Action {
    Action::requeue(Duration::from_millis(200))
}

/// Deletes a volume of ours that its claim has released, unless the namespace's behaviour is to keep it.
pub(super) async fn reconcile(
    volume: Arc<PersistentVolume>,
    context: Arc<Context>,
) -> Result<Action, kube::Error> {
    let ours = volume.annotations().get(PROVISIONED_BY).map(String::as_str) == Some(PROVISIONER);
    let released = volume
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        == Some("Released");
    let spec = volume.spec.as_ref();
    let delete =
        spec.and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref()) == Some("Delete");
    let namespace = spec
        .and_then(|spec| spec.claim_ref.as_ref()?.namespace.clone())
        .unwrap_or_default();
    let going = volume.metadata.deletion_timestamp.is_some();
    if ours && released && delete && !going && !context.behaviours.of(&namespace).keeps_volumes {
        let this = Preconditions {
            uid: volume.uid(),
            resource_version: None,
        };
        let params = DeleteParams {
            preconditions: Some(this),
            ..DeleteParams::default()
        };
        match Api::<PersistentVolume>::all(context.provisioner.clone())
            .delete(&volume.name_any(), &params)
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => drop(other?),
        }
    }
    Ok(Action::await_change())
}
