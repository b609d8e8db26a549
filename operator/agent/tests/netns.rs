//! The probe against a real network that is open, dropping, rejecting, late or absent, judged with
//! the controller's half gathered from the other side.

mod common;

use std::time::{Duration, Instant};

use common::{CLUSTER, Net, POD, UID, report, wait_until};
use sde_core::lock::{
    Enforced, OPEN_NONCE, OPEN_PING, Outcome, Report, SocketResult, Target, judge, parse_targets,
};

fn sentinel_targets() -> Vec<Target> {
    let one = |protocol: &str| {
        format!(
            r#"{{"name":"sentinel-{protocol}","kind":"Sentinel","address":"{CLUSTER}","port":7777,"protocol":"{protocol}"}}"#
        )
    };
    parse_targets(&format!("[{},{}]", one("TCP"), one("UDP"))).expect("targets")
}

fn json(targets: &[Target]) -> String {
    serde_json::to_string(targets).expect("json")
}

fn outcomes(report: &Report) -> Vec<Outcome> {
    report.results.iter().map(|r| r.outcome).collect()
}

/// Exit code and report of a probe in the pod.
fn probe(net: &Net, targets: &[Target], env: &[(&str, &str)]) -> (Option<i32>, Report) {
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let mut command = net.agent("probe", &json(targets), &log);
    let status = command.envs(env.iter().copied()).status().expect("probe");
    (status.code(), report(&log))
}

#[test]
fn a_network_that_drops_is_proven_and_judged_enforced() {
    let net = Net::new();
    let _sentinel = net.sentinel();
    let before = net.boot();
    net.deny();
    let targets = sentinel_targets();
    let (code, report) = probe(&net, &targets, &[("SDE_ATTEMPT_TIMEOUT_MS", "800")]);
    assert_eq!(code, Some(0), "{report:?}");
    assert_eq!(outcomes(&report), [Outcome::Silent, Outcome::Silent]);
    assert_eq!(
        (report.ping, report.raw),
        (SocketResult::Refused, SocketResult::Refused)
    );
    assert_eq!(report.rounds, 3);
    let control = net.control(&before);
    assert_eq!(
        judge(UID, &targets, &report, &control).enforced,
        Enforced::Yes,
        "{control:?}"
    );
}

#[test]
fn an_open_network_is_open_and_the_sentinel_is_the_witness() {
    let net = Net::new();
    let _sentinel = net.sentinel();
    let before = net.boot();
    let targets = sentinel_targets();
    let (code, report) = probe(&net, &targets, &[("SDE_DEADLINE_SECONDS", "2")]);
    assert_eq!(code, Some(1));
    assert_eq!(outcomes(&report), [Outcome::Answered, Outcome::Answered]);
    assert_eq!(report.rounds, 0);
    let control = net.control(&before);
    assert!(control.nonces_seen.is_some_and(|n| n >= 2), "{control:?}");
    let open = [OPEN_NONCE, "sentinel-TCP", "sentinel-UDP"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(
        judge(UID, &targets, &report, &control).enforced,
        Enforced::No { open }
    );
}

#[test]
fn a_policy_that_comes_late_lets_the_probe_pass_but_not_the_judgement() {
    let net = Net::new();
    let _sentinel = net.sentinel();
    let before = net.boot();
    let targets = sentinel_targets();
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let mut command = net.agent("probe", &json(&targets), &log);
    let mut running = common::Running(command.spawn().expect("probe"));
    wait_until("the first nonce", || net.seen().count > 0);
    net.deny();
    assert_eq!(running.0.wait().expect("ended").code(), Some(0));
    let report = report(&log);
    assert_eq!(outcomes(&report), [Outcome::Silent, Outcome::Silent]);
    let judgement = judge(UID, &targets, &report, &net.control(&before));
    assert_eq!(
        judgement.enforced,
        Enforced::No {
            open: vec![OPEN_NONCE.to_owned()]
        }
    );
}

#[test]
fn a_network_that_rejects_is_refused() {
    let net = Net::new();
    let _sentinel = net.sentinel();
    let before = net.boot();
    net.in_cluster(
        "iptables -A INPUT -i pod0 -p tcp --syn -j REJECT --reject-with tcp-reset \
         && iptables -A INPUT -i pod0 -p udp -j REJECT --reject-with icmp-port-unreachable",
    );
    let targets = sentinel_targets();
    let (code, report) = probe(&net, &targets, &[]);
    assert_eq!(code, Some(0), "{report:?}");
    assert_eq!(outcomes(&report), [Outcome::Refused, Outcome::Refused]);
    let judgement = judge(UID, &targets, &report, &net.control(&before));
    assert_eq!(judgement.enforced, Enforced::Yes);
}

#[test]
fn an_unreachable_that_a_router_sends_is_silence_not_absence() {
    let net = Net::new();
    net.in_cluster("iptables -A INPUT -i pod0 -j REJECT --reject-with icmp-host-prohibited");
    let (code, report) = probe(&net, &sentinel_targets(), &[]);
    assert_eq!(
        (code, outcomes(&report)),
        (Some(0), vec![Outcome::Silent, Outcome::Silent])
    );
}

#[test]
fn a_local_firewall_that_rejects_or_drops_is_closed() {
    let net = Net::new();
    net.in_pod("iptables -A OUTPUT -d 10.77.0.1 -j DROP");
    let (code, report) = probe(&net, &sentinel_targets(), &[]);
    assert_eq!(
        (code, outcomes(&report)),
        (Some(0), vec![Outcome::Silent, Outcome::Refused])
    );
}

#[test]
fn no_route_is_told_apart_from_silence_and_from_errors() {
    let net = Net::new();
    net.in_pod(
        "ip route add unreachable 203.0.113.0/25 && ip route add prohibit 203.0.113.128/26 \
         && ip route add blackhole 203.0.113.192/26",
    );
    let mut targets = Vec::new();
    for address in [
        "2001:db8::1",
        "203.0.113.1",
        "203.0.113.129",
        "203.0.113.193",
        "10.77.0.99",
    ] {
        for target in sentinel_targets() {
            let name = format!("t{}", targets.len());
            targets.push(Target {
                name,
                address: address.to_owned(),
                ..target
            });
        }
    }
    let (code, report) = probe(&net, &targets, &[("SDE_DEADLINE_SECONDS", "2")]);
    use Outcome::{Error, NoRoute, Refused, Silent};
    let expected = [
        NoRoute, NoRoute, NoRoute, NoRoute, Refused, Refused, Error, Error, Silent, Silent,
    ];
    assert_eq!(outcomes(&report), expected);
    // The errors of the blackhole route are no proof of anything.
    assert_eq!((code, report.rounds), (Some(1), 0));
}

#[test]
fn a_kernel_that_allows_raw_sockets_or_ping_is_open_whatever_the_network_does() {
    let net = Net::new();
    net.deny();
    let targets = sentinel_targets();
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let mut privileged = net.privileged_agent("probe", &json(&targets), &log);
    privileged.env("SDE_DEADLINE_SECONDS", "1");
    assert_eq!(privileged.status().expect("probe").code(), Some(1));
    assert_eq!(report(&log).raw, SocketResult::Open);

    net.in_pod("echo '0 0' > /proc/sys/net/ipv4/ping_group_range");
    let (code, report) = probe(&net, &targets, &[("SDE_DEADLINE_SECONDS", "1")]);
    assert_eq!(
        (code, report.ping, report.raw),
        (Some(1), SocketResult::Open, SocketResult::Refused)
    );
}

#[test]
fn echoes_are_really_sent() {
    let net = Net::new();
    let sent = [("SDE_PING", "Sent"), ("SDE_DEADLINE_SECONDS", "4")];
    let targets = sentinel_targets();
    // Refused sockets are not what a standing probe pod is made with.
    let (code, report) = probe(&net, &targets, &sent);
    assert_eq!((code, report.ping), (Some(1), SocketResult::Error));

    net.in_pod("echo '0 0' > /proc/sys/net/ipv4/ping_group_range");
    // Only ICMP is open: TCP and UDP have nobody listening.
    let (code, report) = probe(&net, &targets, &sent);
    assert_eq!(outcomes(&report), [Outcome::Refused, Outcome::Refused]);
    assert_eq!((code, report.ping), (Some(1), SocketResult::Open));
    let Enforced::No { open } =
        judge(UID, &targets, &report, &sde_core::lock::Control::default()).enforced
    else {
        panic!("an answered echo is open");
    };
    assert_eq!(open, [OPEN_PING]);

    net.deny();
    let (code, report) = probe(&net, &targets, &sent);
    assert_eq!((code, report.ping), (Some(0), SocketResult::Silent));
}

#[test]
fn standing_answers_neighbours_and_ends_at_once_when_the_network_opens() {
    let net = Net::new();
    let _sentinel = net.sentinel();
    net.deny();
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let mut command = net.agent("standing", &json(&sentinel_targets()), &log);
    command.env("SDE_INTERVAL_SECONDS", "1");
    let mut running = common::Running(command.spawn().expect("standing"));
    wait_until("the standing pod listens", || {
        net.in_cluster(&format!(
            "(exec 3<>/dev/tcp/{POD}/7777) 2>/dev/null && echo yes || true"
        )) == "yes\n"
    });
    assert!(net.answers("tcp", POD) && net.answers("udp", POD));
    std::thread::sleep(Duration::from_secs(2));
    assert!(
        running.0.try_wait().expect("status").is_none(),
        "still closed, still standing"
    );
    assert!(!log.exists());

    let opened = Instant::now();
    net.in_cluster("iptables -F INPUT");
    assert_eq!(running.0.wait().expect("ended").code(), Some(1));
    assert!(
        opened.elapsed() < Duration::from_secs(6),
        "{:?}",
        opened.elapsed()
    );
    assert!(outcomes(&report(&log)).contains(&Outcome::Answered));
}

#[test]
fn standing_ends_with_a_fresh_report_when_its_lifetime_is_over() {
    let net = Net::new();
    net.deny();
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let mut command = net.agent("standing", &json(&sentinel_targets()), &log);
    command
        .env("SDE_LIFETIME_SECONDS", "3")
        .env("SDE_INTERVAL_SECONDS", "30");
    assert_eq!(command.status().expect("standing").code(), Some(0));
    let report = report(&log);
    assert_eq!(outcomes(&report), [Outcome::Silent, Outcome::Silent]);
    assert!(
        report.rounds >= 4 && report.elapsed_ms >= 3000,
        "{report:?}"
    );
}
