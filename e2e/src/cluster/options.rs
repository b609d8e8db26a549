//! What can be chosen about a cluster.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The name of a cluster when none is given.
pub const DEFAULT_NAME: &str = "sde-e2e";

/// Which pod networks the nodes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// One node with Cilium, which enforces NetworkPolicies.
    Cilium,
    /// One node whose pod network ignores NetworkPolicies and serves no Service addresses.
    Ptp,
    /// A control plane and a worker, both with Cilium; workloads run on the worker.
    Worker,
    /// A control plane with Cilium and a worker with `ptp`: enforcement differs between nodes.
    Mixed,
    /// One node with the pod network of kind's published image; only with `--node-image stock`.
    Kindnet,
}

/// The image the nodes run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeImage {
    /// kind's published image; a registry must answer.
    Stock,
    /// Built here from pinned Go modules and Debian packages.
    Built,
    /// Any other image, by reference.
    Reference(String),
}

impl std::str::FromStr for NodeImage {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "stock" => Self::Stock,
            "built" => Self::Built,
            reference => Self::Reference(reference.to_owned()),
        })
    }
}

/// What provides the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A cluster made and deleted by the harness.
    Kind,
    /// The cluster that kubectl talks to at the moment; never created or deleted.
    Current,
}

/// A file or directory of this host, shown in the control plane's node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// On this host.
    pub host: PathBuf,
    /// In the node.
    pub node: PathBuf,
    /// The node may not write there.
    pub read_only: bool,
}

/// A file or directory of the node, shown in the API server's pod at the same path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiServerVolume {
    /// The volume's name.
    pub name: String,
    /// The path, in the node and in the pod; created as a directory when absent.
    pub path: PathBuf,
    /// The API server may not write there.
    pub read_only: bool,
}

/// How a cluster is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpOptions {
    /// kind's name for it; several stand side by side.
    pub name: String,
    /// The pod networks.
    pub topology: Topology,
    /// The nodes' image.
    pub node_image: NodeImage,
    /// Made by us, or the user's.
    pub backend: Backend,
    /// Further flags of the API server (name without dashes, value), for example an audit log.
    pub api_server_args: Vec<(String, String)>,
    /// Further volumes of the API server's pod.
    pub api_server_volumes: Vec<ApiServerVolume>,
    /// Further mounts of the control plane's node.
    pub mounts: Vec<Mount>,
    /// Most processes a pod may have; none leaves the kubelet's default, which is no limit.
    #[serde(default)]
    pub pod_pids_limit: Option<u32>,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            name: DEFAULT_NAME.to_owned(),
            topology: Topology::Cilium,
            node_image: NodeImage::Built,
            backend: Backend::Kind,
            api_server_args: Vec::new(),
            api_server_volumes: Vec::new(),
            mounts: Vec::new(),
            pod_pids_limit: None,
        }
    }
}
