//! What a probe must fail to reach. Addresses are IP literals: a locked pod has no DNS.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The most targets one probe takes; with names of [`NAME_MAX`] the report still fits a container's
/// termination message.
pub const MAX_TARGETS: usize = 40;

/// The longest target name, in bytes.
pub const NAME_MAX: usize = 63;

/// What stands behind a target; decides how much proof a silent answer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TargetKind {
    /// Our in-cluster listener that answers anyone and remembers who spoke.
    Sentinel,
    /// The Kubernetes API server.
    ApiServer,
    /// The cluster's resolver.
    Dns,
    /// The cloud's instance metadata service.
    Metadata,
    /// The node's kubelet.
    Kubelet,
    /// Another pod of the same project.
    Neighbour,
    /// An address outside the cluster, named by SdePolicy.
    Canary,
}

/// Transport protocol, spelled as Kubernetes spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::upper_case_acronyms)]
pub enum Protocol {
    /// Transmission Control Protocol.
    TCP,
    /// User Datagram Protocol.
    UDP,
}

/// One address that must not be reachable from a workspace pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Unique in the list; letters, digits, `.`, `_` and `-`, at most [`NAME_MAX`].
    pub name: String,
    /// What stands behind it.
    pub kind: TargetKind,
    /// IPv4 or IPv6 literal.
    pub address: String,
    /// Port, not zero.
    pub port: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// Why a list of targets cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text is not a JSON array of targets.
    #[error("the targets are not a JSON array of targets: {0}")]
    Json(String),
    /// Nothing to dial proves nothing.
    #[error("the list of targets is empty")]
    Empty,
    /// The report would not fit.
    #[error("{0} targets are too many: at most {MAX_TARGETS}")]
    TooMany(usize),
    /// The name is empty, too long, or has other characters.
    #[error("target {0}: the name must be 1 to {NAME_MAX} letters, digits, '.', '_' or '-'")]
    Name(usize),
    /// Two targets share a name, so results could not be told apart.
    #[error("the target name {0} is used twice")]
    Duplicate(String),
    /// The address is not an IP literal.
    #[error("target {0}: the address must be an IPv4 or IPv6 literal")]
    Address(String),
    /// Port zero cannot be dialled.
    #[error("target {0}: the port must not be 0")]
    Port(String),
}

impl Target {
    /// The address to dial.
    ///
    /// # Errors
    /// [`TargetError::Address`] when `address` is no IP literal, [`TargetError::Port`] for port 0.
    pub fn socket_addr(&self) -> Result<SocketAddr, TargetError> {
        let ip: IpAddr = self
            .address
            .parse()
            .map_err(|_| TargetError::Address(self.name.clone()))?;
        if self.port == 0 {
            return Err(TargetError::Port(self.name.clone()));
        }
        Ok(SocketAddr::new(ip, self.port))
    }
}

/// Reads and validates the JSON array of `SDE_TARGETS`.
///
/// # Errors
/// See [`TargetError`]; nothing is dropped or repaired.
pub fn parse_targets(json: &str) -> Result<Vec<Target>, TargetError> {
    let targets: Vec<Target> =
        serde_json::from_str(json).map_err(|e| TargetError::Json(e.to_string()))?;
    validate_targets(&targets)?;
    Ok(targets)
}

/// Checks that a list can be dialled, reported and judged without ambiguity.
///
/// # Errors
/// The first problem found.
pub fn validate_targets(targets: &[Target]) -> Result<(), TargetError> {
    if targets.is_empty() {
        return Err(TargetError::Empty);
    }
    if targets.len() > MAX_TARGETS {
        return Err(TargetError::TooMany(targets.len()));
    }
    let mut names = BTreeSet::new();
    for (index, target) in targets.iter().enumerate() {
        if !is_name(&target.name) {
            return Err(TargetError::Name(index));
        }
        if !names.insert(target.name.as_str()) {
            return Err(TargetError::Duplicate(target.name.clone()));
        }
        target.socket_addr()?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}
