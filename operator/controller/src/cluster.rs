//! What is asked of the cluster once, before the controllers start: addresses that probes must not reach, runtime
//! features of the nodes, and what an attestation says of the place.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use sde_core::access::Form;
use sde_core::closing::ClusterFacts;
use sde_core::lock::Protocol;
use sde_core::settings::{Endpoint, Settings};
use serde_json::Value;

use crate::apply::ApplyError;
use crate::context::Context;
use crate::key::ObjectKey;
use crate::retry;

/// Pod Security is pinned to the oldest supported version: an upgrade of the cluster loosens nothing.
const POD_SECURITY_VERSION: &str = "v1.34";
/// API groups by which well-known network plugins can be told; the API names none.
const NETWORK_PLUGINS: [(&str, &str); 4] = [
    ("cilium.io", "Cilium"),
    ("crd.projectcalico.org", "Calico"),
    ("crd.antrea.io", "Antrea"),
    ("kubeovn.io", "Kube-OVN"),
];

/// What is known of the cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// For decisions.
    pub settings: Settings,
    /// For attestations.
    pub facts: ClusterFacts,
    /// How hub and portal are allowed to act for people.
    pub impersonation: Form,
}

impl Cluster {
    /// Asks until everything is answered.
    pub async fn discover(ctx: &Context) -> Self {
        let mut failures = 0;
        loop {
            match Self::ask(ctx).await {
                Ok(cluster) => {
                    tracing::info!(settings = ?cluster.settings, facts = ?cluster.facts, impersonation = cluster.impersonation.as_str(), "cluster");
                    return cluster;
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!("asking about the cluster: {error}");
                    tokio::time::sleep(
                        retry::backoff(failures, rand::random()).min(Duration::from_secs(10)),
                    )
                    .await;
                }
            }
        }
    }

    async fn ask(ctx: &Context) -> Result<Self, ApplyError> {
        let nodes: Vec<Node> = ctx.applier.list(None, "").await?;
        let version: Value = ctx.applier.read("/version").await?;
        let groups: Value = ctx.applier.read("/apis").await?;
        let system: Option<Namespace> = ctx.applier.get(&ObjectKey::cluster("kube-system")).await?;
        let config = &ctx.config;
        Ok(Self {
            settings: Settings {
                system_namespace: config.namespace.clone(),
                hub_namespace: config.hub_namespace.clone(),
                agent_image: config.agent_image.clone(),
                sentinel_port: config.sentinel_port,
                api_servers: api_servers(ctx).await?,
                dns: dns(ctx).await?,
                recursive_read_only: !nodes.is_empty() && nodes.iter().all(recursive_read_only),
                pod_security_version: POD_SECURITY_VERSION.to_owned(),
            },
            facts: ClusterFacts {
                cluster_id: system.and_then(|n| n.metadata.uid).unwrap_or_default(),
                kubernetes_version: version["gitVersion"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                operator_version: env!("CARGO_PKG_VERSION").to_owned(),
                image_digest: config
                    .agent_image
                    .split_once('@')
                    .map(|(_, digest)| digest.to_owned())
                    .unwrap_or_default(),
                cni: network_plugin(&groups).to_owned(),
            },
            impersonation: Form::of_minor(minor(&version)),
        })
    }
}

/// The minor version by which the API server's features are on or off: the emulated one where it emulates (KEP-4330).
/// A provider's `34+` is 34; what cannot be read is 0.
fn minor(version: &Value) -> u32 {
    let text = |key: &str| version[key].as_str().filter(|text| !text.is_empty());
    let minor = text("emulationMinor").or(text("minor")).unwrap_or_default();
    minor
        .trim_end_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .unwrap_or(0)
}

/// The default handler of a node says whether its runtime can (KEP-3857).
fn recursive_read_only(node: &Node) -> bool {
    let handlers = node
        .status
        .as_ref()
        .and_then(|s| s.runtime_handlers.as_ref());
    handlers.into_iter().flatten().any(|h| {
        h.name.as_deref().unwrap_or_default().is_empty()
            && h.features
                .as_ref()
                .and_then(|f| f.recursive_read_only_mounts)
                == Some(true)
    })
}

fn network_plugin(groups: &Value) -> &'static str {
    let names: Vec<_> = groups["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|g| g["name"].as_str())
        .collect();
    NETWORK_PLUGINS
        .iter()
        .find(|(group, _)| names.contains(group))
        .map_or("unknown to the API", |(_, name)| name)
}

/// Each endpoint of the API server, and the address that pods are told of it.
async fn api_servers(ctx: &Context) -> Result<Vec<Endpoint>, ApplyError> {
    let mut found = listed_api_servers(ctx).await?;
    if let Ok(address) = std::env::var("KUBERNETES_SERVICE_HOST") {
        let port = std::env::var("KUBERNETES_SERVICE_PORT")
            .ok()
            .and_then(|p| p.parse().ok())
            .unwrap_or(443);
        if !found.iter().any(|e| e.address == address && e.port == port) {
            found.push(Endpoint {
                address,
                port,
                protocol: Protocol::TCP,
            });
        }
    }
    Ok(found)
}

/// Each endpoint of the API server, as the API servers list themselves.
///
/// # Errors
/// When the list cannot be read.
pub async fn listed_api_servers(ctx: &Context) -> Result<Vec<Endpoint>, ApplyError> {
    let key = ObjectKey::namespaced("default", "kubernetes");
    let slice: Option<EndpointSlice> = ctx.applier.get(&key).await?;
    let mut found = Vec::new();
    if let Some(slice) = slice {
        let port = slice
            .ports
            .iter()
            .flatten()
            .find_map(|p| p.port)
            .and_then(|p| u16::try_from(p).ok())
            .unwrap_or(6443);
        for address in slice.endpoints.into_iter().flat_map(|e| e.addresses) {
            found.push(Endpoint {
                address,
                port,
                protocol: Protocol::TCP,
            });
        }
    }
    Ok(found)
}

async fn dns(ctx: &Context) -> Result<Vec<Endpoint>, ApplyError> {
    let service: Option<Service> = ctx
        .applier
        .get(&ObjectKey::namespaced("kube-system", "kube-dns"))
        .await?;
    let address = service
        .and_then(|s| s.spec)
        .and_then(|s| s.cluster_ip)
        .filter(|ip| ip != "None");
    let both = |address: String| {
        [Protocol::UDP, Protocol::TCP].map(|protocol| Endpoint {
            address: address.clone(),
            port: 53,
            protocol,
        })
    };
    Ok(address.map(both).into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_follow_the_emulated_version() {
        let cases = [
            (
                json!({"major": "1", "minor": "37", "emulationMinor": "35"}),
                35,
            ),
            (json!({"major": "1", "minor": "34+"}), 34),
            (
                json!({"major": "1", "minor": "36", "emulationMinor": ""}),
                36,
            ),
            (json!({}), 0),
        ];
        for (version, wanted) in cases {
            assert_eq!(minor(&version), wanted, "{version}");
        }
    }
}
