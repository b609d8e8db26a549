//! A cluster of values round the Project's and the Workspace's decisions: what they desire is made, what they delete goes.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    PersistentVolumeClaim, Pod, PodCondition, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sde_core::lock::{Outcome, REPORT_VERSION, Report, SocketResult, TargetResult};
use sde_core::pod::{View, gate_value};
use sde_core::project::{self, Observed};
use sde_core::settings::Settings;
use sde_core::workspace::{self, inbox::Inbox};
use sde_crds::names::GATE_ANNOTATION;
use sde_crds::project_status::ProjectStatus;
use sde_crds::workspace::WorkspaceStatus;

use crate::world;

pub struct Sim {
    pub observed: Observed,
    pub settings: Settings,
    pub workspace: Option<sde_crds::Workspace>,
    pub secrets: Vec<String>,
    pub inbox: Vec<Inbox>,
    serial: u64,
}

impl Sim {
    pub fn new(observed: Observed) -> Self {
        Self {
            observed,
            settings: world::settings(),
            workspace: None,
            secrets: Vec::new(),
            inbox: Vec::new(),
            serial: 0,
        }
    }

    /// An approved Project, proven and verified.
    pub fn open() -> Self {
        let mut sim = Self::new(world::approved());
        sim.prove();
        sim
    }

    /// The same with the example Workspace, which has not been looked at yet.
    pub fn with_workspace() -> Self {
        let mut sim = Self::open();
        sim.workspace = Some(world::workspace());
        sim.observed.workspaces.push(world::workspace());
        sim
    }

    /// From approval to open: standing probe, then data checks.
    pub fn prove(&mut self) {
        self.project();
        self.report("standing-probe", Outcome::Silent);
        self.control("standing-probe");
        self.project();
        self.run("standing-probe");
        self.project();
        let checks: Vec<String> = self
            .names()
            .into_iter()
            .filter(|n| n.ends_with("-check"))
            .collect();
        for check in checks {
            self.report(&check, Outcome::Silent);
            self.control(&check);
            self.project();
            let (grant, _) = check.trim_start_matches("data-").rsplit_once('-').unwrap();
            let grant = self
                .observed
                .project
                .spec
                .datasets
                .iter()
                .find(|g| g.name == grant)
                .unwrap();
            let digest = self.observed.datasets[&grant.dataset]
                .manifest_digest
                .clone();
            self.end(
                &check,
                "manifest",
                0,
                &format!(r#"{{"digest":"{digest}","files":3,"bytes":4096}}"#),
                "Succeeded",
            );
        }
        self.project();
        self.project();
    }

    /// Leaves out serial numbers that a copied cluster has given away.
    pub fn skip(&mut self, serial: u64) {
        self.serial = serial;
    }

    pub fn later(&mut self, seconds: i64) {
        self.observed.now = self
            .observed
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    pub fn names(&self) -> Vec<String> {
        self.observed
            .pods
            .iter()
            .map(|p| View(p).name().to_owned())
            .collect()
    }

    pub fn status(&self) -> ProjectStatus {
        self.observed.project.status.clone().unwrap_or_default()
    }

    fn uid(&mut self) -> String {
        self.serial += 1;
        format!("00000000-0000-4000-8000-{:012}", self.serial)
    }

    fn made(&mut self, meta: &mut ObjectMeta) {
        meta.uid = Some(self.uid());
        meta.creation_timestamp = Some(Time(self.observed.now));
    }

    fn create(&mut self, mut pod: Pod) {
        if self.names().contains(&View(&pod).name().to_owned()) {
            return;
        }
        self.made(&mut pod.metadata);
        pod.spec.as_mut().unwrap().node_name = Some("node-1".to_owned());
        pod.status = Some(PodStatus {
            phase: Some("Pending".to_owned()),
            host_ip: Some("172.18.0.2".to_owned()),
            ..PodStatus::default()
        });
        self.observed.pods.push(pod);
    }

    fn open_gate(&mut self, pod: &Pod) {
        let name = View(pod).name();
        let found = self
            .observed
            .pods
            .iter_mut()
            .find(|p| View(p).name() == name)
            .unwrap();
        let uid = found.metadata.uid.clone().unwrap();
        found
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(GATE_ANNOTATION.to_owned(), gate_value(&uid));
    }

    fn delete_pods(&mut self, pods: &[Pod]) {
        self.observed
            .pods
            .retain(|p| pods.iter().all(|gone| gone.metadata.uid != p.metadata.uid));
    }

    /// The controller asks about the policies as often as it must.
    fn ask(&mut self) {
        let now = self.observed.now;
        if let Some(round) = &mut self.observed.policy_form {
            round.at = now;
        }
    }

    /// One pass of the Project's controller.
    pub fn project(&mut self) -> project::status::Outcome {
        self.ask();
        let validation = project::validate(&self.observed);
        let desired = project::desired(&self.observed, &self.settings, &validation).unwrap();
        let before = self.observed.clone();
        if let Some(mut namespace) = desired
            .namespace
            .clone()
            .filter(|_| self.observed.namespace.is_none())
        {
            self.made(&mut namespace.metadata);
            self.observed.namespace = Some(namespace);
        }
        self.observed
            .network_policies
            .clone_from(&desired.network_policies);
        for mut volume in desired.volumes.clone() {
            if !self
                .observed
                .volumes
                .iter()
                .any(|v| v.metadata.name == volume.metadata.name)
            {
                self.made(&mut volume.metadata);
                self.observed.volumes.push(volume);
            }
        }
        for mut claim in desired.claims.clone() {
            if !self
                .observed
                .claims
                .iter()
                .any(|c| c.metadata.name == claim.metadata.name)
            {
                self.made(&mut claim.metadata);
                self.observed.claims.push(claim);
            }
        }
        desired.pods.iter().cloned().for_each(|p| self.create(p));
        desired.open_gates.iter().for_each(|p| self.open_gate(p));
        let desired = desired.applied();
        let outcome = project::status(
            &before,
            &validation,
            &desired,
            self.settings.recursive_read_only,
        );
        self.observed.project.status = Some(outcome.status.clone());
        self.delete_pods(&desired.delete_pods);
        self.observed.claims.retain(|c| {
            desired
                .delete_claims
                .iter()
                .all(|gone| gone.metadata.uid != c.metadata.uid)
        });
        self.observed.volumes.retain(|v| {
            desired
                .delete_volumes
                .iter()
                .all(|gone| gone.metadata.uid != v.metadata.uid)
        });
        outcome
    }

    pub fn observed_workspace(&self) -> workspace::Observed {
        workspace::Observed {
            workspace: self.workspace.clone().unwrap(),
            project: Some(self.observed.clone()),
            secrets: self.secrets.clone(),
            inbox: self.inbox.clone(),
            token: "token-of-the-test".to_owned(),
            now: self.observed.now,
        }
    }

    /// One pass of the Workspace's controller.
    pub fn work(&mut self) -> workspace::status::Outcome {
        self.ask();
        let observed = self.observed_workspace();
        let validated = workspace::validate(&observed);
        let desired = workspace::desired(&observed, &self.settings, &validated);
        self.secrets.extend(
            desired
                .secret
                .iter()
                .map(|s| s.metadata.name.clone().unwrap()),
        );
        desired.pod.iter().cloned().for_each(|p| self.create(p));
        desired.open_gate.iter().for_each(|p| self.open_gate(p));
        let desired = desired.applied();
        let outcome = workspace::status(&observed, &validated, &desired);
        self.workspace.as_mut().unwrap().status = Some(outcome.status.clone());
        self.delete_pods(&desired.delete_pods);
        self.secrets.retain(|s| !desired.delete_secrets.contains(s));
        outcome
    }

    pub fn workspace_status(&self) -> WorkspaceStatus {
        self.workspace
            .as_ref()
            .and_then(|w| w.status.clone())
            .unwrap_or_default()
    }

    pub fn pod(&mut self, name: &str) -> &mut Pod {
        self.observed
            .pods
            .iter_mut()
            .find(|p| View(p).name() == name)
            .unwrap()
    }

    fn status_of(&mut self, name: &str) -> &mut PodStatus {
        self.pod(name).status.get_or_insert_default()
    }

    /// The probe of a pod ends and every target had `outcome`.
    pub fn report(&mut self, name: &str, outcome: Outcome) {
        let json = report_of(self.pod(name), outcome);
        let open = outcome.is_open();
        self.end(
            name,
            "probe",
            i32::from(open),
            &json,
            if open { "Failed" } else { "Pending" },
        );
    }

    /// A container of a pod ends.
    pub fn end(&mut self, name: &str, container: &str, exit_code: i32, message: &str, phase: &str) {
        let now = Time(self.observed.now);
        let ended = ContainerStateTerminated {
            exit_code,
            message: Some(message.to_owned()),
            finished_at: Some(now),
            ..ContainerStateTerminated::default()
        };
        self.container(
            name,
            container,
            ContainerState {
                terminated: Some(ended),
                ..ContainerState::default()
            },
        );
        self.status_of(name).phase = Some(phase.to_owned());
    }

    /// A container of a pod cannot start.
    pub fn wait(&mut self, name: &str, container: &str, reason: &str, message: &str) {
        let waiting = ContainerStateWaiting {
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
        };
        self.container(
            name,
            container,
            ContainerState {
                waiting: Some(waiting),
                ..ContainerState::default()
            },
        );
    }

    fn container(&mut self, name: &str, container: &str, state: ContainerState) {
        let init = matches!(container, "probe" | "gate");
        let status = self.status_of(name);
        let all = if init {
            &mut status.init_container_statuses
        } else {
            &mut status.container_statuses
        };
        let all = all.get_or_insert_default();
        all.retain(|c| c.name != container);
        all.push(ContainerStatus {
            name: container.to_owned(),
            state: Some(state),
            ..ContainerStatus::default()
        });
    }

    /// A pod's main container runs and is Ready.
    pub fn run(&mut self, name: &str) {
        let status = self.status_of(name);
        status.phase = Some("Running".to_owned());
        status.pod_ip = Some("10.244.1.9".to_owned());
        self.condition(name, "Ready", "True", "");
    }

    pub fn condition(&mut self, name: &str, type_: &str, status: &str, message: &str) {
        let condition = PodCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            message: Some(message.to_owned()),
            ..PodCondition::default()
        };
        self.status_of(name)
            .conditions
            .get_or_insert_default()
            .push(condition);
    }

    /// The controller's half of the proof is in.
    pub fn control(&mut self, name: &str) {
        let uid = View(self.pod(name)).uid().to_owned();
        self.observed.controls.insert(uid, world::control());
    }

    pub fn claim(&self, name: &str) -> Option<&PersistentVolumeClaim> {
        self.observed
            .claims
            .iter()
            .find(|c| c.metadata.name.as_deref() == Some(name))
    }
}

/// What a probe that was given the pod's targets would report.
pub fn report_of(pod: &Pod, outcome: Outcome) -> String {
    let standing = View(pod).name() == "standing-probe";
    let report = Report {
        version: REPORT_VERSION,
        pod_uid: View(pod).uid().to_owned(),
        rounds: if outcome.is_open() { 0 } else { 3 },
        elapsed_ms: 3000,
        results: View(pod)
            .targets()
            .unwrap()
            .into_iter()
            .map(|t| TargetResult {
                name: t.name,
                outcome,
            })
            .collect(),
        ping: if standing {
            SocketResult::Silent
        } else {
            SocketResult::Refused
        },
        raw: SocketResult::Refused,
        error: None,
    };
    report.to_message().unwrap()
}
