//! The pod status that a kubelet would write.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use kube::ResourceExt as _;
use sde_crds::names::NOTEBOOK_PORT;
use serde_json::{Value, json};

/// The node's address.
pub(super) const HOST_ADDRESS: &str = "127.0.0.1";

/// How far one container is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum At {
    Waiting(&'static str),
    Running,
    Ended { code: i32, message: String },
}

/// Whether the pod's status says already what `states` say.
pub(super) fn unchanged(pod: &Pod, containers: &[&Container], states: &[At]) -> bool {
    let Some(status) = pod.status.as_ref() else {
        return false;
    };
    let reported: Vec<&ContainerStatus> = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten()
        .collect();
    containers.iter().zip(states).all(|(container, at)| {
        let state = reported
            .iter()
            .find(|status| status.name == container.name)
            .and_then(|status| status.state.as_ref());
        state.is_some_and(|state| match at {
            At::Waiting(reason) => state
                .waiting
                .as_ref()
                .is_some_and(|waiting| waiting.reason.as_deref() == Some(reason)),
            At::Running => state.running.is_some(),
            At::Ended { code, .. } => state
                .terminated
                .as_ref()
                .is_some_and(|ended| ended.exit_code == *code),
        })
    })
}

/// The pod status that a kubelet would write for these container states.
pub(super) fn status(
    pod: &Pod,
    containers: &[&Container],
    states: &[At],
    init_count: usize,
    now: &str,
) -> Value {
    let (init_states, main_states) = states.split_at(init_count);
    let failed = states
        .iter()
        .any(|at| matches!(at, At::Ended { code, .. } if *code != 0));
    let initialized = init_states
        .iter()
        .all(|at| matches!(at, At::Ended { code: 0, .. }));
    let ready = main_states.iter().all(|at| *at == At::Running);
    let ended = main_states.iter().all(|at| matches!(at, At::Ended { .. }));
    let phase = match (failed, ended, ready) {
        (true, ..) => "Failed",
        (_, true, _) => "Succeeded",
        (.., true) => "Running",
        _ => "Pending",
    };
    let condition = |kind: &str, holds: bool| json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now});
    let list = |from: usize, to: usize| -> Vec<Value> {
        containers[from..to]
            .iter()
            .zip(&states[from..to])
            .map(|(container, at)| container_status(container, at, now))
            .collect()
    };
    let address = pod_address(&pod.uid().unwrap_or_default());
    json!({
        "phase": phase, "hostIP": HOST_ADDRESS, "hostIPs": [{"ip": HOST_ADDRESS}], "podIP": address, "podIPs": [{"ip": address}], "startTime": now,
        "conditions": [
            condition("PodScheduled", true),
            condition("PodReadyToStartContainers", !matches!(states.first(), Some(At::Waiting(_)))),
            condition("Initialized", initialized),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ],
        "initContainerStatuses": list(0, init_count),
        "containerStatuses": list(init_count, containers.len()),
    })
}

fn container_status(container: &Container, at: &At, now: &str) -> Value {
    let ready = matches!(at, At::Running | At::Ended { code: 0, .. });
    let state = match at {
        At::Waiting(reason) => json!({"waiting": {"reason": reason}}),
        At::Running => json!({"running": {"startedAt": now}}),
        At::Ended { code, message } => {
            let reason = if *code == 0 { "Completed" } else { "Error" };
            json!({"terminated": {"exitCode": code, "reason": reason, "message": message, "startedAt": now, "finishedAt": now}})
        }
    };
    let image = container.image.clone().unwrap_or_default();
    json!({"name": container.name, "image": image, "imageID": image, "ready": ready, "started": *at == At::Running, "restartCount": 0, "state": state})
}

/// An address on loopback, the same for the same pod: connecting to it is refused at once instead of leaving the machine.
fn pod_address(uid: &str) -> String {
    let hash = uid.bytes().fold(u32::from(NOTEBOOK_PORT), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let [_, b, c, d] = hash.to_be_bytes();
    format!("127.{}.{}.{}", b | 0x80, c, d.max(1))
}
