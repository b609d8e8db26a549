//! What is observed of one Project that is being closed.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use sde_crds::AirlockReceiptSpec;
use sde_crds::project_status::AirlockEmptied;

use crate::project;

/// Everything a decision about a closure may depend on.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The Project, as its own controller sees it.
    pub project: project::Observed,
    /// Whether a binding of ours, the hub's or the people's, still exists in the project's namespace.
    pub bound: bool,
    /// Names of Secrets left in the project's namespace.
    pub secrets: Vec<String>,
    /// What the project's airlock still waits for, a sentence each: files that were approved, chambers that are not destroyed.
    pub airlock: Vec<String>,
    /// Its requests, and those of their chambers that are gone.
    pub emptied: AirlockEmptied,
    /// Receipts of the project's airlock, by name.
    pub receipts: BTreeMap<String, AirlockReceiptSpec>,
    /// The airlock's namespace.
    pub airlock_namespace: Option<Namespace>,
    /// Live counts from the API server itself, taken before a destructive step; none when not taken.
    pub live: Option<Live>,
    /// Whether the DestructionRecord exists.
    pub recorded: bool,
}

/// Live counts from the API server: a cache may be behind, and what follows cannot be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// Pods in the project's namespace, of anyone.
    pub pods: usize,
    /// Claims in the project's namespace, of anyone.
    pub claims: usize,
    /// Whether a namespace of the project's name, or its airlock's, exists, whatever its labels say.
    pub namespace: bool,
}

/// What the attestation says of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// UID of the kube-system namespace, by which clusters are told apart.
    pub cluster_id: String,
    /// Version of the API server.
    pub kubernetes_version: String,
    /// Version of this operator.
    pub operator_version: String,
    /// Image digest of the agent, `sha256:...`.
    pub image_digest: String,
    /// The CNI, as far as the cluster tells.
    pub cni: String,
}
