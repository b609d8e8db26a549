//! What an attestation cannot exclude (residuals) and never says (limitations).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that may remain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Residual {
    /// Which kind.
    pub class: ResidualClass,
    /// What, in this case.
    pub description: String,
    /// Which organisation or role answers for it.
    pub owner: String,
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The kinds of residual that no operator inside the cluster can exclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResidualClass {
    /// Remanence on the storage provider's devices.
    ProviderMedia,
    /// Snapshots of a storage array or hypervisor, outside the driver's sight.
    ArraySnapshot,
    /// Old revisions and backups of etcd.
    EtcdHistory,
    /// Backups kept by their own schedule.
    BackupRetention,
    /// Swap, page cache, container layers, core dumps and logs of nodes.
    NodeSwap,
    /// What people saw, photographed or remember.
    ScreenCapture,
    /// What was released before.
    PriorRelease,
}

/// Fixed statements of what an attestation does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limitation {
    /// See [`Limitation::text`].
    NotMediaSanitisation,
    /// See [`Limitation::text`].
    NoKeyDestruction,
    /// See [`Limitation::text`].
    UnrecordedCopiesNotExcluded,
    /// See [`Limitation::text`].
    SoftwareSigningKey,
    /// See [`Limitation::text`].
    NoTrustedTimestamp,
    /// See [`Limitation::text`].
    NotValidatedByAPerson,
}

impl ResidualClass {
    /// Those that hold for every closure: the controller starts from these and adds what it found.
    pub const ALWAYS: [Self; 5] = [
        Self::ProviderMedia,
        Self::ArraySnapshot,
        Self::EtcdHistory,
        Self::NodeSwap,
        Self::ScreenCapture,
    ];

    /// The general description.
    pub fn description(self) -> &'static str {
        match self {
            Self::ProviderMedia => "Remanence on the storage provider's devices was not examined.",
            Self::ArraySnapshot => {
                "Snapshots made by a storage array or hypervisor are outside the driver's sight."
            }
            Self::EtcdHistory => {
                "Old revisions and backups of etcd may hold deleted API objects, no data files."
            }
            Self::BackupRetention => "Backups end by their own retention schedule.",
            Self::NodeSwap => {
                "Swap, container layers, logs and core dumps of nodes were not wiped by the operator."
            }
            Self::ScreenCapture => {
                "What people read on a screen, photographed or remember cannot be un-read."
            }
            Self::PriorRelease => {
                "Files released through the airlock before closure are outside the environment."
            }
        }
    }

    /// A residual of this class with its general description.
    pub fn residual(self, owner: impl Into<String>) -> Residual {
        Residual {
            class: self,
            description: self.description().to_owned(),
            owner: owner.into(),
            expires_at: None,
        }
    }
}

impl Limitation {
    /// Those that hold for every attestation of this version: all of them.
    pub const ALWAYS: [Self; 6] = [
        Self::NotMediaSanitisation,
        Self::NoKeyDestruction,
        Self::UnrecordedCopiesNotExcluded,
        Self::SoftwareSigningKey,
        Self::NoTrustedTimestamp,
        Self::NotValidatedByAPerson,
    ];

    /// The statement.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotMediaSanitisation => {
                "Deletion of volumes and objects is selective: it is not Clear, Purge or Destroy of media (NIST SP 800-88r2)."
            }
            Self::NoKeyDestruction => {
                "No encryption key was observed destroyed: cryptographic erase is not claimed."
            }
            Self::UnrecordedCopiesNotExcluded => {
                "Copies that the cluster never recorded (clones by administrators, photographs, earlier exfiltration) cannot be excluded."
            }
            Self::SoftwareSigningKey => {
                "The signing key is held in software in the same cluster: its administrators could have signed too."
            }
            Self::NoTrustedTimestamp => {
                "Times are the controller's own clock; no independent timestamp is part of what was signed."
            }
            Self::NotValidatedByAPerson => {
                "This is a machine's verification; the custodian's validation is a separate act."
            }
        }
    }
}

impl fmt::Display for ResidualClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
