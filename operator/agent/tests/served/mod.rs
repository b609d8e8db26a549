//! A chamber, the job that serves or fills it and the door before it, each the real program on a loopback address of its own; tickets
//! as the portals sign them; and a browser's side: HTTP/1.1 over TLS 1.3.
#![allow(dead_code, unused_imports, reason = "each test crate uses a part")]

mod client;
mod environment;
mod signed;
pub mod upload;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use client::{Answer, Client, Secured, UnderWay, answer, plain};
use sde_core::airlock::history::bound;
use sde_core::airlock::report::{Report, parse};
use sde_core::airlock::task::{
    Declaration, DoorTask, TASK_ENV, TASK_VERSION, Task, Thresholds, ViewingTask,
};
use sde_core::airlock::viewing::{Viewed, ViewingKey, ViewingSecret};
use sde_core::airlock::{JobKind, Outcome};
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{Severity, Signal, SignalUnit};
use sde_evidence::SigningKey;
use sde_ticket::{Act, Audience, Issuer, Ticket};
pub use signed::{forged, signed};
use tempfile::TempDir;

pub const POD: &str = "11111111-0b1d-4f5c-9a57-1f2e3d4c5b6a";
pub const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";
/// Of a door.
pub const CONNECTIONS: usize = 8;
pub const PERSON: &str = "u-7c1e";

/// A chamber and the address on which it is served.
pub struct Site {
    folder: TempDir,
    pub ip: Ipv4Addr,
    pub content: String,
    /// Digest of the findings under review; empty until there are any.
    pub findings: String,
    direction: Direction,
    pub max_files: u64,
    pub max_bytes: u64,
}

/// A program that is killed with its test.
pub struct Running(pub Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Running {
    pub fn signal(&self, name: &str) {
        let pid = self.0.as_ref().expect("running").id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    /// The most memory that it ever had, in bytes.
    pub fn memory(&self) -> u64 {
        let pid = self.0.as_ref().expect("running").id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB"));
        kib.and_then(|n| n.trim().parse::<u64>().ok())
            .expect("a number")
            << 10
    }

    /// Waits for its end.
    pub fn output(mut self) -> Output {
        let child = self.0.take().expect("running");
        child.wait_with_output().expect("output")
    }
}

/// No two tests share one, in this process or another.
fn address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    // 127.0 is everybody's; the rest of 127/8 is loopback as well.
    Ipv4Addr::new(
        127,
        64 + high % 128,
        low,
        NEXT.fetch_add(1, Ordering::Relaxed),
    )
}

fn key(issuer: Issuer) -> SigningKey {
    let seed = match issuer {
        Issuer::PortalRequest => 1,
        Issuer::PortalDecide => 2,
    };
    SigningKey::generate(|bytes| *bytes = [seed; 32]).expect("a key")
}

fn public(issuer: Issuer) -> String {
    key(issuer).verifying_key().to_spki_pem().expect("PEM")
}

/// What stands out of every request of a young project.
fn signal() -> Signal {
    Signal {
        rule: "AL-G017".into(),
        severity: Severity::Warn,
        unit: SignalUnit::Bytes,
        observed: 4096,
        usual: 0,
    }
}

fn viewing() -> ViewingKey {
    ViewingSecret::new(&[7; 32]).expect("a key").of(UID)
}

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

impl Site {
    /// Seals these files, by the real job.
    pub fn sealed(files: &[(&str, &[u8])]) -> Self {
        Self::sealed_with(|site| {
            for (name, bytes) in files {
                site.put(name, bytes);
            }
        })
    }

    pub fn sealed_with(fill: impl FnOnce(&Self)) -> Self {
        let mut site = Self::of(Direction::Export);
        fill(&site);
        site.seal();
        site
    }

    /// An Import that nobody has brought anything for.
    pub fn importing() -> Self {
        Self::of(Direction::Import)
    }

    fn of(direction: Direction) -> Self {
        let site = Self {
            folder: tempfile::tempdir().expect("tempdir"),
            ip: address(),
            content: String::new(),
            findings: String::new(),
            direction,
            max_files: 50,
            max_bytes: 1 << 30,
        };
        for folder in ["source", "chamber", "tls", "keys"] {
            fs::create_dir(site.path(folder)).expect("directory");
        }
        for issuer in [Issuer::PortalRequest, Issuer::PortalDecide] {
            let name = format!("keys/{}.pem", issuer.as_str());
            fs::write(site.path(&name), public(issuer)).expect("key");
        }
        site.certificate();
        site
    }

    pub fn seal(&mut self) {
        let Outcome::Sealed(sealed) = self.run(JobKind::Seal) else {
            panic!("not sealed");
        };
        self.content = sealed.digest;
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path("source").join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("directories");
        fs::write(path, bytes).expect("file");
    }

    /// Makes a new certificate of this site's address, and returns it.
    pub fn certificate(&self) -> Vec<u8> {
        let names = vec![self.ip.to_string()];
        let made = rcgen::generate_simple_self_signed(names).expect("certificate");
        fs::write(self.path("tls/key"), made.signing_key.serialize_pem()).expect("key");
        fs::write(self.path("tls/certificate"), made.cert.pem()).expect("certificate");
        made.cert.der().to_vec()
    }

    fn task(&self, kind: JobKind) -> Task {
        let keys = [Issuer::PortalRequest, Issuer::PortalDecide]
            .map(|issuer| (issuer.as_str().to_owned(), public(issuer)));
        Task {
            version: TASK_VERSION,
            kind,
            salt: UID.to_owned(),
            direction: self.direction,
            max_bytes: self.max_bytes,
            max_files: self.max_files,
            policy_digest: format!("v1:sha256:{}", "c".repeat(64)),
            thresholds: Thresholds { minimum_count: 10 },
            declaration: Declaration::default(),
            door: kind.serves().then(|| DoorTask {
                keys: BTreeMap::from(keys),
                project: "prj-4f2c".into(),
                request: "results-1".into(),
                content: self.content.clone(),
                requester: PERSON.into(),
            }),
            viewing: (kind == JobKind::View).then(|| ViewingTask {
                key: viewing(),
                findings: self.findings.clone(),
                signals: vec![signal()],
            }),
            transfer: environment::transfer(kind, self.direction),
            fingerprints: None,
            malware: None,
        }
    }

    /// Scans, by the real job: what is found is under review from now on.
    pub fn scan(&mut self) {
        let Outcome::Scanned(found) = self.run(JobKind::Scan) else {
            panic!("not scanned");
        };
        self.findings = bound(&found.digest, &[signal()]);
    }

    /// The code of somebody who has opened every file.
    pub fn code(&self, person: &str) -> String {
        viewing().code(&Viewed {
            request_uid: UID,
            content: &self.content,
            findings: &self.findings,
            person,
        })
    }

    pub fn command(&self, kind: JobKind) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sde-agent"));
        command
            .arg("airlock-job")
            .env_clear()
            .env(TASK_ENV, self.task(kind).to_env().expect("a task"))
            .env("SDE_POD_UID", POD)
            .env("SDE_SOURCE", self.path("source"))
            .env("SDE_CHAMBER", self.path("chamber"))
            .env("SDE_LISTEN", format!("{}:8444", self.ip))
            .env("SDE_TERMINATION_LOG", self.path("log"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a job to its end.
    pub fn run(&self, kind: JobKind) -> Outcome {
        let status = self.command(kind).status().expect("agent");
        assert!(status.success(), "{kind:?}");
        self.outcome(kind)
    }

    /// What the controller makes of the last job's message.
    pub fn outcome(&self, kind: JobKind) -> Outcome {
        parse(&self.message(), POD, kind)
    }

    pub fn report(&self) -> Report {
        Report::parse(&self.message(), POD).expect("a report")
    }

    fn message(&self) -> Vec<u8> {
        fs::read(self.path("log")).expect("a termination message")
    }

    /// A job that serves, once it is ready.
    pub fn job(&self, kind: JobKind) -> Running {
        self.job_of(&mut self.command(kind))
    }

    /// The same, of this command.
    pub fn job_of(&self, command: &mut Command) -> Running {
        let _ = fs::remove_file(self.path("log"));
        let running = Running(Some(command.spawn().expect("agent")));
        let ready = || {
            self.at_job("GET", "/healthz", "")
                .is_some_and(|a| a.status == 200)
        };
        wait_until("the job is ready", ready);
        running
    }

    /// Asks the job itself, as the door would.
    pub fn at_job(&self, method: &str, path: &str, token: &str) -> Option<Answer> {
        let lines = format!("Authorization: Bearer {token}\r\n");
        plain(SocketAddr::new(self.ip.into(), 8444), method, path, &lines)
    }

    pub fn door_not_ready(&self) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_sde-agent"))
            .arg("door")
            .env_clear()
            .env("SDE_LISTEN", format!("{}:8443", self.ip))
            .env("SDE_ADMIN", format!("{}:8080", self.ip))
            .env("SDE_CONNECTIONS", CONNECTIONS.to_string())
            .args(["--tls-certificate".into(), self.path("tls/certificate")])
            .args(["--tls-key".into(), self.path("tls/key")])
            .args(["--ticket-keys".into(), self.path("keys")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Running(Some(child.expect("door")))
    }

    /// The door, once it is ready.
    pub fn door(&self) -> Running {
        let running = self.door_not_ready();
        let ready = || {
            let open = std::net::TcpStream::connect((self.ip, 8443)).is_ok();
            open && self.admin("/healthz").is_some_and(|a| a.status == 200)
        };
        wait_until("the door is ready", ready);
        running
    }

    pub fn admin(&self, path: &str) -> Option<Answer> {
        plain(SocketAddr::new(self.ip.into(), 8080), "GET", path, "")
    }

    /// A counter of the door.
    pub fn counter(&self, series: &str) -> u64 {
        let text = self.admin("/metrics").expect("metrics").text();
        let line = text.lines().find_map(|l| l.strip_prefix(series));
        let value = line.unwrap_or_else(|| panic!("{series} in {text}"));
        value.trim().parse().expect("a number")
    }

    pub fn client(&self) -> Client {
        Client::new(self.ip)
    }

    pub fn ticket(&self, act: Act) -> Ticket {
        let now = now();
        Ticket {
            iss: match act {
                Act::View => Issuer::PortalDecide,
                Act::Collect | Act::Upload => Issuer::PortalRequest,
            },
            aud: Audience::Door,
            sub: PERSON.into(),
            iat: now,
            exp: now + act.max_seconds(),
            jti: format!("{:032x}", rand::random::<u128>()),
            act,
            project: "prj-4f2c".into(),
            request: "results-1".into(),
            uid: UID.into(),
            content: if act.of_sealed() {
                self.content.clone()
            } else {
                String::new()
            },
            at: SocketAddr::new(self.ip.into(), 8444),
            pod: POD.into(),
        }
    }
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
