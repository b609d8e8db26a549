//! What a probe says at its end, small enough for a container's termination message.

use serde::{Deserialize, Serialize};

/// The kubelet keeps this many bytes of one container's termination message.
pub const TERMINATION_MESSAGE_MAX: usize = 4096;

/// The version this code writes and accepts.
pub const REPORT_VERSION: u8 = 1;

/// An error text longer than this is cut, so that a report always fits.
const ERROR_MAX: usize = 240;

/// What became of one target in the last round; worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// A TCP connection was made; nothing was read from it.
    Connected,
    /// At least one byte, or one datagram, came back.
    Answered,
    /// A reset, an ICMP port unreachable, or a local firewall's EPERM/EACCES.
    Refused,
    /// Nothing usable came back in time. Also an ICMP host or net unreachable that arrives later:
    /// a packet did leave, so this is not [`Outcome::NoRoute`].
    Silent,
    /// The kernel had no route and sent no packet: connect failed at once, inside the system call.
    NoRoute,
    /// The attempt itself could not be made; says nothing about the lock.
    Error,
}

impl Outcome {
    /// Traffic went out and something took it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Connected | Self::Answered)
    }

    /// The attempt was made and nothing took it.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Refused | Self::Silent | Self::NoRoute)
    }
}

/// One target's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetResult {
    /// [`super::Target::name`].
    #[serde(rename = "n")]
    pub name: String,
    /// Of the last round.
    #[serde(rename = "o")]
    pub outcome: Outcome,
}

/// What is asked of the kernel about ICMP (`SDE_PING`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PingMode {
    /// Ping sockets must be refused (`net.ipv4.ping_group_range` is `1 0`): workspace pods.
    Refused,
    /// Ping sockets are allowed; echoes are sent and none may be answered: the standing probe pod.
    Sent,
}

/// What the kernel, or for a sent echo the network, did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketResult {
    /// The kernel refused the socket with EPERM or EACCES.
    Refused,
    /// Echoes were sent and none was answered ([`PingMode::Sent`] only; never right for raw sockets).
    Silent,
    /// The socket could be made ([`PingMode::Refused`], raw), or an echo was answered.
    Open,
    /// Could not be found out.
    Error,
}

/// A probe's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    #[serde(rename = "v")]
    pub version: u8,
    /// UID of the pod the probe ran in; empty when it was not told.
    #[serde(rename = "uid")]
    pub pod_uid: String,
    /// Consecutive rounds, up to the last one, in which nothing was open and nothing failed.
    pub rounds: u32,
    /// From the first dial to the end, milliseconds.
    #[serde(rename = "ms")]
    pub elapsed_ms: u64,
    /// One a target, of the last round.
    #[serde(rename = "r")]
    pub results: Vec<TargetResult>,
    /// ICMP, per [`PingMode`].
    pub ping: SocketResult,
    /// Raw and packet sockets.
    pub raw: SocketResult,
    /// Why there is no usable result (bad arguments, a panic); a report with an error proves nothing.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why a termination message is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Not JSON of a report; the kubelet may have cut it.
    #[error("the probe's termination message is not a report: {0}")]
    Json(String),
    /// Another version than [`REPORT_VERSION`].
    #[error("the probe's report has version {0}, this controller reads {REPORT_VERSION}")]
    Version(u8),
    /// Longer than [`TERMINATION_MESSAGE_MAX`].
    #[error("the report is {0} bytes, more than a termination message holds")]
    TooLong(usize),
}

impl Report {
    /// A report that proves nothing and says why.
    #[must_use]
    pub fn failed(pod_uid: &str, error: &str) -> Self {
        Self {
            version: REPORT_VERSION,
            pod_uid: if super::is_pod_uid(pod_uid) {
                pod_uid.to_owned()
            } else {
                String::new()
            },
            rounds: 0,
            elapsed_ms: 0,
            results: Vec::new(),
            ping: SocketResult::Error,
            raw: SocketResult::Error,
            error: Some(cut(error)),
        }
    }

    /// The JSON for the termination message.
    ///
    /// # Errors
    /// [`ReportError::TooLong`] when it would not fit, which valid targets cannot cause.
    pub fn to_message(&self) -> Result<String, ReportError> {
        let json = serde_json::to_string(self).map_err(|e| ReportError::Json(e.to_string()))?;
        if json.len() > TERMINATION_MESSAGE_MAX {
            return Err(ReportError::TooLong(json.len()));
        }
        Ok(json)
    }

    /// Reads a termination message.
    ///
    /// # Errors
    /// [`ReportError::Json`] or [`ReportError::Version`]: treat as inconclusive.
    pub fn parse(message: &str) -> Result<Self, ReportError> {
        let report: Self =
            serde_json::from_str(message).map_err(|e| ReportError::Json(e.to_string()))?;
        if report.version != REPORT_VERSION {
            return Err(ReportError::Version(report.version));
        }
        Ok(report)
    }
}

/// Cuts at a character boundary and drops control characters, which JSON would lengthen sixfold.
fn cut(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if out.len() + c.len_utf8() > ERROR_MAX {
            break;
        }
        out.push(c);
    }
    out
}
