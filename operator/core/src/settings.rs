//! What the controller knows of itself and its cluster when it starts, and core needs to decide.

use crate::lock::Protocol;

/// Fixed for the life of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Namespace of controller and sentinel.
    pub system_namespace: String,
    /// Namespace of JupyterHub and its proxy.
    pub hub_namespace: String,
    /// Image of sde-agent, by digest.
    pub agent_image: String,
    /// Port on which the sentinel answers anyone.
    pub sentinel_port: u16,
    /// Addresses of the API server: the Service's and each endpoint's.
    pub api_servers: Vec<Endpoint>,
    /// Addresses of the cluster's resolver; empty on a cluster without one.
    pub dns: Vec<Endpoint>,
    /// Whether every node reports recursive read-only mounts (KEP-3857).
    pub recursive_read_only: bool,
    /// Version of Pod Security that namespaces are pinned to, such as `v1.34`.
    pub pod_security_version: String,
}

/// An address and port of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// IP address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
}
