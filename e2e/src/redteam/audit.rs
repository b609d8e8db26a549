//! The API server's audit log: its own record of every request, kept where no API user reaches it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::statics::AUDIT_LOG;
use crate::cluster::Cluster;
use crate::cluster::error::Result;

/// What the log says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// HTTP status.
    pub code: u64,
    /// Who asked, and as whom.
    pub user: String,
}

/// The log's entries by audit id; the last stage of each request counts.
///
/// # Errors
/// When the control plane's node cannot be read.
pub fn entries(cluster: &Cluster, control_plane: &str) -> Result<BTreeMap<String, Entry>> {
    let text = cluster.exec_on_node(control_plane, &["cat", AUDIT_LOG])?;
    Ok(parse(&text))
}

/// How many requests for a path with that word the log holds.
///
/// # Errors
/// When the control plane's node cannot be read.
pub fn mentions(cluster: &Cluster, control_plane: &str, word: &str) -> Result<u64> {
    let script = format!("grep -c -F -e '{word}' {AUDIT_LOG} || true");
    let count = cluster.exec_on_node(control_plane, &["sh", "-c", &script])?;
    Ok(count.trim().parse().unwrap_or_default())
}

fn parse(text: &str) -> BTreeMap<String, Entry> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|event| {
            let name = |of: &str| event[of]["username"].as_str().map(str::to_owned);
            let user = match (name("user"), name("impersonatedUser")) {
                (Some(user), Some(other)) => format!("{user} as {other}"),
                (user, other) => user.or(other).unwrap_or_default(),
            };
            Some((
                event["auditID"].as_str()?.to_owned(),
                Entry {
                    code: event["responseStatus"]["code"].as_u64()?,
                    user,
                },
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_id() {
        let text = r#"{"auditID":"a1","user":{"username":"kubernetes-admin"},"impersonatedUser":{"username":"u-7c1e"},"responseStatus":{"code":403}}
not json
{"auditID":"a2","user":{"username":"hub"},"responseStatus":{"code":201}}"#;
        let entries = parse(text);
        assert_eq!(entries["a1"].code, 403);
        assert_eq!(entries["a1"].user, "kubernetes-admin as u-7c1e");
        assert_eq!(entries["a2"].code, 201);
    }
}
