//! The API server's audit log: who asked for what, as the server itself saw it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use super::error::{Result, io, malformed};

/// Name of the log file in the control plane's folder.
pub const LOG: &str = "audit.log";

/// Every request is logged once it is answered, and watches also when they begin; no bodies.
const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n- level: Metadata\n";

/// Writes the audit policy into `folder` and returns its path.
///
/// # Errors
/// When the file cannot be written.
pub fn write_policy(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("audit-policy.yaml");
    std::fs::write(&path, POLICY).map_err(io(path.display()))?;
    Ok(path)
}

/// One line of the audit log, the fields that the suites look at (`audit.k8s.io/v1` Event).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// `ResponseStarted` (watches only), `ResponseComplete` or `Panic`.
    pub stage: String,
    /// Lower-case Kubernetes verb.
    pub verb: String,
    /// Path and query.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// Who asked.
    pub user: AuditUser,
    /// The program that asked, as it says itself.
    #[serde(default)]
    pub user_agent: String,
    /// For whom, when somebody acted for somebody.
    pub impersonated_user: Option<AuditUser>,
    /// How that was allowed.
    #[serde(default)]
    pub authentication_metadata: AuditAuthentication,
    /// What was asked about; absent for paths that are no resource.
    pub object_ref: Option<AuditObject>,
    /// What was answered.
    pub response_status: Option<AuditStatus>,
    /// When the request came in.
    pub request_received_timestamp: Timestamp,
    /// When this stage was reached.
    pub stage_timestamp: Timestamp,
}

/// The user of an audit event.
#[derive(Debug, Clone, Deserialize)]
pub struct AuditUser {
    /// User name, such as `system:serviceaccount:sde-system:sde-controller`; empty for a request that was not authenticated.
    #[serde(default)]
    pub username: String,
}

/// How the request was authenticated.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditAuthentication {
    /// The verb that allowed a constrained impersonation (KEP-5284); absent for a plain one.
    pub impersonation_constraint: Option<String>,
}

/// The object of an audit event.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditObject {
    /// Plural resource name.
    pub resource: String,
    /// Namespace, empty for cluster-scoped objects.
    pub namespace: String,
    /// Object name, empty for lists.
    pub name: String,
    /// API group, empty for core.
    pub api_group: String,
    /// Subresource such as `status`, empty for none.
    pub subresource: String,
}

/// The answer of an audit event.
#[derive(Debug, Clone, Deserialize)]
pub struct AuditStatus {
    /// HTTP status code.
    pub code: u16,
}

impl AuditEvent {
    /// Whether the request was answered and changed the store.
    pub fn is_successful_write(&self) -> bool {
        let mutating = matches!(
            self.verb.as_str(),
            "create" | "update" | "patch" | "delete" | "deletecollection"
        );
        let succeeded = self
            .response_status
            .as_ref()
            .is_some_and(|status| (200..300).contains(&status.code));
        self.stage == "ResponseComplete" && mutating && succeeded
    }

    /// A short form for messages: verb, user-free path.
    pub fn summary(&self) -> String {
        format!(
            "{} {} at {}",
            self.verb, self.request_uri, self.request_received_timestamp
        )
    }
}

/// The byte length of the log now: where a later [`events_since`] begins to read.
///
/// # Errors
/// When the file cannot be read.
pub fn position(log: &Path) -> Result<u64> {
    Ok(std::fs::metadata(log).map_err(io(log.display()))?.len())
}

/// The events that were written after `position`.
///
/// # Errors
/// When the file cannot be read or a whole line is not an audit event.
pub fn events_since(log: &Path, position: u64) -> Result<Vec<AuditEvent>> {
    let mut file = std::fs::File::open(log).map_err(io(log.display()))?;
    file.seek(SeekFrom::Start(position))
        .map_err(io(log.display()))?;
    let mut events = Vec::new();
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    // A last line without its newline is still being written.
    while reader.read_line(&mut line).map_err(io(log.display()))? > 0 && line.ends_with('\n') {
        events.push(
            serde_json::from_str(&line)
                .map_err(malformed(format!("audit log line `{}`", line.trim_end())))?,
        );
        line.clear();
    }
    Ok(events)
}

/// The requests of one user that are neither a watch nor about its lease: what promise 11 forbids in steady state.
pub fn noise<'a>(events: &'a [AuditEvent], user: &str) -> Vec<&'a AuditEvent> {
    let quiet = |event: &AuditEvent| {
        let lease = event
            .object_ref
            .as_ref()
            .is_some_and(|object| object.resource == "leases");
        event.verb == "watch" || lease
    };
    events
        .iter()
        .filter(|event| event.user.username == user && !quiet(event))
        .collect()
}

/// How often each object was created, by `group/resource/namespace/name`; churn shows as a count above one.
pub fn creations(events: &[AuditEvent]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        let created = event
            .response_status
            .as_ref()
            .is_some_and(|status| status.code == 201);
        let Some(object) = event
            .object_ref
            .as_ref()
            .filter(|object| created && object.subresource.is_empty())
        else {
            continue;
        };
        *counts
            .entry(format!(
                "{}/{}/{}/{}",
                object.api_group, object.resource, object.namespace, object.name
            ))
            .or_default() += 1;
    }
    counts
}
