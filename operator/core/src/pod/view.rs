//! What can be read off a pod, whichever of the three it is.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::names;

use super::{PROBE, gate_value};
use crate::lock::{Report, Target};

/// What can be read off a pod, whichever of the three it is.
#[derive(Debug, Clone, Copy)]
pub struct View<'a>(pub &'a Pod);

impl<'a> View<'a> {
    /// UID.
    pub fn uid(&self) -> &'a str {
        self.0.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Name.
    pub fn name(&self) -> &'a str {
        self.0.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether it is on its way out.
    pub fn deleting(&self) -> bool {
        self.0.metadata.deletion_timestamp.is_some()
    }

    /// Phase of the pod.
    pub fn phase(&self) -> &'a str {
        self.0
            .status
            .as_ref()
            .and_then(|s| s.phase.as_deref())
            .unwrap_or("Pending")
    }

    /// Address, once it has one.
    pub fn ip(&self) -> Option<&'a str> {
        self.0.status.as_ref()?.pod_ip.as_deref()
    }

    /// Address of its node.
    pub fn host_ip(&self) -> Option<&'a str> {
        self.0.status.as_ref()?.host_ip.as_deref()
    }

    /// Name of its node.
    pub fn node(&self) -> Option<&'a str> {
        self.0.spec.as_ref()?.node_name.as_deref()
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        self.0
            .metadata
            .annotations
            .as_ref()?
            .get(key)
            .map(String::as_str)
    }

    /// Whether the controller has opened this pod's gate.
    pub fn gate_open(&self) -> bool {
        self.annotation(names::GATE_ANNOTATION) == Some(gate_value(self.uid()).as_str())
    }

    /// What the kubelet says of each container, init ones first.
    fn containers(&self) -> impl Iterator<Item = &'a ContainerStatus> + use<'a> {
        let status = self.0.status.as_ref();
        let init = status.and_then(|s| s.init_container_statuses.as_ref());
        let main = status.and_then(|s| s.container_statuses.as_ref());
        init.into_iter().chain(main).flatten()
    }

    fn terminated(&self, container: &str) -> Option<&'a ContainerStateTerminated> {
        self.containers()
            .filter(|c| c.name == container)
            .find_map(|c| c.state.as_ref()?.terminated.as_ref())
    }

    /// Exit code and message of an ended container, init or not.
    pub fn ended(&self, container: &str) -> Option<(i32, &'a str)> {
        let ended = self.terminated(container)?;
        Some((
            ended.exit_code,
            ended.message.as_deref().unwrap_or_default(),
        ))
    }

    /// When a container ended, init or not.
    pub fn finished(&self, container: &str) -> Option<&'a Time> {
        self.terminated(container)?.finished_at.as_ref()
    }

    /// Whether no container of it runs or will run again.
    pub fn over(&self) -> bool {
        matches!(self.phase(), "Failed" | "Succeeded")
    }

    /// Why the pod as a whole failed, such as an eviction; empty when a container did.
    pub fn failure(&self) -> String {
        let status = self.0.status.as_ref();
        let parts = [
            status.and_then(|s| s.reason.clone()),
            status.and_then(|s| s.message.clone()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    }

    /// Why a container cannot start, such as its image missing: (container, reason, message).
    pub fn stuck(&self) -> Option<(&'a str, &'a str, &'a str)> {
        self.containers().find_map(|c| {
            let waiting = c.state.as_ref()?.waiting.as_ref()?;
            let reason = waiting.reason.as_deref()?;
            let normal = matches!(reason, "PodInitializing" | "ContainerCreating");
            (!normal).then_some((
                c.name.as_str(),
                reason,
                waiting.message.as_deref().unwrap_or_default(),
            ))
        })
    }

    /// Whether the kubelet has not even made the pod's sandbox: a volume that cannot be mounted looks like this.
    pub fn unmounted(&self) -> bool {
        let conditions = self.0.status.as_ref().and_then(|s| s.conditions.as_ref());
        conditions
            .into_iter()
            .flatten()
            .any(|c| c.type_ == "PodReadyToStartContainers" && c.status == "False")
            && self.phase() == "Pending"
    }

    /// Whether the pod was given to a node.
    pub fn unschedulable(&self) -> Option<&'a str> {
        let conditions = self.0.status.as_ref().and_then(|s| s.conditions.as_ref())?;
        let scheduled = conditions
            .iter()
            .find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
        Some(scheduled.message.as_deref().unwrap_or_default())
    }

    /// Whether the pod is Ready.
    pub fn ready(&self) -> bool {
        let conditions = self.0.status.as_ref().and_then(|s| s.conditions.as_ref());
        conditions
            .into_iter()
            .flatten()
            .any(|c| c.type_ == "Ready" && c.status == "True")
            && !self.deleting()
    }

    /// The targets that this pod's probe was given, as it saw them.
    pub fn targets(&self) -> Option<Vec<Target>> {
        let probe = self
            .0
            .spec
            .as_ref()?
            .init_containers
            .as_ref()?
            .iter()
            .find(|c| c.name == PROBE)?;
        let json = probe
            .env
            .as_ref()?
            .iter()
            .find(|e| e.name == "SDE_TARGETS")?
            .value
            .as_ref()?;
        let targets: Vec<Target> = serde_json::from_str(json).ok()?;
        Some(crate::targets::expand(&targets, self.host_ip()))
    }

    /// The report of an ended container.
    pub fn report(&self, container: &str) -> Option<Report> {
        let (_, message) = self.ended(container)?;
        Some(Report::parse(message).unwrap_or_else(|e| Report::failed(self.uid(), &e.to_string())))
    }
}
