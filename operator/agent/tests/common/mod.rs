//! Two network namespaces and a link between them: "pod", where the probe runs as confined as in a
//! pod, and "cluster", where the sentinel runs. Nothing leaves this machine.
//!
//! Needs root, or unprivileged user namespaces, and iproute2, iptables and util-linux.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sde_core::lock::{Boot, Control, Report, Seen, parse_answer_line};

pub const AGENT: &str = env!("CARGO_BIN_EXE_sde-agent");
pub const CLUSTER: &str = "10.77.0.1";
pub const POD: &str = "10.77.0.2";
pub const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";

/// A process that is killed with its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Net {
    cluster: Running,
    pod: Running,
    root: bool,
}

impl Net {
    pub fn new() -> Self {
        let id = Command::new("id").arg("-u").output().expect("id");
        let root = id.stdout == b"0\n";
        let own = if root { "-n" } else { "-Urn" };
        let cluster = Running(
            Command::new("unshare")
                .args([own, "sleep", "300"])
                .spawn()
                .expect("unshare"),
        );
        wait_namespace(&cluster.0);
        let mut inside = enter(&cluster.0, root, "unshare");
        let pod = Running(
            inside
                .args(["-n", "sleep", "300"])
                .spawn()
                .expect("unshare"),
        );
        wait_namespace(&pod.0);
        let net = Self { cluster, pod, root };
        let pod = net.pod.0.id();
        net.in_cluster(&format!(
            "ip link set lo up && ip link add pod0 type veth peer name eth0 netns {pod} \
             && ip addr add {CLUSTER}/24 dev pod0 && ip link set pod0 up"
        ));
        // The kernel limits how often it says "unreachable"; on a busy machine a refusal would pass for silence.
        net.in_cluster("echo 0 > /proc/sys/net/ipv4/icmp_ratemask");
        net.in_pod(&format!(
            "ip link set lo up && ip addr add {POD}/24 dev eth0 && ip link set eth0 up \
             && ip route add default via {CLUSTER}"
        ));
        net
    }

    pub fn in_cluster(&self, script: &str) -> String {
        shell(enter(&self.cluster.0, self.root, "bash"), script)
    }

    pub fn in_pod(&self, script: &str) -> String {
        shell(enter(&self.pod.0, self.root, "bash"), script)
    }

    /// What a NetworkPolicy does: the pod can begin nothing, answers to others still pass.
    pub fn deny(&self) {
        self.in_cluster(
            "iptables -A INPUT -i pod0 -p tcp --syn -j DROP \
             && iptables -A INPUT -i pod0 -p udp --dport 7777 -j DROP \
             && iptables -A INPUT -i pod0 -p icmp -j DROP",
        );
    }

    /// The sentinel, once it answers.
    pub fn sentinel(&self) -> Running {
        let child = enter(&self.cluster.0, self.root, AGENT)
            .arg("sentinel")
            .stderr(Stdio::null())
            .spawn()
            .expect("sentinel");
        let running = Running(child);
        wait_until("the sentinel answers", || !self.http("/healthz").is_empty());
        running
    }

    /// The agent in the pod's namespace, with the capabilities of a restricted pod: none.
    pub fn agent(&self, subcommand: &str, targets: &str, log: &Path) -> Command {
        let mut command = enter(&self.pod.0, self.root, "setpriv");
        command.args([
            "--no-new-privs",
            "--bounding-set=-all",
            "--inh-caps=-all",
            AGENT,
        ]);
        arguments(&mut command, subcommand, targets, log);
        command
    }

    /// The same with every capability the namespace has.
    pub fn privileged_agent(&self, subcommand: &str, targets: &str, log: &Path) -> Command {
        let mut command = enter(&self.pod.0, self.root, AGENT);
        arguments(&mut command, subcommand, targets, log);
        command
    }

    fn http(&self, path: &str) -> String {
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/7778 && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
        );
        let output = enter(&self.cluster.0, self.root, "bash")
            .args(["-c", &script])
            .output();
        let text = String::from_utf8(output.expect("bash").stdout).expect("text");
        text.split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap_or_default()
    }

    pub fn boot(&self) -> Boot {
        serde_json::from_str(&self.http("/v1/boot")).expect("boot")
    }

    pub fn seen(&self) -> Seen {
        serde_json::from_str(&self.http(&format!("/v1/seen/{UID}"))).expect("seen")
    }

    /// Dials from the cluster's side, an allowed place; whether the sentinel's answer came back.
    pub fn answers(&self, protocol: &str, address: &str) -> bool {
        let script = format!(
            "exec 3<>/dev/{protocol}/{address}/7777 && echo 'sde-probe/1 control x' >&3 \
             && timeout 3 head -n 1 <&3"
        );
        parse_answer_line(self.in_cluster(&script).as_bytes()).is_some()
    }

    /// The controller's half of the proof, gathered for real.
    pub fn control(&self, before: &Boot) -> Control {
        let seen = self.seen();
        Control {
            boot_id_before: Some(before.boot_id.clone()),
            boot_id_after: Some(self.boot().boot_id),
            sentinel_answered_tcp: self.answers("tcp", CLUSTER),
            sentinel_answered_udp: self.answers("udp", CLUSTER),
            nonces_seen: Some(seen.count),
            nonces_complete: seen.complete,
            reachable: std::collections::BTreeMap::new(),
        }
    }
}

fn arguments(command: &mut Command, subcommand: &str, targets: &str, log: &Path) {
    command
        .arg(subcommand)
        .env("SDE_POD_UID", UID)
        .env("SDE_TARGETS", targets)
        .env("SDE_DEADLINE_SECONDS", "8")
        .env("SDE_ATTEMPT_TIMEOUT_MS", "400")
        .env("SDE_TERMINATION_LOG", log)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
}

fn enter(child: &Child, root: bool, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.arg("-t").arg(child.id().to_string()).arg("-n");
    if !root {
        command.args(["-U", "--preserve-credentials"]);
    }
    command.arg(program);
    command
}

fn shell(mut command: Command, script: &str) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.args(["-c", script]).output().expect("bash");
    assert!(
        status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).expect("text")
}

/// Until the child has left our network namespace and become `sleep`.
fn wait_namespace(child: &Child) {
    let proc = format!("/proc/{}", child.id());
    wait_until(
        "a network namespace (root or user namespaces are needed)",
        || std::fs::read_to_string(format!("{proc}/comm")).is_ok_and(|name| name == "sleep\n"),
    );
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn report(log: &Path) -> Report {
    let text = std::fs::read_to_string(log).expect("a report");
    assert!(text.len() <= 4096);
    Report::parse(&text).expect(&text)
}
