//! Stands in for what is not there without nodes: a kubelet and a dynamic provisioner for namespaces `sde-project-*` and `sde-airlock-*`.
//!
//! It writes what they would write and nothing more: bindings, pod status, the final delete, volumes. Whether a pod's lock is right is
//! for the node lane to show; here the probe's report is made from the targets that the controller itself put into the pod.

mod behaviour;
mod jobs;
mod pods;
mod status;
mod steps;
mod volumes;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Patch, PatchParams};
use kube::runtime::{Controller, watcher};
use kube::{Api, Client};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

use super::error::{Result, api};
use super::identity::{self, NODE_USER};
use super::server::ControlPlane;
use behaviour::Behaviours;

pub use behaviour::{Behaviour, ProbeFinds};

/// The one node.
pub const NODE: &str = "standin";
/// The StorageClass that the stand-in provisions for.
pub const STORAGE_CLASS: &str = "standard";
const PROVISIONER: &str = "sde-operator.dev/standin";

/// The running stand-in; it stops when dropped.
pub struct Standin {
    behaviours: Behaviours,
    again: Vec<UnboundedSender<()>>,
    _tasks: JoinSet<()>,
}

impl Standin {
    /// Makes the node and the StorageClass and begins to watch, as [`NODE_USER`], binding and provisioning as who does that.
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn start(plane: &ControlPlane) -> Result<Self> {
        let client = plane.person(NODE_USER)?;
        register(&client).await?;
        let behaviours = Behaviours::default();
        let context = Arc::new(pods::Context {
            client: client.clone(),
            scheduler: plane.person(identity::SCHEDULER)?,
            provisioner: plane.person(identity::PROVISIONER)?,
            behaviours: behaviours.clone(),
        });
        let (pods_again, pods_trigger) = unbounded();
        let (volumes_again, volumes_trigger) = unbounded();
        let mut tasks = JoinSet::new();

        let every = watcher::Config::default();
        let pods = Controller::new(Api::<Pod>::all(client.clone()), every.clone());
        let store = pods.store();
        let pods = pods
            .watches(
                Api::<PersistentVolumeClaim>::all(client.clone()),
                every.clone(),
                move |claim| pods::users_of(&store, &claim),
            )
            .reconcile_all_on(pods_trigger)
            .run(pods::reconcile, pods::on_error, context.clone());
        tasks.spawn(pods.for_each(async |result| log("pod", result)));

        let volumes = Controller::new(Api::<PersistentVolume>::all(client), every)
            .reconcile_all_on(volumes_trigger)
            .run(volumes::reconcile, volumes::on_error, context);
        tasks.spawn(volumes.for_each(async |result| log("volume", result)));
        Ok(Self {
            behaviours,
            again: vec![pods_again, volumes_again],
            _tasks: tasks,
        })
    }

    /// From now on plays `namespace` like this, for what is there already too.
    pub fn set(&self, namespace: &str, behaviour: Behaviour) {
        self.behaviours.set(namespace, behaviour);
        for again in &self.again {
            // Closed only when the stand-in is going.
            let _ = again.unbounded_send(());
        }
    }
}

fn log<T, E: std::fmt::Display>(what: &str, result: std::result::Result<T, E>) {
    if let Err(error) = result {
        // Objects vanish between watch and write all the time; the next event settles it.
        tracing::debug!(what, %error, "stand-in");
    }
}

async fn register(client: &Client) -> Result<()> {
    let params = PatchParams::apply("sde-e2e-standin").force();
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER, "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
    });
    let classes: Api<StorageClass> = Api::all(client.clone());
    classes
        .patch(STORAGE_CLASS, &params, &Patch::Apply(&class))
        .await
        .map_err(api("StorageClass"))?;
    let nodes: Api<Node> = Api::all(client.clone());
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}}});
    nodes
        .patch(NODE, &params, &Patch::Apply(&node))
        .await
        .map_err(api("Node"))?;
    let features = json!({"recursiveReadOnlyMounts": true, "userNamespaces": true});
    let size = json!({"cpu": "1000", "memory": "4Ti", "pods": "10000"});
    let status = json!({
        "apiVersion": "v1", "kind": "Node",
        "status": {
            "capacity": size, "allocatable": size,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "Standin", "message": "stand-in"}],
            "nodeInfo": {
                "architecture": "amd64", "bootID": "standin", "containerRuntimeVersion": "containerd://2.1.0", "kernelVersion": "6.12.0",
                "kubeProxyVersion": "", "kubeletVersion": "v1.37.1", "machineID": "standin", "operatingSystem": "linux",
                "osImage": "stand-in", "systemUUID": "standin",
            },
            "runtimeHandlers": [{"name": "", "features": features}, {"name": "runc", "features": features}],
        },
    });
    nodes
        .patch_status(NODE, &params, &Patch::Apply(&status))
        .await
        .map_err(api("Node status"))?;
    Ok(())
}
