//! Carries out the kubelet's and scheduler's part for pods.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, ResourceExt as _};
use sde_crds::names::{AIRLOCK_NAMESPACE_PREFIX, PROJECT_NAMESPACE_PREFIX};
use serde_json::{Value, json};

use super::behaviour::Behaviours;
use super::steps::{Step, next};
use super::{NODE, volumes};

/// What the stand-in's tasks share.
pub(super) struct Context {
    /// As a kubelet.
    pub(super) client: Client,
    /// As the scheduler.
    pub(super) scheduler: Client,
    /// As a storage provisioner.
    pub(super) provisioner: Client,
    pub(super) behaviours: Behaviours,
}

/// Names of the claims that a pod mounts.
fn claims_of(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
}

/// The pods that mount a claim.
pub(super) fn users_of(store: &Store<Pod>, claim: &PersistentVolumeClaim) -> Vec<ObjectRef<Pod>> {
    let (namespace, name) = (claim.namespace(), claim.name_any());
    let uses =
        |pod: &&Arc<Pod>| pod.namespace() == namespace && claims_of(pod).any(|claim| claim == name);
    store
        .state()
        .iter()
        .filter(uses)
        .map(|pod| ObjectRef::from_obj(pod.as_ref()))
        .collect()
}

pub(super) fn on_error(_: Arc<Pod>, _: &kube::Error, _: Arc<Context>) -> Action {
    Action::requeue(Duration::from_millis(200))
}

pub(super) async fn reconcile(pod: Arc<Pod>, context: Arc<Context>) -> Result<Action, kube::Error> {
    let namespace = pod.namespace().unwrap_or_default();
    let ours = [PROJECT_NAMESPACE_PREFIX, AIRLOCK_NAMESPACE_PREFIX];
    if !ours.iter().any(|prefix| namespace.starts_with(prefix)) {
        return Ok(Action::await_change());
    }
    let unscheduled = pod
        .spec
        .as_ref()
        .is_some_and(|spec| spec.node_name.is_none())
        && pod.metadata.deletion_timestamp.is_none();
    let mut bound = true;
    if unscheduled {
        for claim in claims_of(&pod) {
            bound &= volumes::bind(&context.provisioner, &namespace, claim).await?;
        }
    }
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let step = next(&pod, bound, &context.behaviours.of(&namespace), &now);
    match perform(&context, &namespace, &pod, step).await {
        // Gone, bound or changed in between: the watch tells what is true now.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
            Ok(Action::await_change())
        }
        other => other.map(|()| Action::await_change()),
    }
}

async fn perform(
    context: &Context,
    namespace: &str,
    pod: &Pod,
    step: Step,
) -> Result<(), kube::Error> {
    let pods: Api<Pod> = Api::namespaced(context.client.clone(), namespace);
    let name = pod.name_any();
    match step {
        Step::Rest => {}
        Step::Bind => {
            let target = json!({"apiVersion": "v1", "kind": "Node", "name": NODE});
            let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "uid": pod.uid()}, "target": target});
            Api::<Pod>::namespaced(context.scheduler.clone(), namespace)
                .create_subresource::<Value, Value>(
                    "binding",
                    &name,
                    &PostParams::default(),
                    &binding,
                )
                .await?;
        }
        Step::Remove => {
            let this = Preconditions {
                uid: pod.uid(),
                resource_version: None,
            };
            pods.delete(
                &name,
                &DeleteParams {
                    grace_period_seconds: Some(0),
                    preconditions: Some(this),
                    ..DeleteParams::default()
                },
            )
            .await?;
        }
        Step::Report(status) => report(&pods, pod, &status).await?,
        Step::ReportMountFailure(status) => {
            report(&pods, pod, &status).await?;
            mount_event(&context.client, namespace, pod).await?;
        }
    }
    Ok(())
}

async fn report(pods: &Api<Pod>, pod: &Pod, status: &Value) -> Result<(), kube::Error> {
    let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
    pods.patch_status(
        &pod.name_any(),
        &PatchParams::default(),
        &Patch::Merge(&patch),
    )
    .await?;
    Ok(())
}

/// The Event by which a kubelet says that a mount failed, once a pod.
async fn mount_event(client: &Client, namespace: &str, pod: &Pod) -> Result<(), kube::Error> {
    let name = pod.name_any();
    let event = json!({
        "metadata": {"name": format!("{name}.failed-mount"), "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": name, "namespace": namespace, "uid": pod.uid()},
        "type": "Warning", "reason": "FailedMount", "source": {"component": "kubelet", "host": NODE}, "count": 1,
        "message": "MountVolume.SetUp failed for volume: the source does not exist",
    });
    let event: Event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &event)
        .await?;
    Ok(())
}
