//! Ways out of a notebook's network, and into it: dialled from the kernel, counted at the receiver.

use serde_json::{Value, json};

use super::inside::{self, Control, by_id, in_control, in_kernel, lines, program};
use super::range::{LINK_LOCAL, NODE_ADMIN, Notebook, Range};
use super::{audit, witness};
use crate::cluster::error::Result;
use crate::cluster::internet;
use sde_redteam::catalogue::{self, Group};
use sde_redteam::judge::{Counted, judge};
use sde_redteam::report::Finding;

const SCRIPT: &str = include_str!("scripts/network.py");

/// Who counts what arrives.
enum Receiver<'a> {
    /// A sentinel: the node to ask from, and its administration's address.
    Sentinel(&'a str, String),
    /// The API server's audit log.
    Audit,
    /// The DNS server's log.
    Dns,
    /// A node's kernel, by port.
    Kernel(&'a str, u16),
    /// A notebook's log.
    Log(&'a Notebook),
    /// Echo requests outside.
    Echo,
    /// The kernel answers the call itself.
    Nobody,
}

struct Target<'a> {
    id: &'a str,
    kind: &'a str,
    host: &'a str,
    port: u16,
    receiver: Receiver<'a>,
    control: Control,
}

fn targets(range: &Range) -> Vec<Target<'_>> {
    let at = &range.addresses;
    let (worker, worker_ip) = (at.worker.0.as_str(), at.worker.1.as_str());
    let (plane, plane_ip) = (at.control_plane.0.as_str(), at.control_plane.1.as_str());
    let sentinel = |ip: &str| Receiver::Sentinel(worker, format!("{ip}:7778"));
    let node = |name| Receiver::Sentinel(name, NODE_ADMIN.to_owned());
    let outside = || sentinel(internet::ADDRESS);
    let target = |id, kind, host, port, receiver| Target {
        id,
        kind,
        host,
        port,
        receiver,
        control: match kind {
            "raw" | "packet" | "vsock" | "sctp" | "interface" => Control::Privileged,
            "http" if port == 8888 => Control::Proxy,
            _ => Control::Plain,
        },
    };
    let to = internet::ADDRESS;
    let node_port = at.receiver_node_port;
    vec![
        target(
            "NET-SENTINEL-TCP",
            "tcp",
            &at.sentinel,
            7777,
            sentinel(&at.sentinel),
        ),
        target(
            "NET-SENTINEL-UDP",
            "udp",
            &at.sentinel,
            7777,
            sentinel(&at.sentinel),
        ),
        target("NET-API-SERVICE", "https", &at.api, 443, Receiver::Audit),
        target("NET-API-NODE", "https", plane_ip, 6443, Receiver::Audit),
        target(
            "NET-KUBELET",
            "https",
            worker_ip,
            10250,
            Receiver::Kernel(worker, 10250),
        ),
        target(
            "NET-KUBELET-OTHER",
            "https",
            plane_ip,
            10250,
            Receiver::Kernel(plane, 10250),
        ),
        target("NET-DNS-UDP", "dns-udp", &at.dns, 53, Receiver::Dns),
        target("NET-DNS-TCP", "dns-tcp", &at.dns, 53, Receiver::Dns),
        target(
            "NET-DNS-OUTSIDE",
            "udp",
            to,
            53,
            Receiver::Sentinel(worker, format!("{to}:7779")),
        ),
        target("NET-METADATA", "tcp", LINK_LOCAL[0], 80, node(worker)),
        target("NET-LINK-LOCAL", "tcp", LINK_LOCAL[1], 80, node(worker)),
        target("NET-NODE", "tcp", worker_ip, 80, node(worker)),
        target("NET-NODE-UDP", "udp", worker_ip, 80, node(worker)),
        target("NET-NODE-OTHER", "tcp", plane_ip, 80, node(plane)),
        target(
            "NET-NODEPORT",
            "tcp",
            worker_ip,
            node_port,
            sentinel(&at.receiver),
        ),
        target(
            "NET-NODEPORT-OTHER",
            "tcp",
            plane_ip,
            node_port,
            sentinel(&at.receiver),
        ),
        target(
            "NET-POD-TCP",
            "tcp",
            &at.receiver,
            7777,
            sentinel(&at.receiver),
        ),
        target(
            "NET-POD-UDP",
            "udp",
            &at.receiver,
            7777,
            sentinel(&at.receiver),
        ),
        target(
            "NET-SERVICE",
            "tcp",
            &at.receiver_service,
            7777,
            sentinel(&at.receiver),
        ),
        target("NET-OUTSIDE-TCP", "tcp", to, 7777, outside()),
        target("NET-OUTSIDE-UDP", "udp", to, 7777, outside()),
        target(
            "NET-COLLEAGUE",
            "http",
            &range.colleague.ip,
            8888,
            Receiver::Log(&range.colleague),
        ),
        target(
            "NET-STRANGER",
            "http",
            &range.stranger.ip,
            8888,
            Receiver::Log(&range.stranger),
        ),
        target("NET-ICMP", "icmp", to, 0, Receiver::Echo),
        target("NET-RAW", "raw", "", 0, Receiver::Nobody),
        target("NET-PACKET", "packet", "", 0, Receiver::Nobody),
        target("NET-INTERFACE", "interface", "", 0, Receiver::Nobody),
        target("NET-VSOCK", "vsock", "", 0, Receiver::Nobody),
        target("NET-SCTP", "sctp", "", 0, Receiver::Nobody),
        target("NET-IPV6", "ipv6", "", 80, Receiver::Nobody),
        target(
            "NET-INTO-PLAIN",
            "http",
            &range.subject.ip,
            8888,
            Receiver::Log(&range.subject),
        ),
    ]
}

fn parameters<'a>(
    range: &Range,
    side: &str,
    targets: impl Iterator<Item = &'a Target<'a>>,
) -> Value {
    let each = targets.map(|t| {
        json!({"id": t.id, "kind": t.kind, "host": t.host, "port": t.port, "nonce": range.nonce(t.id, side),
            "hosts": ["ff02::1", "fe80::1"]})
    });
    json!({"targets": each.collect::<Vec<_>>()})
}

/// Runs the group.
///
/// # Errors
/// When a side cannot be run or a receiver not be asked.
pub fn run(range: &Range) -> Result<Vec<Finding>> {
    let (cluster, at) = (range.cluster(), &range.addresses);
    let targets = targets(range);
    for (node, _) in [&at.worker, &at.control_plane] {
        for source in [&range.subject.ip, &at.plain] {
            witness::count(cluster, node, source, 10250)?;
        }
    }
    let before = witness::echoes(cluster)?;
    let inward = |t: &&Target<'_>| t.id == "NET-INTO-PLAIN";
    let from_kernel = targets.iter().filter(|t| !inward(t));
    let code = program(SCRIPT, &parameters(range, "a", from_kernel));
    let mut attack = lines(&in_kernel(range, &range.subject, &code)?)?;
    let between = witness::echoes(cluster)?;
    let code = program(
        SCRIPT,
        &parameters(range, "a", targets.iter().filter(inward)),
    );
    attack.extend(lines(&in_control(range, Control::Plain, &code)?)?);
    let mut control = Vec::new();
    for pod in [Control::Plain, Control::Privileged, Control::Proxy] {
        let of = targets.iter().filter(|t| t.control == pod);
        let code = program(SCRIPT, &parameters(range, "c", of));
        control.extend(lines(&in_control(range, pod, &code)?)?);
    }
    let echoes = (between - before, witness::echoes(cluster)? - between);
    let (attack, control) = (by_id(attack), by_id(control));
    let mut findings = Vec::new();
    for entry in catalogue::group(Group::Network)? {
        let Some(target) = targets.iter().find(|t| t.id == entry.id) else {
            continue;
        };
        let (told, shown) = (
            inside::of(&attack, &entry.id),
            inside::of(&control, &entry.id),
        );
        let counted = counted(range, target, echoes)?;
        findings.push(Finding {
            verdict: judge(&told, &shown, counted.as_ref()),
            witness: counted.map_or(entry.witness.clone(), |c| c.line()),
            ..Finding::of(Group::Network, &entry, told.line(), shown.line())
        });
    }
    Ok(findings)
}

fn counted(range: &Range, target: &Target<'_>, echoes: (u64, u64)) -> Result<Option<Counted>> {
    let (cluster, at) = (range.cluster(), &range.addresses);
    let nonces = ["a", "c"].map(|side| range.nonce(target.id, side));
    let (by, attack, control) = match &target.receiver {
        Receiver::Nobody => return Ok(None),
        Receiver::Sentinel(node, admin) => {
            let seen = witness::seen(cluster, node, admin, &nonces)?;
            let of = |nonce: &String| seen.get(nonce).map_or(0, |s| s.count);
            (format!("nonces at {admin}"), of(&nonces[0]), of(&nonces[1]))
        }
        Receiver::Audit => (
            "requests in the audit log".to_owned(),
            audit::mentions(cluster, &at.control_plane.0, &nonces[0])?,
            audit::mentions(cluster, &at.control_plane.0, &nonces[1])?,
        ),
        Receiver::Dns => {
            let of = ["--selector", "k8s-app=kube-dns"];
            (
                "queries in the DNS server's log".to_owned(),
                witness::logged(cluster, "kube-system", &of, &nonces[0])?,
                witness::logged(cluster, "kube-system", &of, &nonces[1])?,
            )
        }
        Receiver::Kernel(node, port) => (
            format!("connection requests at {node}:{port}"),
            witness::counted(cluster, node, &range.subject.ip, *port)?,
            witness::counted(cluster, node, &at.plain, *port)?,
        ),
        Receiver::Log(notebook) => {
            let of = [notebook.pod.as_str(), "--container", "notebook"];
            (
                format!("lines of the log of {}", notebook.pod),
                witness::logged(cluster, &notebook.namespace(), &of, &nonces[0])?,
                witness::logged(cluster, &notebook.namespace(), &of, &nonces[1])?,
            )
        }
        Receiver::Echo => ("echo requests outside".to_owned(), echoes.0, echoes.1),
    };
    Ok(Some(Counted {
        by,
        attack,
        control,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_the_script_knows_is_spelled_alike() {
        for kind in [
            "tcp",
            "udp",
            "http",
            "https",
            "dns-udp",
            "dns-tcp",
            "icmp",
            "raw",
            "packet",
            "vsock",
            "sctp",
            "ipv6",
            "interface",
        ] {
            assert!(SCRIPT.contains(&format!("\"{kind}\": ")), "{kind}");
        }
    }
}
