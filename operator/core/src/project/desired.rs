//! What should exist for a Project, and what should not: one field a kind, in the order it is applied.

use std::marker::PhantomData;

use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota,
    ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sde_crds::names::{GRANT_LABEL, PROJECT_UID_LABEL};

use crate::conditions::{is_true, types};
use crate::labels::{ProjectId, home_claim};
use crate::lock::Enforced;
use crate::placement;
use crate::pod::{PROBE, View};
use crate::project::observe::Observed;
use crate::project::standing::Standing;
use crate::project::validate::{State, Validated, Validation};
use crate::project::{data, lockdown, standing};
use crate::proving::{self, Proving};
use crate::quantity::QuantityError;
use crate::settings::Settings;
use crate::stage::Prepared;
use crate::targets::targets;
use crate::time;
use crate::workspace::notebook::UID_LABEL;

/// A pod that did not prove or check what it should is kept this long, in seconds: to be read, to be judged again
/// when the sentinel is back, and so that trying again is no tight loop.
pub const RETRY_SECONDS: i64 = 60;

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
pub fn desired(
    observed: &Observed,
    settings: &Settings,
    validation: &Validation,
) -> Result<Desired<Prepared>, QuantityError> {
    let id = observed.id();
    match &validation.state {
        State::Open(validated) => open(&id, observed, settings, validated),
        // The lock stays and is repaired while the namespace exists; only pods go.
        State::Waiting(_) | State::Suspended(_) => {
            let mut locked = Desired::nothing();
            if let Some(namespace) = observed
                .namespace
                .as_ref()
                .filter(|n| n.metadata.deletion_timestamp.is_none())
            {
                let tier = namespace
                    .metadata
                    .labels
                    .as_ref()
                    .and_then(|l| l.get("sde-operator.dev/tier"))
                    .cloned()
                    .unwrap_or_default();
                locked.namespace = Some(lockdown::namespace(&id, settings, &tier));
                locked.network_policies = lockdown::network_policies(&id, settings);
                locked.delete_pods = live(&observed.pods)
                    .filter(|p| of_project(p))
                    .chain(orphans(observed))
                    .cloned()
                    .collect();
            }
            Ok(locked)
        }
        State::Closing => Ok(Desired::nothing()),
    }
}

/// Pods of the Project itself; workspace pods are the Workspace's to stop.
fn of_project(pod: &Pod) -> bool {
    let name = View(pod).name();
    name == standing::NAME
        || pod
            .metadata
            .labels
            .as_ref()
            .is_some_and(|l| l.contains_key(GRANT_LABEL))
}

/// Pods of Workspaces that do not exist any more, deleted while no controller was there to see it.
fn orphans(observed: &Observed) -> impl Iterator<Item = &Pod> {
    live(&observed.pods).filter(|p| {
        let uid = p.metadata.labels.as_ref().and_then(|l| l.get(UID_LABEL));
        uid.is_some_and(|uid| {
            observed
                .workspaces
                .iter()
                .all(|w| w.metadata.uid.as_ref() != Some(uid))
        })
    })
}

fn live(pods: &[Pod]) -> impl Iterator<Item = &Pod> {
    pods.iter()
        .filter(|p| p.metadata.deletion_timestamp.is_none())
}

fn open(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
) -> Result<Desired<Prepared>, QuantityError> {
    let mut homes: Vec<_> = observed
        .claims
        .iter()
        .filter(|c| grant_of(&c.metadata).is_none())
        .cloned()
        .collect();
    let mut claims = Vec::new();
    for person in &validated.people {
        // A claim's size is fixed when it is made; a later change of shares leaves it alone.
        if !homes
            .iter()
            .any(|c| c.metadata.name.as_deref() == Some(&home_claim(&person.user)))
        {
            let home = data::home(id, validated, &person.user)?;
            homes.push(home.clone());
            claims.push(home);
        }
    }
    let mut desired = Desired {
        namespace: Some(lockdown::namespace(id, settings, &validated.spec.tier)),
        network_policies: lockdown::network_policies(id, settings),
        quota: Some(lockdown::quota(id, validated, &homes)?),
        limit_range: Some(lockdown::limit_range(id)),
        service_account: Some(lockdown::service_account(id)),
        role_binding: Some(lockdown::hub_binding(id, settings)),
        claims,
        delete_pods: orphans(observed).cloned().collect(),
        ..Desired::nothing()
    };
    grants(id, observed, validated, &mut desired);
    standing_pod(id, observed, settings, validated, &mut desired);
    data_checks(id, observed, settings, validated, &mut desired);
    Ok(desired)
}

fn grant_of(metadata: &ObjectMeta) -> Option<&String> {
    metadata.labels.as_ref()?.get(GRANT_LABEL)
}

/// Volumes and claims of grants. Those of grants no longer in force, or of another dataset under the same name, go
/// once no pod mounts them; only then their successors are made.
fn grants(
    id: &ProjectId,
    observed: &Observed,
    validated: &Validated,
    desired: &mut Desired<Prepared>,
) {
    let wanted: Vec<_> = validated
        .grants
        .iter()
        .filter_map(|(g, d)| Some((data::volume(id, g, d)?, data::claim(id, g, d)?)))
        .collect();
    let volume_name =
        |claim: &PersistentVolumeClaim| claim.spec.as_ref().and_then(|s| s.volume_name.clone());
    let stale: Vec<&PersistentVolumeClaim> = observed
        .claims
        .iter()
        .filter(|c| grant_of(&c.metadata).is_some())
        .filter(|c| {
            !wanted.iter().any(|(_, w)| {
                w.metadata.name == c.metadata.name && volume_name(w) == volume_name(c)
            })
        })
        .collect();
    let mounted = |name: &Option<String>| {
        observed
            .pods
            .iter()
            .any(|p| mounts_claim(p, name.as_deref().unwrap_or_default()))
    };
    let (kept, released): (Vec<&PersistentVolumeClaim>, Vec<_>) = stale
        .iter()
        .copied()
        .partition(|c| mounted(&c.metadata.name));
    desired.delete_claims.extend(released.into_iter().cloned());
    // A volume without a claim goes too: a crash may have come between the two deletions.
    let gone = observed.volumes.iter().filter(|v| {
        let ours = v
            .metadata
            .labels
            .as_ref()
            .is_some_and(|l| l.get(PROJECT_UID_LABEL) == Some(&id.uid));
        let used = kept.iter().any(|c| volume_name(c) == v.metadata.name);
        ours && grant_of(&v.metadata).is_some()
            && !used
            && !wanted
                .iter()
                .any(|(w, _)| w.metadata.name == v.metadata.name)
    });
    desired.delete_volumes.extend(gone.cloned());
    for (volume, claim) in wanted {
        if !stale.iter().any(|c| c.metadata.name == claim.metadata.name) {
            desired.volumes.push(volume);
            desired.claims.push(claim);
        }
    }
    let in_force = |pod: &Pod| {
        grant_of(&pod.metadata).is_none_or(|g| validated.grants.iter().any(|(v, _)| &v.name == g))
    };
    desired
        .delete_pods
        .extend(live(&observed.pods).filter(|p| !in_force(p)).cloned());
}

fn mounts_claim(pod: &Pod, claim: &str) -> bool {
    let volumes = pod.spec.as_ref().and_then(|s| s.volumes.as_ref());
    volumes.into_iter().flatten().any(|v| {
        v.persistent_volume_claim
            .as_ref()
            .is_some_and(|c| c.claim_name == claim)
    })
}

fn standing_pod(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    desired: &mut Desired<Prepared>,
) {
    let pod = observed.pod(standing::NAME);
    match (standing::read(observed), pod, &observed.sentinel) {
        (Standing::Absent, None, Some(sentinel)) => {
            let targets = standing::standing_targets(settings, observed, validated, sentinel);
            desired
                .pods
                .push(standing::pod(id, settings, sentinel, &targets, validated));
        }
        (
            Standing::Judged {
                judgement,
                ended: false,
            },
            Some(pod),
            _,
        ) if standing::holds(&judgement) => {
            desired.open_gates.push(pod.clone());
        }
        (Standing::Judged { judgement, .. }, Some(pod), _) => {
            let undecided = matches!(judgement.enforced, Enforced::Inconclusive { .. });
            if !undecided || overstayed(pod, standing::CONTAINER, observed) {
                desired.delete_pods.push(pod.clone());
            }
        }
        (Standing::Ended, Some(pod), _) if overstayed(pod, standing::CONTAINER, observed) => {
            desired.delete_pods.push(pod.clone())
        }
        _ => {}
    }
}

fn data_checks(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
    desired: &mut Desired<Prepared>,
) {
    let status = observed.project.status.clone().unwrap_or_default();
    // Data is mounted only while the project's own lock is proven.
    let proven =
        status.proof.is_some() && is_true(status.conditions.as_ref(), types::EGRESS_ENFORCED);
    for (grant, dataset) in &validated.grants {
        let verified = status.datasets.iter().flatten().any(|g| {
            g.name == grant.name
                && g.dataset == grant.dataset
                && g.manifest_digest.as_deref() == Some(dataset.manifest_digest.as_str())
        });
        match observed.pod(&data::check_name(&grant.name)) {
            Some(pod) if pod.metadata.deletion_timestamp.is_none() => {
                let ended = View(pod).over();
                let stale = overstayed(pod, data::CONTAINER, observed);
                match proving::read(View(pod), &observed.controls) {
                    _ if verified || !proven => desired.delete_pods.push(pod.clone()),
                    Proving::Judged(judgement) if standing::holds(&judgement) && !ended => {
                        desired.open_gates.push(pod.clone())
                    }
                    Proving::Judged(_) if stale => desired.delete_pods.push(pod.clone()),
                    _ if ended && stale => desired.delete_pods.push(pod.clone()),
                    _ => {}
                }
            }
            Some(_) => {}
            None if verified => {}
            None => {
                let ready = desired
                    .claims
                    .iter()
                    .any(|c| grant_of(&c.metadata) == Some(&grant.name))
                    || data::is_image(dataset);
                if let Some(sentinel) = observed.sentinel.as_ref().filter(|_| proven && ready) {
                    let targets = targets(
                        settings,
                        &validated.policy.probe,
                        sentinel,
                        &standing::neighbours(&observed.pods),
                    );
                    let placement = placement::of_tier(&validated.policy, &validated.spec.tier);
                    desired.pods.push(data::check_pod(
                        id, settings, sentinel, &targets, grant, dataset, placement,
                    ));
                }
            }
        }
    }
}

/// Whether it is more than [`RETRY_SECONDS`] since the main container ended, or else the probe, or else since the pod was made.
fn overstayed(pod: &Pod, main: &str, observed: &Observed) -> bool {
    let view = View(pod);
    let last = view
        .finished(main)
        .or_else(|| view.finished(PROBE))
        .or(pod.metadata.creation_timestamp.as_ref());
    last.is_some_and(|t| time::elapsed(t, observed.now) > RETRY_SECONDS)
}
