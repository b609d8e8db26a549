//! What a pod's probe must fail to reach, from the cluster's addresses and the SdePolicy.

use sde_crds::policy::{CanaryProtocol, ProbePolicy};

use crate::lock::{Protocol, Target, TargetKind};
use crate::settings::Settings;

/// Expanded by the kubelet inside the pod, and by [`expand`] when judging.
pub const HOST_IP: &str = "$(SDE_HOST_IP)";

/// The sentinel as it was when a pod was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentinelAt {
    /// IP address.
    pub address: String,
    /// Boot id.
    pub boot_id: String,
}

/// Addresses of other pods of the project that must not be reachable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Name in reports.
    pub name: String,
    /// Pod IP.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
}

/// Every target of one pod's probe, in a stable order.
pub fn targets(
    settings: &Settings,
    policy: &ProbePolicy,
    sentinel: &SentinelAt,
    neighbours: &[Neighbour],
) -> Vec<Target> {
    let mut all = vec![
        target(
            "sentinel-tcp",
            TargetKind::Sentinel,
            &sentinel.address,
            settings.sentinel_port,
            Protocol::TCP,
        ),
        target(
            "sentinel-udp",
            TargetKind::Sentinel,
            &sentinel.address,
            settings.sentinel_port,
            Protocol::UDP,
        ),
        target(
            "kubelet",
            TargetKind::Kubelet,
            HOST_IP,
            10250,
            Protocol::TCP,
        ),
    ];
    for (i, api) in settings.api_servers.iter().take(4).enumerate() {
        all.push(target(
            &format!("api-server-{i}"),
            TargetKind::ApiServer,
            &api.address,
            api.port,
            api.protocol,
        ));
    }
    for (i, dns) in settings.dns.iter().take(4).enumerate() {
        all.push(target(
            &format!("dns-{i}"),
            TargetKind::Dns,
            &dns.address,
            dns.port,
            dns.protocol,
        ));
    }
    for (i, address) in policy.metadata_addresses.iter().enumerate() {
        all.push(target(
            &format!("metadata-{i}"),
            TargetKind::Metadata,
            address,
            80,
            Protocol::TCP,
        ));
    }
    for canary in &policy.canaries {
        let protocol = match canary.protocol {
            CanaryProtocol::TCP => Protocol::TCP,
            CanaryProtocol::UDP => Protocol::UDP,
        };
        let port = u16::try_from(canary.port).unwrap_or(u16::MAX);
        all.push(target(
            &format!("canary-{}", canary.name),
            TargetKind::Canary,
            &canary.address,
            port,
            protocol,
        ));
    }
    for neighbour in neighbours.iter().take(8) {
        all.push(target(
            &neighbour.name,
            TargetKind::Neighbour,
            &neighbour.address,
            neighbour.port,
            neighbour.protocol,
        ));
    }
    all
}

fn target(name: &str, kind: TargetKind, address: &str, port: u16, protocol: Protocol) -> Target {
    Target {
        name: name.to_owned(),
        kind,
        address: address.to_owned(),
        port,
        protocol,
    }
}

/// The targets as the kubelet handed them to the pod on the node with this address.
pub fn expand(targets: &[Target], host_ip: Option<&str>) -> Vec<Target> {
    let host_ip = host_ip.unwrap_or_default();
    targets
        .iter()
        .map(|t| Target {
            address: t.address.replace(HOST_IP, host_ip),
            ..t.clone()
        })
        .collect()
}
