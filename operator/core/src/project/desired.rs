//! What should exist for a Project, and what should not: one field a kind, in the order it is applied.

mod grants;
mod pods;

use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota,
    ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use sde_crds::names;

use self::grants::{grant_of, grants};
use self::pods::{data_checks, live, of_project, orphans, standing_pod};
use crate::labels::{ProjectId, home_claim};
use crate::project::observe::Observed;
use crate::project::validate::{State, Validated, Validation};
use crate::project::{access, data, lockdown};
use crate::quantity::QuantityError;
use crate::settings::Settings;
use crate::stage::{Prepared, Staged};

/// A pod that did not prove or check what it should is kept this long, in seconds: to be read, to be judged again
/// when the sentinel is back, and so that trying again is no tight loop.
pub const RETRY_SECONDS: i64 = 60;

/// What should exist, stage by stage, and what should go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objects {
    /// Stage 1: with the annotations that the policies read, before anything that they decide on.
    pub namespace: Option<Namespace>,
    /// Stage 2: the lock, before anything that it locks.
    pub network_policies: Vec<NetworkPolicy>,
    /// Stage 2.
    pub quota: Option<ResourceQuota>,
    /// Stage 2.
    pub limit_range: Option<LimitRange>,
    /// Stage 2.
    pub service_account: Option<ServiceAccount>,
    /// Stage 3: who may do what in the namespace.
    pub role_bindings: Vec<RoleBinding>,
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
}

/// The same with its stage.
pub type Desired<S> = Staged<Objects, S>;

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
        State::Open(validated) => open(&id, observed, settings, validated).map(Into::into),
        // The lock stays and is repaired while the namespace exists; only pods go.
        State::Waiting(_) | State::Suspended(_) => Ok(locked(&id, observed, settings).into()),
        State::Closing => Ok(Objects::default().into()),
    }
}

fn locked(id: &ProjectId, observed: &Observed, settings: &Settings) -> Objects {
    let namespace = observed
        .namespace
        .as_ref()
        .filter(|n| n.metadata.deletion_timestamp.is_none());
    let Some(namespace) = namespace else {
        return Objects::default();
    };
    let labels = namespace.metadata.labels.as_ref();
    let tier = labels.and_then(|l| l.get(names::TIER_LABEL));
    Objects {
        namespace: Some(lockdown::namespace(
            id,
            settings,
            tier.map_or("", String::as_str),
            None,
        )),
        network_policies: lockdown::network_policies(id, settings),
        role_bindings: access::bindings(id, settings, &[]),
        delete_pods: live(&observed.pods)
            .filter(|p| of_project(p))
            .chain(orphans(observed))
            .cloned()
            .collect(),
        ..Objects::default()
    }
}

fn open(
    id: &ProjectId,
    observed: &Observed,
    settings: &Settings,
    validated: &Validated,
) -> Result<Objects, QuantityError> {
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
    let mut desired = Objects {
        namespace: Some(lockdown::namespace(
            id,
            settings,
            &validated.spec.tier,
            Some(validated),
        )),
        network_policies: lockdown::network_policies(id, settings),
        quota: Some(lockdown::quota(id, validated, &homes)?),
        limit_range: Some(lockdown::limit_range(id)),
        service_account: Some(lockdown::service_account(id)),
        role_bindings: access::bindings(id, settings, &validated.people),
        claims,
        delete_pods: orphans(observed).cloned().collect(),
        ..Objects::default()
    };
    grants(id, observed, validated, &mut desired);
    standing_pod(id, observed, settings, validated, &mut desired);
    data_checks(id, observed, settings, validated, &mut desired);
    Ok(desired)
}
