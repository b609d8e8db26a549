//! The lines a dialler and the sentinel exchange, and what a probe sends to each target.

use super::target::{Protocol, Target, TargetKind};

/// The longest line either side reads, in bytes, newline included.
pub const MAX_LINE: usize = 256;

const PROBE: &str = "sde-probe/1 ";
const SENTINEL: &str = "sde-sentinel/1 ";

/// Whether a text can be a pod's UID (or another caller's token): 1 to 64 letters, digits or `-`.
#[must_use]
pub fn is_pod_uid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `sde-probe/1 <pod uid> <target name>\n`.
#[must_use]
pub fn probe_line(pod_uid: &str, target: &str) -> String {
    format!("{PROBE}{pod_uid} {target}\n")
}

/// The pod UID and target name of a probe line; none when it is anything else.
#[must_use]
pub fn parse_probe_line(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let rest = text.strip_suffix('\n')?.strip_prefix(PROBE)?;
    let (uid, target) = rest.split_once(' ')?;
    (is_pod_uid(uid) && !target.is_empty() && !target.contains(['\n', ' ']))
        .then_some((uid, target))
}

/// `sde-sentinel/1 <boot id>\n`.
#[must_use]
pub fn answer_line(boot_id: &str) -> String {
    format!("{SENTINEL}{boot_id}\n")
}

/// The boot id of a sentinel's answer; none when it is anything else.
#[must_use]
pub fn parse_answer_line(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?;
    let id = text.strip_suffix('\n')?.strip_prefix(SENTINEL)?;
    is_pod_uid(id).then_some(id)
}

/// What to send to a target once connected. DNS targets get a real query (root, NS), because a
/// resolver that drops a malformed one would look blocked when it is not; the others get the nonce.
#[must_use]
pub fn payload(pod_uid: &str, target: &Target) -> Vec<u8> {
    if target.kind != TargetKind::Dns {
        return probe_line(pod_uid, &target.name).into_bytes();
    }
    // RFC 1035 §4.1: id, RD set, one question; root name, type NS (2), class IN (1).
    const QUERY: [u8; 17] = [
        0x5d, 0xe1, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1,
    ];
    match target.protocol {
        Protocol::UDP => QUERY.to_vec(),
        // §4.2.2: two bytes of length come first over TCP.
        Protocol::TCP => [&[0, 17], QUERY.as_slice()].concat(),
    }
}
