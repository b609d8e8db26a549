//! The airlock's namespace and its lock: that of a project's namespace, without anything that leads in or out, and without people.

use k8s_openapi::api::core::v1::{LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::names;
use sde_crds::policy_airlock::MalwareScanner;

use super::pod::{cpu, memory};
use crate::airlock::malware;
use crate::airlock::observe::Side;
use crate::labels::ProjectId;
use crate::project::lockdown::{self, WayIn};
use crate::settings::Settings;

/// Jobs that run at once on one side of a project's airlock. More wait for their turn.
pub const JOBS: i64 = 8;
/// Of each kind, jobs that serve at once: viewers, and deliveries. More wait for their turn.
pub const SERVING: i64 = 8;
/// Runs of the malware scanner at once, which takes far more than the agent. More wait for their turn.
const SCANNING: i64 = 2;
/// Chambers that a project may have on its own side: drafts, and what was withdrawn and is kept. More wait.
pub const CHAMBERS: i64 = 40;
/// Imports that a project may have in its inboxes, and as many that are being brought. More wait.
pub const INBOX: i64 = 40;
/// Chambers that it may have on the airlock's side. More wait on the project's.
const RECEIVED: i64 = 400;

/// The namespace, its lock, and the account of its pods, in the order they are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// Labelled as the project's is, so that the same policies hold there; its annotations let the agent run, and nobody ask.
    pub namespace: Namespace,
    /// Default deny, both ways, and the one way in: the door to jobs that serve.
    pub network_policies: [NetworkPolicy; 2],
    /// Room for chambers and jobs, and for nothing else.
    pub quota: ResourceQuota,
    /// Defaults for containers that name no resources.
    pub limit_range: LimitRange,
    /// The account that pods run as, without token or rights.
    pub service_account: ServiceAccount,
}

/// Everything that must be there before a chamber is.
pub fn room(
    id: &ProjectId,
    settings: &Settings,
    tier: &str,
    scanner: Option<&MalwareScanner>,
) -> Room {
    let name = Side::Airlock.namespace(id);
    let mut namespace = lockdown::namespace(id, settings, tier, None);
    namespace.metadata.name = Some(name.clone());
    let annotations = namespace.metadata.annotations.get_or_insert_default();
    annotations.clear();
    let images = std::iter::once(&settings.agent_image).chain(scanner.map(|s| &s.image));
    annotations.insert(
        names::IMAGES_ANNOTATION.to_owned(),
        images.cloned().collect::<Vec<_>>().join(","),
    );
    let mut limit_range = lockdown::limit_range(id);
    limit_range.metadata.namespace = Some(name.clone());
    let mut service_account = lockdown::service_account(id);
    service_account.metadata.namespace = Some(name.clone());
    let here = |mut policy: NetworkPolicy| {
        policy.metadata.namespace = Some(name.clone());
        policy
    };
    Room {
        namespace,
        network_policies: [
            here(lockdown::default_deny(id)),
            here(lockdown::way_in(id, &door(settings))),
        ],
        quota: quota(id, name, scanner),
        limit_range,
        service_account,
    }
}

fn door(settings: &Settings) -> WayIn<'_> {
    WayIn {
        name: "allow-door",
        namespace: &settings.system_namespace,
        from: names::DOOR,
        to: (names::DOOR_LABEL, "true"),
        port: names::DOOR_PORT,
    }
}

fn quota(id: &ProjectId, namespace: String, scanner: Option<&MalwareScanner>) -> ResourceQuota {
    let mut hard: std::collections::BTreeMap<String, Quantity> = lockdown::NEVER
        .iter()
        .map(|kind| ((*kind).to_owned(), Quantity("0".to_owned())))
        .collect();
    let scanning = scanner.map_or([0, 0], |s| malware::room(s).map(|of_one| SCANNING * of_one));
    for prefix in ["requests", "limits"] {
        hard.insert(format!("{prefix}.cpu"), cpu(JOBS, 2 * SERVING, scanning[0]));
        hard.insert(
            format!("{prefix}.memory"),
            memory(JOBS, 2 * SERVING, scanning[1]),
        );
    }
    // One that ends counts until it is gone.
    hard.insert(
        "pods".to_owned(),
        Quantity((2 * (JOBS + 2 * SERVING)).to_string()),
    );
    hard.insert(
        "persistentvolumeclaims".to_owned(),
        Quantity(RECEIVED.to_string()),
    );
    let mut metadata = id.meta("airlock");
    metadata.namespace = Some(namespace);
    ResourceQuota {
        metadata,
        spec: Some(k8s_openapi::api::core::v1::ResourceQuotaSpec {
            hard: Some(hard),
            ..Default::default()
        }),
        status: None,
    }
}
