//! The lock itself: namespace, Pod Security, default-deny both ways, quotas with explicit zeros.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    LimitRange, LimitRangeItem, LimitRangeSpec, Namespace, PersistentVolumeClaim, ResourceQuota,
    ResourceQuotaSpec, ServiceAccount,
};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sde_crds::names::{self, component};
use sde_crds::policy::SdePolicySpec;
use sde_crds::project::Compute;

use crate::airlock::desired::{claim, pod as job, room};
use crate::labels::ProjectId;
use crate::project::access;
use crate::project::validate::Validated;
use crate::quantity;
use crate::settings::Settings;

/// Containers of ours that run beside the workspaces: the standing probe pod and one data check a grant.
const OWN_PODS_CPU: &str = "100m";
const OWN_PODS_MEMORY: &str = "64Mi";

/// What no namespace of ours ever holds. What a quota does not name is unlimited.
pub(crate) const NEVER: &[&str] = &[
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "count/resourceclaims.resource.k8s.io",
    "count/resourceclaimtemplates.resource.k8s.io",
    "count/ingresses.networking.k8s.io",
    "count/cronjobs.batch",
    "count/jobs.batch",
    "count/deployments.apps",
];

/// The project's namespace, with Pod Security pinned to a version so that an upgrade loosens nothing, and annotations
/// that the policies read: what may run here and for whom. While the project is not open (`None`) that is nothing and nobody.
///
/// At most 37 references of 512 characters and 50 names of 63 fit many times into the 256 KiB that annotations may take.
pub fn namespace(
    id: &ProjectId,
    settings: &Settings,
    tier: &str,
    open: Option<&Validated>,
) -> Namespace {
    let mut labels = id.labels();
    for mode in ["enforce", "audit", "warn"] {
        labels.insert(
            format!("pod-security.kubernetes.io/{mode}"),
            "restricted".to_owned(),
        );
        labels.insert(
            format!("pod-security.kubernetes.io/{mode}-version"),
            settings.pod_security_version.clone(),
        );
    }
    labels.insert(names::TIER_LABEL.to_owned(), tier.to_owned());
    let annotations = [
        (
            names::IMAGES_ANNOTATION,
            open.map(|of| access::images(settings, of)),
        ),
        (names::RESOURCES_ANNOTATION, open.map(access::resources)),
        (names::MEMBERS_ANNOTATION, open.map(access::members)),
    ];
    Namespace {
        metadata: ObjectMeta {
            name: Some(id.namespace()),
            labels: Some(labels),
            annotations: Some(
                annotations
                    .map(|(key, value)| (key.to_owned(), value.unwrap_or_default()))
                    .into(),
            ),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

/// Default deny both ways for every pod, and the one way in: the hub's proxy to notebooks.
pub fn network_policies(id: &ProjectId, settings: &Settings) -> Vec<NetworkPolicy> {
    let proxy = WayIn {
        name: "allow-hub-proxy",
        namespace: &settings.hub_namespace,
        from: names::PROXY_LABEL,
        to: (names::COMPONENT_LABEL, component::WORKSPACE),
        port: names::NOTEBOOK_PORT,
    };
    vec![default_deny(id), way_in(id, &proxy)]
}

/// Nothing in, nothing out, for every pod.
pub(crate) fn default_deny(id: &ProjectId) -> NetworkPolicy {
    NetworkPolicy {
        metadata: id.meta("default-deny"),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// Pods of one kind, in one namespace of the platform's, that may reach pods of another kind on one port.
pub(crate) struct WayIn<'a> {
    /// Name of the policy.
    pub name: &'static str,
    /// Where those are who come in.
    pub namespace: &'a str,
    /// Their label.
    pub from: (&'static str, &'static str),
    /// Label of those whom they reach.
    pub to: (&'static str, &'static str),
    /// The port, over TCP.
    pub port: u16,
}

/// The policy that allows a way in.
pub(crate) fn way_in(id: &ProjectId, way: &WayIn<'_>) -> NetworkPolicy {
    let peer = NetworkPolicyPeer {
        namespace_selector: Some(selector("kubernetes.io/metadata.name", way.namespace)),
        pod_selector: Some(selector(way.from.0, way.from.1)),
        ip_block: None,
    };
    NetworkPolicy {
        metadata: id.meta(way.name),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(way.to.0, way.to.1)),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: Some(vec![peer]),
                ports: Some(vec![NetworkPolicyPort {
                    port: Some(IntOrString::Int(i32::from(way.port))),
                    protocol: Some("TCP".to_owned()),
                    end_port: None,
                }]),
            }]),
            egress: None,
        }),
    }
}

fn selector(key: &str, value: &str) -> LabelSelector {
    LabelSelector {
        match_labels: Some([(key.to_owned(), value.to_owned())].into()),
        match_expressions: None,
    }
}

/// The quota. What a quota does not name is unlimited, so everything that is not granted is named with zero.
///
/// `homes` are the home claims that exist or are about to be made. Those of people who left are kept until closure and
/// count too, so without them here a newcomer's claim would be refused for good.
///
/// # Errors
/// When a quantity does not parse, which validation has ruled out.
pub fn quota(
    id: &ProjectId,
    validated: &Validated,
    homes: &[PersistentVolumeClaim],
) -> Result<ResourceQuota, quantity::QuantityError> {
    let spec = &validated.spec;
    let compute = &spec.compute;
    let own = i64::try_from(spec.datasets.len()).unwrap_or(i64::MAX) + 1;
    let (jobs, chambers) = match &validated.policy.airlock {
        Some(_) => (room::JOBS, room::CHAMBERS + room::INBOX),
        None => (0, 0),
    };
    let mut hard: BTreeMap<String, Quantity> = BTreeMap::new();
    let cpu = quantity::add(&compute.cpu, &times(OWN_PODS_CPU, own)?)?;
    let cpu = quantity::add(&cpu, &job::cpu(jobs, 0, 0))?;
    let memory = quantity::add(&compute.memory, &times(OWN_PODS_MEMORY, own)?)?;
    let memory = quantity::add(&memory, &job::memory(jobs, 0, 0))?;
    for prefix in ["requests", "limits"] {
        hard.insert(format!("{prefix}.cpu"), cpu.clone());
        hard.insert(format!("{prefix}.memory"), memory.clone());
    }
    let mut storage = quantity::max(&compute.storage, &homes_size(homes)?);
    for (_, dataset) in &validated.grants {
        storage = quantity::add(&storage, &dataset.size)?;
    }
    storage = quantity::add(&storage, &times(claim::SIZE, chambers)?)?;
    hard.insert("requests.storage".to_owned(), storage);
    // A stopped pod counts until it is gone, so that one may end while the next begins.
    hard.insert(
        "pods".to_owned(),
        count(2 * compute.max_workspaces + own + 2 * jobs),
    );
    hard.insert(
        "persistentvolumeclaims".to_owned(),
        count(
            i64::try_from(spec.people.len().max(homes.len())).unwrap_or(i64::MAX) + own - 1
                + chambers,
        ),
    );
    for zero in NEVER {
        hard.insert((*zero).to_owned(), count(0));
    }
    accelerators(&mut hard, &validated.policy, compute);
    Ok(ResourceQuota {
        metadata: id.meta("project"),
        spec: Some(ResourceQuotaSpec {
            hard: Some(hard),
            ..ResourceQuotaSpec::default()
        }),
        status: None,
    })
}

fn homes_size(homes: &[PersistentVolumeClaim]) -> Result<Quantity, quantity::QuantityError> {
    let sizes = homes.iter().filter_map(|h| {
        h.spec
            .as_ref()?
            .resources
            .as_ref()?
            .requests
            .as_ref()?
            .get("storage")
    });
    sizes
        .cloned()
        .try_fold(count(0), |sum, size| quantity::add(&sum, &size))
}

fn accelerators(hard: &mut BTreeMap<String, Quantity>, policy: &SdePolicySpec, compute: &Compute) {
    let granted = |name: &str| {
        compute
            .accelerators
            .as_ref()
            .and_then(|a| a.get(name))
            .cloned()
    };
    for name in &policy.accelerators {
        hard.insert(
            format!("requests.{name}"),
            granted(name).unwrap_or_else(|| count(0)),
        );
    }
    for (name, most) in compute.accelerators.iter().flatten() {
        hard.insert(format!("requests.{name}"), most.clone());
    }
    for class in &policy.device_classes {
        hard.insert(
            format!("{class}.deviceclass.resource.k8s.io/devices"),
            count(0),
        );
        hard.insert(
            format!("requests.deviceclass.resource.kubernetes.io/{class}"),
            count(0),
        );
    }
}

fn count(n: i64) -> Quantity {
    Quantity(n.to_string())
}

fn times(quantity: &str, n: i64) -> Result<Quantity, quantity::QuantityError> {
    Ok(quantity::from_milli(
        quantity::milli(&Quantity(quantity.to_owned()))? * i128::from(n),
    ))
}

/// Defaults for containers that name no resources, so that the quota counts every one.
pub fn limit_range(id: &ProjectId) -> LimitRange {
    let defaults: BTreeMap<_, _> = [("cpu", OWN_PODS_CPU), ("memory", OWN_PODS_MEMORY)]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), Quantity(v.to_owned())))
        .collect();
    LimitRange {
        metadata: id.meta("project"),
        spec: Some(LimitRangeSpec {
            limits: vec![LimitRangeItem {
                type_: "Container".to_owned(),
                default: Some(defaults.clone()),
                default_request: Some(defaults),
                ..LimitRangeItem::default()
            }],
        }),
    }
}

/// The account that pods run as: it may do nothing and no pod gets its token.
pub fn service_account(id: &ProjectId) -> ServiceAccount {
    ServiceAccount {
        metadata: id.meta("workspace"),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
