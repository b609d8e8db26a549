//! What the probe puts into the cluster: two namespaces, a default-deny policy, two pods a node. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Namespace, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
    Pod, PodSecurityContext, PodSpec, SeccompProfile, Sysctl,
};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use kube::api::ObjectMeta;
use sde_core::lock::{Protocol, Target};
use sde_core::pod::{AGENT_USER, PROBE, agent, probe_env, value};
use sde_core::settings::{Endpoint, Settings};
use sde_core::targets::{SentinelAt, targets};
use sde_crds::names::{MANAGED_BY_LABEL, SENTINEL_PORT};
use sde_crds::policy::ProbePolicy;

use super::super::check::Check;
use super::super::facts::Facts;
use super::super::nodes;
use super::super::platform::component;
use super::SECTION;

/// How long a free pod tries, in seconds: it gets out in its first round.
const FREE_SECONDS: &str = "3";

/// Under default-deny, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Must not get out.
    Locked,
    /// Must reach the sentinel: the positive control.
    Free,
}

/// Everything that is needed to probe.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Part of the namespaces' names.
    pub id: String,
    /// Nodes that take pods.
    pub nodes: Vec<String>,
    /// What to dial; the kubelet's address is filled in on the node.
    pub targets: Vec<Target>,
    /// Namespace of the operator.
    pub system_namespace: String,
    /// Name of the sentinel's pod.
    pub sentinel_pod: String,
    settings: Settings,
}

/// Plans a probe.
///
/// # Errors
/// The check that says what is missing for it.
pub fn plan(facts: &Facts, id: &str) -> Result<Plan, Check> {
    let missing =
        |what: &str, todo: &str| Check::fail(SECTION, format!("cannot probe: {what}"), todo);
    let image = agent_image(facts).ok_or_else(|| {
        missing(
            "the controller's Deployment names no agent image",
            "Install the chart, or say with --namespace where it is.",
        )
    })?;
    let (sentinel_pod, address) = sentinel(facts).ok_or_else(|| {
        missing(
            "no ready sentinel",
            "Look at its pod in the operator's namespace: without it nothing can be proven.",
        )
    })?;
    let all = facts
        .nodes
        .as_ref()
        .map_err(|why| Check::unreadable(SECTION, "nodes", why))?;
    let nodes: Vec<_> = all
        .iter()
        .filter(|n| nodes::schedulable(n))
        .map(nodes::name)
        .collect();
    if nodes.is_empty() {
        return Err(missing(
            "no node takes pods",
            "Uncordon one, or remove its NoSchedule taint.",
        ));
    }
    let settings = Settings {
        system_namespace: facts.namespace.clone(),
        hub_namespace: String::new(),
        agent_image: image,
        sentinel_port: SENTINEL_PORT,
        api_servers: api_servers(facts),
        dns: dns(facts),
        recursive_read_only: false,
        pod_security_version: "latest".to_owned(),
    };
    let policy = facts
        .policy
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map(|p| p.spec.probe.clone());
    let policy = policy.unwrap_or(ProbePolicy {
        standing_seconds: 3600,
        inconclusive_deadline_seconds: 600,
        metadata_addresses: Vec::new(),
        canaries: Vec::new(),
    });
    // The boot id in SentinelAt is for annotations of the controller's own pods.
    let at = SentinelAt {
        address,
        boot_id: String::new(),
    };
    Ok(Plan {
        id: id.to_owned(),
        nodes,
        targets: targets(&settings, &policy, &at, &[]),
        system_namespace: facts.namespace.clone(),
        sentinel_pod,
        settings,
    })
}

/// From the controller's `--agent-image` or its environment.
fn agent_image(facts: &Facts) -> Option<String> {
    let spec = component(facts, "controller")?
        .spec
        .as_ref()?
        .template
        .spec
        .as_ref()?;
    spec.containers.iter().find_map(|c| {
        let args = c.args.iter().flatten().chain(c.command.iter().flatten());
        let by_arg = args
            .filter_map(|a| a.strip_prefix("--agent-image="))
            .next()
            .map(str::to_owned);
        let by_env = || {
            c.env
                .iter()
                .flatten()
                .find(|e| e.name == "SDE_AGENT_IMAGE")
                .and_then(|e| e.value.clone())
        };
        by_arg.or_else(by_env).filter(|i| !i.is_empty())
    })
}

fn sentinel(facts: &Facts) -> Option<(String, String)> {
    facts.pods.iter().flatten().find_map(|pod| {
        let labels = pod.metadata.labels.as_ref()?;
        let ours = labels
            .get("app.kubernetes.io/name")
            .is_some_and(|v| v == "sde-operator")
            && labels
                .get("app.kubernetes.io/component")
                .is_some_and(|v| v == "sentinel");
        let view = sde_core::pod::View(pod);
        (ours && view.ready())
            .then(|| Some((view.name().to_owned(), view.ip()?.to_owned())))
            .flatten()
    })
}

fn api_servers(facts: &Facts) -> Vec<Endpoint> {
    let tcp = |address: &str, port: i32| {
        Some(Endpoint {
            address: address.to_owned(),
            port: u16::try_from(port).ok()?,
            protocol: Protocol::TCP,
        })
    };
    let service = facts
        .api_service
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(|s| s.spec.as_ref());
    let by_service =
        service.and_then(|s| tcp(s.cluster_ip.as_deref()?, s.ports.as_ref()?.first()?.port));
    let slices = facts.api_endpoints.iter().flatten();
    let by_endpoint = slices.flat_map(|slice| {
        let port = slice
            .ports
            .iter()
            .flatten()
            .find_map(|p| p.port)
            .unwrap_or(6443);
        slice
            .endpoints
            .iter()
            .flat_map(|e| &e.addresses)
            .filter_map(move |a| tcp(a, port))
            .collect::<Vec<_>>()
    });
    by_service.into_iter().chain(by_endpoint).collect()
}

fn dns(facts: &Facts) -> Vec<Endpoint> {
    let service = facts
        .dns_service
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(|s| s.spec.as_ref());
    let address = service.and_then(|s| s.cluster_ip.clone());
    let at = |address: String| {
        [Protocol::UDP, Protocol::TCP].map(|protocol| Endpoint {
            address: address.clone(),
            port: 53,
            protocol,
        })
    };
    address.map(at).into_iter().flatten().collect()
}

/// Name of one pod.
pub fn pod_name(side: Side, node: &str, attempt: u32) -> String {
    let hash = sde_evidence::sha256(node.as_bytes()).hex();
    let side = if side == Side::Locked {
        "locked"
    } else {
        "free"
    };
    format!("{side}-{}-{attempt}", hash.get(..8).unwrap_or_default())
}

impl Plan {
    /// Name of one namespace.
    pub fn namespace(&self, side: Side) -> String {
        let side = if side == Side::Locked {
            "locked"
        } else {
            "free"
        };
        format!("sde-doctor-{}-{side}", self.id)
    }

    fn labels() -> BTreeMap<String, String> {
        [(MANAGED_BY_LABEL.to_owned(), "kubectl-sde".to_owned())].into()
    }

    /// One namespace.
    pub fn namespace_object(&self, side: Side) -> Namespace {
        let mut labels = Self::labels();
        labels.insert(
            "pod-security.kubernetes.io/enforce".to_owned(),
            "restricted".to_owned(),
        );
        Namespace {
            metadata: ObjectMeta {
                name: Some(self.namespace(side)),
                labels: Some(labels),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        }
    }

    /// Nothing in, nothing out.
    pub fn default_deny(&self) -> NetworkPolicy {
        NetworkPolicy {
            metadata: ObjectMeta {
                name: Some("default-deny".to_owned()),
                labels: Some(Self::labels()),
                ..ObjectMeta::default()
            },
            spec: Some(NetworkPolicySpec {
                policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
                ..NetworkPolicySpec::default()
            }),
        }
    }

    /// One pod, hardened as a workspace is, on one node.
    pub fn pod(&self, side: Side, node: &str, attempt: u32) -> Pod {
        let mut env = probe_env(&self.targets, "Refused");
        if side == Side::Free {
            env.retain(|e| e.name != "SDE_DEADLINE_SECONDS");
            env.push(value("SDE_DEADLINE_SECONDS", FREE_SECONDS));
        }
        Pod {
            metadata: ObjectMeta {
                name: Some(pod_name(side, node, attempt)),
                labels: Some(Self::labels()),
                ..ObjectMeta::default()
            },
            spec: Some(PodSpec {
                containers: vec![agent(&self.settings, PROBE, vec!["probe".to_owned()], env)],
                restart_policy: Some("Never".to_owned()),
                automount_service_account_token: Some(false),
                enable_service_links: Some(false),
                affinity: Some(on(node)),
                security_context: Some(PodSecurityContext {
                    run_as_non_root: Some(true),
                    run_as_user: Some(AGENT_USER),
                    run_as_group: Some(AGENT_USER),
                    seccomp_profile: Some(SeccompProfile {
                        type_: "RuntimeDefault".to_owned(),
                        localhost_profile: None,
                    }),
                    sysctls: Some(vec![Sysctl {
                        name: "net.ipv4.ping_group_range".to_owned(),
                        value: "1 0".to_owned(),
                    }]),
                    ..PodSecurityContext::default()
                }),
                termination_grace_period_seconds: Some(1),
                ..PodSpec::default()
            }),
            status: None,
        }
    }
}

/// By the node's name, not its labels, which may be shared.
fn on(node: &str) -> Affinity {
    let here = NodeSelectorRequirement {
        key: "metadata.name".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![node.to_owned()]),
    };
    Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(NodeSelector {
                node_selector_terms: vec![NodeSelectorTerm {
                    match_fields: Some(vec![here]),
                    ..NodeSelectorTerm::default()
                }],
            }),
            ..NodeAffinity::default()
        }),
        ..Affinity::default()
    }
}
