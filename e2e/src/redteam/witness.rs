//! Receivers outside the attacker's reach: sentinels asked from their node, packet counters of the kernel, and logs.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cluster::error::{Error, Result};
use crate::cluster::{Cluster, internet};

/// What a sentinel remembers of a nonce.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// How often it came.
    pub count: u64,
    /// When first.
    pub first: Option<jiff::Timestamp>,
    /// When last.
    pub last: Option<jiff::Timestamp>,
    /// Whether it lost none.
    #[serde(default)]
    pub complete: bool,
}

impl Seen {
    /// From the first to the last, in milliseconds.
    pub fn milliseconds(&self) -> i64 {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.as_millisecond() - first.as_millisecond(),
            _ => 0,
        }
    }
}

/// What a sentinel at `address:port` (its administration's) has seen of nonces, asked from a node.
///
/// # Errors
/// When it does not answer, or lost memory.
pub fn seen(
    cluster: &Cluster,
    node: &str,
    admin: &str,
    nonces: &[String],
) -> Result<BTreeMap<String, Seen>> {
    let (host, port) = admin.rsplit_once(':').unwrap_or((admin, "7778"));
    let script = format!(
        "for n in \"$@\"; do exec 3<>/dev/tcp/{host}/{port} || exit 1; \
         printf 'GET /v1/seen/%s HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' \"$n\" >&3; \
         echo \"$n $(tail -n 1 <&3)\"; exec 3>&-; done"
    );
    let mut args = vec!["bash", "-c", &script, "bash"];
    args.extend(nonces.iter().map(String::as_str));
    let text = cluster.exec_on_node(node, &args)?;
    let place = std::path::Path::new(admin);
    text.lines()
        .map(|line| {
            let (nonce, json) = line.split_once(' ').unwrap_or((line, ""));
            let seen: Seen = serde_json::from_str(json)
                .map_err(|e| Error::malformed(place, format!("{e}: {line}")))?;
            if !seen.complete {
                return Err(Error::malformed(place, "the sentinel lost nonces"));
            }
            Ok((nonce.to_owned(), seen))
        })
        .collect()
}

/// Echo requests that "the internet" has received.
///
/// # Errors
/// When its container cannot be asked.
pub fn echoes(cluster: &Cluster) -> Result<u64> {
    let (docker, _) = cluster.made_by_us()?;
    let name = internet::container(cluster.name());
    let text = docker
        .run()
        .args(["exec", &name, "cat", "/proc/net/snmp"])
        .limit(std::time::Duration::from_secs(30))
        .text()?;
    let mut lines = text.lines().filter(|line| line.starts_with("Icmp:"));
    let (names, values) = (lines.next(), lines.next());
    let found = names
        .into_iter()
        .zip(values)
        .flat_map(|(names, values)| names.split(' ').zip(values.split(' ')))
        .find(|(name, _)| *name == "InEchos")
        .and_then(|(_, value)| value.parse().ok());
    found.ok_or_else(|| {
        Error::malformed(std::path::Path::new(&name), "no InEchos in /proc/net/snmp")
    })
}

/// Makes a node count connection requests from an address to a port of its own.
///
/// # Errors
/// When iptables refuses.
pub fn count(cluster: &Cluster, node: &str, source: &str, port: u16) -> Result<()> {
    let script = format!(
        "iptables -N REDTEAM 2>/dev/null && iptables -I INPUT -j REDTEAM; \
         iptables -A REDTEAM -s {source} -p tcp --syn --dport {port}"
    );
    cluster.exec_on_node(node, &["sh", "-c", &script]).map(drop)
}

/// How many of them came.
///
/// # Errors
/// When iptables refuses.
pub fn counted(cluster: &Cluster, node: &str, source: &str, port: u16) -> Result<u64> {
    let text = cluster.exec_on_node(node, &["iptables", "-vxnL", "REDTEAM"])?;
    let wanted = format!("dpt:{port}");
    Ok(text
        .lines()
        .filter(|line| line.contains(&wanted) && line.split_whitespace().any(|w| w == source))
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum())
}

/// How many lines of a pod's log (of all pods of a selector) hold a word.
///
/// # Errors
/// When the log cannot be read.
pub fn logged(cluster: &Cluster, namespace: &str, of: &[&str], word: &str) -> Result<u64> {
    let mut args = vec!["logs", "--namespace", namespace, "--tail", "-1"];
    args.extend(of);
    let text = cluster.kubectl(args)?;
    Ok(text.lines().filter(|line| line.contains(word)).count() as u64)
}
