//! What the sentinel's admin interface answers, as the controller reads it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `GET /v1/boot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Boot {
    /// Random, new at every start: two equal values mean nothing was forgotten by a restart between.
    pub boot_id: String,
    /// By the sentinel's clock.
    pub started_at: Timestamp,
}

/// `GET /v1/seen/<pod uid>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// As in [`Boot`].
    pub boot_id: String,
    /// The UID asked for.
    pub pod_uid: String,
    /// Nonces that arrived with this UID, TCP and UDP together.
    pub count: u64,
    /// First arrival, by the sentinel's clock.
    pub first: Option<Timestamp>,
    /// Latest arrival.
    pub last: Option<Timestamp>,
    /// False once the sentinel has forgotten or dropped anything since it started: a count of zero
    /// then proves nothing. Absent reads as false.
    #[serde(default)]
    pub complete: bool,
}
