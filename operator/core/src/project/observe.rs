//! What is observed of one Project: read from stores, with the time in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::SdePolicySpec;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::{AttestationKey, PoliciesFound};
use sde_crds::{Project, ProjectApproval, Workspace};

use crate::labels::ProjectId;
use crate::policy_form::{Demand, Round};
use crate::proving::Controls;
use crate::targets::SentinelAt;

/// Everything a decision about one Project may depend on.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The Project.
    pub project: Project,
    /// The SdePolicy, when there is one.
    pub policy: Option<SdePolicySpec>,
    /// All Datasets by name.
    pub datasets: BTreeMap<String, DatasetSpec>,
    /// Approvals that name the Project.
    pub approvals: Vec<ProjectApproval>,
    /// The project's namespace.
    pub namespace: Option<Namespace>,
    /// NetworkPolicies in it that we made.
    pub network_policies: Vec<NetworkPolicy>,
    /// Claims in it that we made.
    pub claims: Vec<PersistentVolumeClaim>,
    /// Volumes: those of grants, and those bound to the project's claims.
    pub volumes: Vec<PersistentVolume>,
    /// Pods in it that we made.
    pub pods: Vec<Pod>,
    /// Workspaces in it.
    pub workspaces: Vec<Workspace>,
    /// What the API servers last did with requests that the admission policies refuse; none when they were not asked.
    pub policy_form: Option<Round>,
    /// The sentinel, when it answers now.
    pub sentinel: Option<SentinelAt>,
    /// The controller's half of the proof, for pods whose report is to be judged.
    pub controls: Controls,
    /// Public half of the attestation key.
    pub attestation_key: AttestationKey,
    /// Now.
    pub now: Timestamp,
}

impl Observed {
    /// Name and UID.
    pub fn id(&self) -> ProjectId {
        ProjectId {
            name: self.project.metadata.name.clone().unwrap_or_default(),
            uid: self.project.metadata.uid.clone().unwrap_or_default(),
        }
    }

    /// What the Project's tier, the approved one if there is one, asks of the admission policies. None without an SdePolicy,
    /// and none for a closure, which needs nothing of them.
    pub fn demand(&self) -> Option<Demand<'_>> {
        let spec = &self.project.spec;
        let policy = self.policy.as_ref()?;
        let approved = self.project.status.iter().find_map(|s| s.approved.as_ref());
        let tier = approved.and_then(|a| a.spec["tier"].as_str());
        (spec.lifecycle != Lifecycle::Closed)
            .then(|| Demand::of(policy, tier.unwrap_or(&spec.tier)))
    }

    /// What the status last kept of the admission policies.
    pub fn policies_found(&self) -> Option<&PoliciesFound> {
        self.project.status.as_ref()?.policies.as_ref()
    }

    /// The pod of a name.
    pub fn pod(&self, name: &str) -> Option<&Pod> {
        self.pods
            .iter()
            .find(|p| p.metadata.name.as_deref() == Some(name))
    }
}
