//! The binary from outside: exit codes, termination messages, signals.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sde_core::lock::{MAX_TARGETS, NAME_MAX, Report, Seen, parse_answer_line, probe_line};

const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";

fn agent(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sde-agent"));
    command.args(args).env_clear();
    command
}

fn target(name: &str, port: u16) -> String {
    format!(
        r#"{{"name":"{name}","kind":"Canary","address":"127.0.0.1","port":{port},"protocol":"TCP"}}"#
    )
}

/// A loopback port nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    listener.local_addr().expect("address").port()
}

fn read_report(log: &Path) -> Report {
    Report::parse(&std::fs::read_to_string(log).expect("a report")).expect("a report")
}

fn terminate(child: &Child) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill")
            .success()
    );
}

/// Name, arguments, environment, and what the reported error must say.
type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn bad_arguments_exit_2_and_are_reported() {
    let dir = tempfile::tempdir().expect("tempdir");
    let good = format!("[{}]", target("t", 9));
    let twice = format!("[{},{}]", target("t", 9), target("t", 8));
    let dns = good.replace("127.0.0.1", "example.org");
    let unknown = good.replace("Canary", "Printer");
    let cases: &[Case<'_>] = &[
        ("no uid", &["probe"], &[("SDE_TARGETS", &good)], "required"),
        (
            "empty uid",
            &["probe"],
            &[("SDE_POD_UID", ""), ("SDE_TARGETS", &good)],
            "UID",
        ),
        (
            "bad uid",
            &["probe"],
            &[("SDE_POD_UID", "a b"), ("SDE_TARGETS", &good)],
            "UID",
        ),
        (
            "no targets",
            &["probe"],
            &[("SDE_POD_UID", UID)],
            "required",
        ),
        (
            "not json",
            &["probe"],
            &[("SDE_POD_UID", UID), ("SDE_TARGETS", "x")],
            "JSON",
        ),
        (
            "empty",
            &["probe"],
            &[("SDE_POD_UID", UID), ("SDE_TARGETS", "[]")],
            "empty",
        ),
        (
            "twice",
            &["probe"],
            &[("SDE_POD_UID", UID), ("SDE_TARGETS", &twice)],
            "twice",
        ),
        (
            "a name",
            &["probe"],
            &[("SDE_POD_UID", UID), ("SDE_TARGETS", &dns)],
            "literal",
        ),
        (
            "a kind",
            &["probe"],
            &[("SDE_POD_UID", UID), ("SDE_TARGETS", &unknown)],
            "Printer",
        ),
        (
            "one round",
            &["probe", "--rounds", "1"],
            &[("SDE_POD_UID", UID), ("SDE_TARGETS", &good)],
            "rounds",
        ),
        (
            "ping mode",
            &["probe"],
            &[
                ("SDE_POD_UID", UID),
                ("SDE_TARGETS", &good),
                ("SDE_PING", "Yes"),
            ],
            "ping",
        ),
        ("a flag", &["probe", "--nonsense"], &[], "nonsense"),
        (
            "standing",
            &["standing", "--interval-seconds", "0"],
            &[("SDE_POD_UID", UID)],
            "interval",
        ),
    ];
    for (name, args, env, says) in cases {
        for by_flag in [false, true] {
            let log = dir.path().join(format!("{name}-{by_flag}"));
            let mut command = agent(args);
            command.envs(env.iter().copied());
            if by_flag {
                command.arg("--termination-log").arg(&log);
            } else {
                command.env("SDE_TERMINATION_LOG", &log);
            }
            let output = command.output().expect("agent");
            assert_eq!(output.status.code(), Some(2), "{name}");
            let report = read_report(&log);
            let error = report.error.expect("an error");
            assert!(error.contains(says), "{name}: {error}");
            assert_eq!(report.rounds, 0);
        }
    }
}

#[test]
fn the_largest_report_fits_and_an_open_target_exits_1() {
    let open = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let port = open.local_addr().expect("address").port();
    let refused = free_port();
    let name = |i: usize| format!("{i:0>width$}", width = NAME_MAX);
    let targets: Vec<_> = (0..MAX_TARGETS)
        .map(|i| target(&name(i), if i == 7 { port } else { refused }))
        .collect();
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let output = agent(&[
        "probe",
        "--deadline-seconds",
        "1",
        "--attempt-timeout-ms",
        "100",
    ])
    .env("SDE_POD_UID", UID)
    .env("SDE_TARGETS", format!("[{}]", targets.join(",")))
    .env("SDE_TERMINATION_LOG", &log)
    .output()
    .expect("agent");
    assert_eq!(output.status.code(), Some(1));
    assert!(std::fs::metadata(&log).expect("log").len() <= 4096);
    let report = read_report(&log);
    let open: Vec<_> = report
        .results
        .iter()
        .filter(|r| r.outcome.is_open())
        .map(|r| r.name.clone())
        .collect();
    assert_eq!((report.results.len(), open), (MAX_TARGETS, vec![name(7)]));
    let stdout = String::from_utf8(output.stdout).expect("text");
    assert_eq!(Report::parse(stdout.trim_end()), Ok(report));
}

#[test]
fn a_report_that_cannot_be_written_exits_3() {
    let targets = format!("[{}]", target("t", free_port()));
    let output = agent(&[
        "probe",
        "--deadline-seconds",
        "1",
        "--attempt-timeout-ms",
        "50",
    ])
    .args(["--termination-log", "/nonexistent/log"])
    .env("SDE_POD_UID", UID)
    .env("SDE_TARGETS", targets)
    .output()
    .expect("agent");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_terminated_probe_reports_and_does_not_pass() {
    let open = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let port = open.local_addr().expect("address").port();
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let mut child = agent(&["probe", "--deadline-seconds", "60"])
        .env("SDE_POD_UID", UID)
        .env("SDE_TARGETS", format!("[{}]", target("t", port)))
        .env("SDE_TERMINATION_LOG", &log)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("agent");
    open.accept().expect("the first round");
    terminate(&child);
    assert_eq!(child.wait().expect("ended").code(), Some(1));
    assert_eq!(read_report(&log).pod_uid, UID);
}

#[test]
fn the_gate_opens_for_its_own_pod_only() {
    let dir = tempfile::tempdir().expect("tempdir");
    let file = dir.path().join("annotation");
    let gate = |deadline: &str| {
        let mut command = agent(&["gate", "--deadline-seconds", deadline]);
        command
            .env("SDE_POD_UID", UID)
            .env("SDE_GATE_FILE", &file)
            .stderr(Stdio::null());
        command
    };
    assert_eq!(gate("1").status().expect("gate").code(), Some(1), "no file");
    let mut waiting = gate("60").spawn().expect("gate");
    std::thread::sleep(Duration::from_millis(400));
    std::fs::write(dir.path().join("next"), format!("confirmed {UID}")).expect("write");
    std::fs::rename(dir.path().join("next"), &file).expect("swap");
    assert_eq!(waiting.wait().expect("ended").code(), Some(0));
    std::fs::write(&file, "confirmed 00000000-0b1d-4f5c-9a57-1f2e3d4c5b6a").expect("write");
    assert_eq!(
        gate("60").status().expect("gate").code(),
        Some(1),
        "another pod's"
    );
    let no_uid = agent(&["gate"])
        .env("SDE_POD_UID", "")
        .output()
        .expect("gate");
    assert_eq!(no_uid.status.code(), Some(2));

    std::fs::remove_file(&file).expect("remove");
    let mut waiting = gate("60").spawn().expect("gate");
    std::thread::sleep(Duration::from_millis(400));
    terminate(&waiting);
    assert_eq!(waiting.wait().expect("ended").code(), Some(1), "terminated");
}

fn http(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connect");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("write");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("read");
    text
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").expect("a body").1
}

#[test]
fn the_sentinel_answers_remembers_and_ends_gracefully() {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (listen, admin) = (local(free_port()), local(free_port()));
    let mut child = agent(&["sentinel"])
        .env("SDE_LISTEN", listen.to_string())
        .env("SDE_ADMIN", admin.to_string())
        .stderr(Stdio::null())
        .spawn()
        .expect("sentinel");
    let started = Instant::now();
    while TcpStream::connect(admin).is_err() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "never listened"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let boot: serde_json::Value =
        serde_json::from_str(body(&http(admin, "/v1/boot"))).expect("boot");
    assert!(
        boot["startedAt"].as_str().is_some_and(|t| t.ends_with('Z')),
        "{boot}"
    );

    let mut stream = TcpStream::connect(listen).expect("connect");
    stream
        .write_all(probe_line(UID, "sentinel-tcp").as_bytes())
        .expect("write");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("read");
    assert_eq!(parse_answer_line(&answer), boot["bootId"].as_str());

    let seen = |uid: &str| -> Seen {
        serde_json::from_str(body(&http(admin, &format!("/v1/seen/{uid}")))).expect("seen")
    };
    let ours = seen(UID);
    assert_eq!(
        (ours.count, ours.complete, ours.first),
        (1, true, ours.last)
    );
    assert_eq!(seen("another").count, 0);
    assert!(http(admin, "/v1/seen/a%20b").starts_with("HTTP/1.0 400"));
    assert_eq!(body(&http(admin, "/healthz")), "ok");

    terminate(&child);
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

#[test]
fn an_address_in_use_exits_3() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let address = taken.local_addr().expect("address").to_string();
    let output = agent(&["sentinel"])
        .env("SDE_LISTEN", &address)
        .output()
        .expect("sentinel");
    assert_eq!(output.status.code(), Some(3));
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let output = agent(&["standing"])
        .env("SDE_LISTEN", &address)
        .env("SDE_POD_UID", UID)
        .env("SDE_TARGETS", format!("[{}]", target("t", free_port())))
        .env("SDE_TERMINATION_LOG", &log)
        .output()
        .expect("standing");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        read_report(&log)
            .error
            .expect("why")
            .contains("cannot listen")
    );
}

#[test]
fn help_tells_the_exit_codes() {
    for subcommand in ["probe", "gate", "sentinel", "standing", "manifest"] {
        let output = agent(&[subcommand, "--help"]).output().expect("help");
        assert_eq!(output.status.code(), Some(0));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("Exit codes:"),
            "{subcommand}"
        );
    }
}
