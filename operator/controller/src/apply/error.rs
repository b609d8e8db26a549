//! What can go wrong with a write, as one typed enum whose reasons become conditions.

use std::time::Duration;

use kube::core::Status;
use thiserror::Error;

use crate::client::ResponseTimeout;
use crate::retry::Retry;

/// Why a call to the API server failed. Texts hold no generated names, so that a condition made from one
/// does not change with each attempt.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// This process does not hold the lease (any more); nothing was sent.
    #[error("this controller is not the leader")]
    NotLeader,
    /// No answer in time. Whether the write took effect is unknown.
    #[error("the API server did not answer in time")]
    Timeout,
    /// Somebody changed or made the object meanwhile.
    #[error("the object changed meanwhile")]
    Conflict,
    /// The API server, a policy or a quota-independent admission step says that the object is wrong.
    #[error("refused as invalid: {0}")]
    Invalid(String),
    /// The controller lacks the permission, or a policy forbids it.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// The namespace is being deleted.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
    /// A ResourceQuota leaves no room.
    #[error("the namespace's quota is used up: {0}")]
    QuotaExceeded(String),
    /// The object, its namespace or its kind does not exist.
    #[error("not found")]
    NotFound,
    /// An object of that name exists that this project did not make. It is not touched.
    #[error("a {kind} of that name exists that is not this project's")]
    Foreign {
        /// Kind of the object.
        kind: String,
    },
    /// Fields that others own on an object of ours survive our apply.
    #[error("a {kind} carries a field set by somebody else: {path}")]
    ForeignField {
        /// Kind of the object.
        kind: String,
        /// Path of the field.
        path: String,
    },
    /// The API server or the network is in trouble; trying again may help.
    #[error("the API server is unavailable: {0}")]
    Transient(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl ApplyError {
    /// CamelCase constant for conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotLeader => "NotLeader",
            Self::Timeout => "ApiTimeout",
            Self::Conflict => "Conflict",
            Self::Invalid(_) => "Invalid",
            Self::Forbidden(_) => "Forbidden",
            Self::NamespaceTerminating => "NamespaceTerminating",
            Self::QuotaExceeded(_) => "QuotaExceeded",
            Self::NotFound => "NotFound",
            Self::Foreign { .. } => "ForeignObject",
            Self::ForeignField { .. } => "ForeignField",
            Self::Transient(_) => "ApiUnavailable",
            Self::Other(_) => "ApiError",
        }
    }

    /// Whether the same call may succeed later without anybody changing the object that asks for it.
    pub fn is_retryable(&self) -> bool {
        !matches!(self.retry(), Retry::OnChange)
    }

    /// Whether somebody has to mend something first.
    pub fn needs_people(&self) -> bool {
        !matches!(self, Self::NotLeader)
            && (matches!(self, Self::Forbidden(_))
                || matches!(self.retry(), Retry::After(_) | Retry::OnChange))
    }

    /// How to go on after it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Timeout | Self::Conflict | Self::NamespaceTerminating | Self::NotFound => {
                Retry::Backoff
            }
            Self::Transient(_) | Self::Other(_) => Retry::Backoff,
            // An API server that has just started answers 403 until it has loaded its RBAC: that passes in seconds.
            Self::Forbidden(_) => Retry::Backoff,
            // Waits for people; the watch tells of some of it (a foreign object removed, a quota changed).
            Self::QuotaExceeded(_) | Self::Foreign { .. } | Self::ForeignField { .. } => {
                Retry::After(Duration::from_secs(300))
            }
            Self::Invalid(_) | Self::NotLeader => Retry::OnChange,
        }
    }
}

impl From<kube::Error> for ApplyError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => classify(&status),
            kube::Error::Service(source) if source.is::<ResponseTimeout>() => Self::Timeout,
            kube::Error::HyperError(source) if source.is_timeout() => Self::Timeout,
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                Self::Transient("the connection failed".into())
            }
            kube::Error::Auth(source) => Self::Transient(format!("credentials: {source}")),
            other => Self::Other(other.to_string()),
        }
    }
}

fn classify(status: &Status) -> ApplyError {
    let message = status.message.clone();
    let caused = |reason: &str| {
        let causes = status.details.iter().flat_map(|d| &d.causes);
        causes.into_iter().any(|cause| cause.reason == reason)
    };
    if status.is_not_found() {
        return ApplyError::NotFound;
    }
    if status.is_conflict() || status.is_already_exists() {
        return ApplyError::Conflict;
    }
    if status.is_forbidden() {
        return if caused("NamespaceTerminating") {
            ApplyError::NamespaceTerminating
        } else if message.contains("exceeded quota") || message.contains("failed quota") {
            ApplyError::QuotaExceeded(message)
        } else {
            ApplyError::Forbidden(message)
        };
    }
    if status.is_invalid() {
        return ApplyError::Invalid(message);
    }
    match status.code {
        400 | 405 | 406 | 413 | 415 => ApplyError::Invalid(message),
        // 401 comes and goes with token rotation.
        401 | 408 | 410 | 429 | 500.. => ApplyError::Transient(format!("status {}", status.code)),
        _ => ApplyError::Other(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(code: u16, reason: &str, message: &str, cause: Option<&str>) -> ApplyError {
        let causes: Vec<_> = cause
            .iter()
            .map(|c| json!({"reason": c, "message": "", "field": ""}))
            .collect();
        let status: Status = serde_json::from_value(json!({
            "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message,
            "details": {"causes": causes},
        }))
        .expect("a Status");
        kube::Error::Api(status.boxed()).into()
    }

    #[test]
    fn api_statuses_get_their_own_reason() {
        let cases = [
            (of(404, "NotFound", "", None), "NotFound"),
            (of(409, "Conflict", "", None), "Conflict"),
            (of(409, "AlreadyExists", "", None), "Conflict"),
            (of(422, "Invalid", "spec.x: required", None), "Invalid"),
            (of(400, "BadRequest", "", None), "Invalid"),
            (of(403, "Forbidden", "no", None), "Forbidden"),
            (
                of(
                    403,
                    "Forbidden",
                    "is being terminated",
                    Some("NamespaceTerminating"),
                ),
                "NamespaceTerminating",
            ),
            (
                of(
                    403,
                    "Forbidden",
                    "pods \"x\" is forbidden: exceeded quota: q",
                    None,
                ),
                "QuotaExceeded",
            ),
            (of(401, "Unauthorized", "", None), "ApiUnavailable"),
            (of(429, "TooManyRequests", "", None), "ApiUnavailable"),
            (of(500, "InternalError", "", None), "ApiUnavailable"),
            (of(503, "ServiceUnavailable", "", None), "ApiUnavailable"),
        ];
        for (error, reason) in cases {
            assert_eq!(error.reason(), reason, "{error}");
        }
    }

    #[test]
    fn a_refused_object_waits_for_a_change_and_a_busy_server_does_not() {
        assert!(!of(422, "Invalid", "", None).is_retryable());
        assert!(!ApplyError::NotLeader.is_retryable());
        assert!(of(503, "ServiceUnavailable", "", None).is_retryable());
    }

    #[test]
    fn a_403_is_tried_again_soon_and_still_told_to_people() {
        let forbidden = of(403, "Forbidden", "", None);
        assert_eq!(forbidden.retry(), Retry::Backoff);
        assert!(forbidden.needs_people());
    }

    #[test]
    fn our_own_response_timeout_is_told_from_a_broken_connection() {
        let timeout = kube::Error::Service(Box::new(ResponseTimeout));
        assert_eq!(ApplyError::from(timeout).reason(), "ApiTimeout");
        let broken = kube::Error::Service("reset by peer".into());
        assert_eq!(ApplyError::from(broken).reason(), "ApiUnavailable");
    }
}
