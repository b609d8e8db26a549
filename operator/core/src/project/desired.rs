//! What should exist for a Project, and what should not: one field a kind, in the order it is applied.

use std::marker::PhantomData;

use k8s_openapi::api::core::v1::{LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::names::GRANT_LABEL;

use crate::labels::{ProjectId, grant_claim, grant_volume};
use crate::pod::View;
use crate::project::observe::Observed;
use crate::project::validate::{State, Validated, Validation};
use crate::project::{data, lockdown, standing};
use crate::proving::{self, Proving};
use crate::quantity::QuantityError;
use crate::settings::Settings;
use crate::stage::Prepared;
use crate::targets::targets;
use crate::time;

/// A failed data check is shown this long before it is tried again, in seconds.
pub const CHECK_RETRY_SECONDS: i64 = 60;

/// What should exist, stage by stage, and what should go.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired<S> {
    /// Stage 1.
    pub namespace: Option<Namespace>,
    /// Stage 2: the lock, before anything that it locks.
    pub network_policies: Vec<NetworkPolicy>,
    /// Stage 2.
    pub quota: Option<ResourceQuota>,
    /// Stage 2.
    pub limit_range: Option<LimitRange>,
    /// Stage 2.
    pub service_account: Option<ServiceAccount>,
    /// Stage 3.
    pub role_binding: Option<RoleBinding>,
    /// Stage 4.
    pub volumes: Vec<PersistentVolume>,
    /// Stage 4.
    pub claims: Vec<PersistentVolumeClaim>,
    /// Stage 5.
    pub pods: Vec<Pod>,
    /// Pods, by name, whose gate is to be opened: the proof holds.
    pub open_gates: Vec<Pod>,
    /// Pods to delete. They go before volumes and claims.
    pub delete_pods: Vec<Pod>,
    /// Claims of grants that are no longer in force and that no pod mounts.
    pub delete_claims: Vec<PersistentVolumeClaim>,
    /// Volumes of such grants.
    pub delete_volumes: Vec<PersistentVolume>,
    stage: PhantomData<S>,
}

impl<S> Desired<S> {
    fn nothing() -> Self {
        Self {
            namespace: None,
            network_policies: Vec::new(),
            quota: None,
            limit_range: None,
            service_account: None,
            role_binding: None,
            volumes: Vec::new(),
            claims: Vec::new(),
            pods: Vec::new(),
            open_gates: Vec::new(),
            delete_pods: Vec::new(),
            delete_claims: Vec::new(),
            delete_volumes: Vec::new(),
            stage: PhantomData,
        }
    }

    /// The same, as another stage. Only `apply` may call it: a status is made of what was applied.
    pub fn into_stage<T>(self) -> Desired<T> {
        Desired {
            namespace: self.namespace,
            network_policies: self.network_policies,
            quota: self.quota,
            limit_range: self.limit_range,
            service_account: self.service_account,
            role_binding: self.role_binding,
            volumes: self.volumes,
            claims: self.claims,
            pods: self.pods,
            open_gates: self.open_gates,
            delete_pods: self.delete_pods,
            delete_claims: self.delete_claims,
            delete_volumes: self.delete_volumes,
            stage: PhantomData,
        }
    }
}

/// Computes what should exist.
///
/// # Errors
/// When a quantity does not parse, which validation has ruled out.
pub fn desired(observed: &Observed, settings: &Settings, validation: &Validation) -> Result<Desired<Prepared>, QuantityError> {
    let id = observed.id();
    match &validation.state {
        State::Open(validated) => open(&id, observed, settings, validated),
        // The lock stays and is repaired while the namespace exists; only pods go.
        State::Waiting(_) | State::Suspended(_) => {
            let mut locked = Desired::nothing();
            if let Some(namespace) = observed.namespace.as_ref().filter(|n| n.metadata.deletion_timestamp.is_none()) {
                let tier = namespace.metadata.labels.as_ref().and_then(|l| l.get("sde-operator.dev/tier")).cloned().unwrap_or_default();
                locked.namespace = Some(lockdown::namespace(&id, settings, &tier));
                locked.network_policies = lockdown::network_policies(&id, settings);
                locked.delete_pods = live(&observed.pods).filter(|p| of_project(p)).cloned().collect();
            }
            Ok(locked)
        }
        State::Closing => Ok(Desired::nothing()),
    }
}

/// Pods of the Project itself; workspace pods are the Workspace's to stop.
fn of_project(pod: &Pod) -> bool {
    let name = View(pod).name();
    name == standing::NAME || pod.metadata.labels.as_ref().is_some_and(|l| l.contains_key(GRANT_LABEL))
}

fn live(pods: &[Pod]) -> impl Iterator<Item = &Pod> {
    pods.iter().filter(|p| p.metadata.deletion_timestamp.is_none())
}

fn open(id: &ProjectId, observed: &Observed, settings: &Settings, validated: &Validated) -> Result<Desired<Prepared>, QuantityError> {
    let mut desired = Desired {
        namespace: Some(lockdown::namespace(id, settings, &validated.spec.tier)),
        network_policies: lockdown::network_policies(id, settings),
        quota: Some(lockdown::quota(id, validated)?),
        limit_range: Some(lockdown::limit_range(id)),
        service_account: Some(lockdown::service_account(id)),
        role_binding: Some(lockdown::hub_binding(id, settings)),
        ..Desired::nothing()
    };
    for (grant, dataset) in &validated.grants {
        desired.volumes.extend(data::volume(id, grant, dataset));
        desired.claims.extend(data::claim(id, grant, dataset));
    }
    for person in &validated.people {
        let home = data::home(id, validated, &person.user)?;
        // A claim's size is fixed when it is made; a later change of shares leaves it alone.
        let exists = observed.claims.iter().any(|c| c.metadata.name == home.metadata.name);
        if !exists {
            desired.claims.push(home);
        }
    }
    released_grants(id, observed, validated, &mut desired);
    standing_pod(id, observed, settings, validated, &mut desired);
    data_checks(id, observed, settings, validated, &mut desired);
    Ok(desired)
}

/// Grants that are no longer in force: their claims and volumes go once no pod is left that mounts them.
fn released_grants(id: &ProjectId, observed: &Observed, validated: &Validated, desired: &mut Desired<Prepared>) {
    let in_force = |name: &str| validated.grants.iter().any(|(g, _)| g.name == name);
    let gone = |labels: Option<&std::collections::BTreeMap<String, String>>| {
        labels.and_then(|l| l.get(GRANT_LABEL)).filter(|g| !in_force(g)).cloned()
    };
    for claim in &observed.claims {
        let Some(grant) = gone(claim.metadata.labels.as_ref()) else { continue };
        let mounted = observed.pods.iter().any(|p| mounts_claim(p, &grant_claim(&grant)));
        if !mounted {
            desired.delete_claims.push(claim.clone());
            desired.delete_volumes.extend(observed.volumes.iter().filter(|v| v.metadata.name.as_deref() == Some(&grant_volume(id, &grant))).cloned());
        }
    }
    for pod in live(&observed.pods) {
        if gone(pod.metadata.labels.as_ref()).is_some() {
            desired.delete_pods.push(pod.clone());
        }
    }
}

fn mounts_claim(pod: &Pod, claim: &str) -> bool {
    let volumes = pod.spec.as_ref().and_then(|s| s.volumes.as_ref());
    volumes.into_iter().flatten().any(|v| v.persistent_volume_claim.as_ref().is_some_and(|c| c.claim_name == claim))
}

fn standing_pod(id: &ProjectId, observed: &Observed, settings: &Settings, validated: &Validated, desired: &mut Desired<Prepared>) {
    let pod = observed.pod(standing::NAME);
    match (standing::read(observed), pod, &observed.sentinel) {
        (standing::Standing::Absent, None, Some(sentinel)) => {
            let targets = standing::standing_targets(settings, observed, validated, sentinel);
            desired.pods.push(standing::pod(id, settings, sentinel, &targets, validated));
        }
        (standing::Standing::Judged { judgement, ended: false }, Some(pod), _) if standing::holds(&judgement) => {
            desired.open_gates.push(pod.clone());
        }
        (standing::Standing::Judged { .. } | standing::Standing::Ended, Some(pod), _) => {
            desired.delete_pods.push(pod.clone());
        }
        _ => {}
    }
}

fn data_checks(id: &ProjectId, observed: &Observed, settings: &Settings, validated: &Validated, desired: &mut Desired<Prepared>) {
    let status = observed.project.status.clone().unwrap_or_default();
    for (grant, dataset) in &validated.grants {
        let verified = status.datasets.iter().flatten().any(|g| {
            g.name == grant.name && g.dataset == grant.dataset && g.manifest_digest.as_deref() == Some(dataset.manifest_digest.as_str())
        });
        let pod = observed.pod(&data::check_name(&grant.name));
        match pod {
            Some(pod) if pod.metadata.deletion_timestamp.is_none() => {
                let view = View(pod);
                let retry = view.phase() == "Failed" && age(pod, observed) > CHECK_RETRY_SECONDS;
                match proving::read(view, &observed.controls) {
                    Proving::Judged(judgement) if standing::holds(&judgement) => desired.open_gates.push(pod.clone()),
                    Proving::Judged(_) if view.phase() != "Failed" => desired.delete_pods.push(pod.clone()),
                    _ if verified || retry => desired.delete_pods.push(pod.clone()),
                    _ => {}
                }
            }
            Some(_) => {}
            None if verified => {}
            None => {
                // Data is mounted only after the project's own lock has been proven once.
                let proven = status.proof.is_some() && crate::conditions::is_true(status.conditions.as_ref(), crate::conditions::types::EGRESS_ENFORCED);
                if let Some(sentinel) = observed.sentinel.as_ref().filter(|_| proven) {
                    let targets = targets(settings, &validated.policy.probe, sentinel, &standing::neighbours(&observed.pods));
                    desired.pods.push(data::check_pod(id, settings, sentinel, &targets, grant, dataset));
                }
            }
        }
    }
}

fn age(pod: &Pod, observed: &Observed) -> i64 {
    let created: Option<&Time> = pod.metadata.creation_timestamp.as_ref();
    created.map_or(0, |t| time::elapsed(t, observed.now))
}
