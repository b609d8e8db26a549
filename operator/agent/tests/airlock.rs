//! `sde-agent airlock-job` from outside: told by its environment, heard by its termination message, killed on the way.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sde_core::airlock::report::{Refusal, Report, Said, parse};
use sde_core::airlock::task::{Declaration, TASK_ENV, TASK_VERSION, Task, Thresholds};
use sde_core::airlock::{JobKind, Outcome};
use sde_crds::airlock_request::Direction;
use tempfile::TempDir;

const POD: &str = "11111111-0b1d-4f5c-9a57-1f2e3d4c5b6a";
const REQUEST: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";
const COUNTS: &str = "group,cases,controls\na,120,135\nb,140,155\n";

struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().expect("tempdir"));
        for folder in ["source", "chamber"] {
            fs::create_dir(site.path(folder)).expect("directory");
        }
        site
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path("source").join(name), bytes).expect("file");
    }

    fn command(&self, task: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sde-agent"));
        command
            .arg("airlock-job")
            .env_clear()
            .env(TASK_ENV, task)
            .env("SDE_POD_UID", POD)
            .env("SDE_SOURCE", self.path("source"))
            .env("SDE_CHAMBER", self.path("chamber"))
            .env("SDE_TERMINATION_LOG", self.path("log"));
        command
    }

    /// Runs a job to its end: its output, and what the controller makes of it.
    fn run(&self, kind: JobKind) -> (Output, Outcome) {
        let _ = fs::remove_file(self.path("log"));
        let output = self.command(&task(kind)).output().expect("agent");
        let message = fs::read(self.path("log")).expect("a termination message");
        (output, parse(&message, POD, kind))
    }

    fn begin(&self, kind: JobKind) -> Running {
        let child = self
            .command(&task(kind))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Running(child.expect("agent"))
    }
}

/// A child that is killed with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn task(kind: JobKind) -> String {
    task_of(kind, Direction::Export)
}

fn task_of(kind: JobKind, direction: Direction) -> String {
    let task = Task {
        version: TASK_VERSION,
        kind,
        salt: REQUEST.into(),
        direction,
        max_bytes: 8 << 30,
        max_files: 50,
        policy_digest: format!("v1:sha256:{}", "c".repeat(64)),
        thresholds: Thresholds { minimum_count: 10 },
        declaration: Declaration::default(),
        door: None,
        viewing: None,
        transfer: None,
        fingerprints: None,
        malware: None,
    };
    task.to_env().expect("a task")
}

fn silent_about(output: &Output, log: &Path, secret: &str) {
    let message = fs::read(log).expect("a termination message");
    for bytes in [&output.stdout, &output.stderr, &message] {
        assert!(!String::from_utf8_lossy(bytes).contains(secret));
    }
}

#[test]
fn sealed_scanned_and_verified() {
    let site = Site::new();
    site.put("participant-17.csv", COUNTS);
    let (output, outcome) = site.run(JobKind::Seal);
    assert_eq!(output.status.code(), Some(0));
    silent_about(&output, &site.path("log"), "participant");
    let Outcome::Sealed(content) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((content.files, content.bytes), (1, 41));

    let (output, outcome) = site.run(JobKind::Scan);
    assert_eq!(output.status.code(), Some(0));
    silent_about(&output, &site.path("log"), "participant");
    let Outcome::Scanned(findings) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(findings.content_digest, content.digest);
    assert!(site.path("chamber/report/findings.json").exists());

    let (output, outcome) = site.run(JobKind::Verify);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(outcome, Outcome::Verified(content.digest.clone()));

    fs::remove_file(site.path("chamber/content/000")).expect("removed");
    let (output, outcome) = site.run(JobKind::Verify);
    assert_eq!(output.status.code(), Some(0), "a change is a result");
    assert!(matches!(outcome, Outcome::Verified(d) if d != content.digest));
}

#[test]
fn a_refused_folder_is_a_result_and_an_absent_one_is_none() {
    let site = Site::new();
    site.put("table.csv", COUNTS);
    std::os::unix::fs::symlink("table.csv", site.path("source/participant-17")).expect("link");
    let (output, outcome) = site.run(JobKind::Seal);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(outcome, Outcome::Refused);
    silent_about(&output, &site.path("log"), "participant");
    let message = fs::read(site.path("log")).expect("message");
    let report = Report::parse(&message, POD).expect("a report");
    assert_eq!(report.result, Said::Refused(Refusal::SymbolicLink));

    fs::remove_dir_all(site.path("source")).expect("removed");
    for kind in [JobKind::Seal, JobKind::Scan, JobKind::Verify] {
        let (output, outcome) = site.run(kind);
        assert_eq!(output.status.code(), Some(1), "{kind:?}");
        assert_eq!(outcome, Outcome::Lost);
        let message = fs::read(site.path("log")).expect("message");
        let report = Report::parse(&message, POD).expect("a report");
        assert!(matches!(report.result, Said::Failed(_)), "{report:?}");
    }
}

/// Whoever runs the tests may be root, who can read anything: without capabilities a mode counts for root too.
#[test]
fn what_its_owner_does_not_let_be_read_is_refused() {
    let site = Site::new();
    site.put("table.csv", COUNTS);
    let file = site.path("source/table.csv");
    let root = fs::metadata(&file).expect("file").uid() == 0;
    let mut said = Vec::new();
    for mode in [0o000, 0o400] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("mode");
        let bare = site.command(&task(JobKind::Seal));
        let output = within(&mut confined(root), &bare).output();
        let output = output.expect("setpriv");
        assert_eq!(output.status.code(), Some(0));
        let message = fs::read(site.path("log")).expect("message");
        said.push(Report::parse(&message, POD).expect("a report").result);
    }
    assert_eq!(said[0], Said::Refused(Refusal::Unreadable));
    assert!(matches!(said[1], Said::Sealed(_)), "the control: {said:?}");
}

/// What begins another program, root or not, as one that modes count for.
fn confined(root: bool) -> Command {
    let mut confined = Command::new("setpriv");
    if root {
        confined.args(["--bounding-set=-all", "--inh-caps=-all"]);
    } else {
        confined.arg("--no-new-privs");
    }
    confined
}

/// Nobody adds to an inbox, whoever laid it; but who seals again must be able to remove it, and an upload that kubelet has made.
#[test]
fn an_inbox_that_was_shut_is_laid_again() {
    let site = Site::new();
    let root = fs::metadata(site.path("chamber")).expect("folder").uid() == 0;
    let seal = |kind| {
        let bare = site.command(&task_of(kind, Direction::Import));
        let output = within(&mut confined(root), &bare).output();
        assert_eq!(output.expect("setpriv").status.code(), Some(0));
        let message = fs::read(site.path("log")).expect("message");
        parse(&message, POD, kind)
    };
    let upload = || {
        fs::create_dir_all(site.path("chamber/upload/panel")).expect("folder");
        fs::write(site.path("chamber/upload/panel/a.csv"), COUNTS).expect("file");
        // A folder of another's, with a group that may write, is what a mount of a part of a volume begins as.
        for folder in ["chamber", "chamber/upload"] {
            let shared = Permissions::from_mode(0o775);
            fs::set_permissions(site.path(folder), shared).expect("mode");
            if root {
                chown(site.path(folder), Some(65532), None).expect("chown");
            }
        }
    };
    upload();
    let Outcome::Sealed(first) = seal(JobKind::Seal) else {
        panic!("not sealed");
    };
    // As if it had been killed before its last step.
    fs::remove_file(site.path("chamber/sealed/manifest.json")).expect("removed");
    upload();
    assert_eq!(seal(JobKind::Seal), Outcome::Sealed(first.clone()));
    assert_eq!(seal(JobKind::Verify), Outcome::Verified(first.digest));
    let inbox = fs::read_to_string(site.path("chamber/inbox/panel/a.csv"));
    assert_eq!(inbox.expect("inbox"), COUNTS);
    let mode = |path: &str| fs::metadata(site.path(path)).expect("there").mode() & 0o777;
    assert_eq!(mode("chamber/inbox/panel"), 0o555);
    assert_eq!(mode("chamber/inbox/panel/a.csv"), 0o444);
}

/// The same command, begun by another program.
fn within<'a>(program: &'a mut Command, command: &Command) -> &'a mut Command {
    program
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
}

#[test]
fn what_is_no_task_is_reported() {
    let site = Site::new();
    for (text, uid) in [("", POD), ("{}", POD), (&task(JobKind::Seal), "a b")] {
        let _ = fs::remove_file(site.path("log"));
        let mut command = site.command(text);
        let output = command.env("SDE_POD_UID", uid).output().expect("agent");
        assert_eq!(output.status.code(), Some(2), "{text}");
        let message = fs::read_to_string(site.path("log")).expect("message");
        assert!(message.contains(r#""failed":"#), "{message}");
        assert_eq!(parse(message.as_bytes(), POD, JobKind::Seal), Outcome::Lost);
    }
    let mut command = site.command("");
    let output = command.env_remove(TASK_ENV).output().expect("agent");
    assert_eq!(output.status.code(), Some(2));
    assert!(!site.path("chamber/content").exists());
}

/// Waits for a child that is at work to come to `there`.
fn wait_for(there: &Path) {
    let started = Instant::now();
    while !there.exists() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A file that takes seconds to copy, unless somebody ends that first.
fn long(site: &Site, name: &str) -> fs::File {
    let file = fs::File::create(site.path("source").join(name)).expect("file");
    file.set_len(4 << 30).expect("sparse");
    file
}

#[test]
fn killed_while_it_seals_it_resumes_to_the_same_digest() {
    const KIB: usize = 1 << 10;
    let fill = |site: &Site| {
        for n in 0..4 {
            site.put(&format!("part-{n}"), vec![b'a'; (n + 1) * 400 * KIB]);
        }
    };
    let manifest = |site: &Site| site.path("chamber/sealed/manifest.json");
    let site = Site::new();
    fill(&site);
    let (_, outcome) = site.run(JobKind::Seal);
    let Outcome::Sealed(whole) = outcome else {
        panic!("{outcome:?}");
    };

    let site = Site::new();
    fill(&site);
    // The kernel ends it, without a handler, at the first write beyond so many bytes of one file: in each file once.
    for limit in [1, 500 * KIB, 900 * KIB, 1300 * KIB] {
        let mut limited = Command::new("prlimit");
        limited.args(["--core=0", &format!("--fsize={limit}")]);
        within(&mut limited, &site.command(&task(JobKind::Seal)));
        limited.stdout(Stdio::null()).stderr(Stdio::null());
        let status = limited.status().expect("prlimit");
        assert_eq!(status.signal(), Some(25), "SIGXFSZ at {limit}");
        assert!(site.path("chamber/content/000").exists() && !manifest(&site).exists());
    }
    let (_, outcome) = site.run(JobKind::Seal);
    assert_eq!(outcome, Outcome::Sealed(whole.clone()));

    let site = Site::new();
    fill(&site);
    let part = long(&site, "part-3");
    let mut child = site.begin(JobKind::Seal);
    wait_for(&site.path("chamber/content/003"));
    child.0.kill().expect("killed");
    assert_eq!(child.0.wait().expect("child").signal(), Some(9));
    assert!(!manifest(&site).exists());
    drop(part);
    fill(&site);
    let (_, outcome) = site.run(JobKind::Seal);
    assert_eq!(outcome, Outcome::Sealed(whole.clone()));
    let (_, outcome) = site.run(JobKind::Verify);
    assert_eq!(outcome, Outcome::Verified(whole.digest));
}

#[test]
fn ended_by_a_signal_it_says_so() {
    let site = Site::new();
    long(&site, "part");
    let mut child = site.begin(JobKind::Seal);
    wait_for(&site.path("chamber/content/000"));
    let pid = child.0.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.expect("kill").success());
    assert_eq!(child.0.wait().expect("child").code(), Some(1));
    let message = fs::read(site.path("log")).expect("message");
    let report = Report::parse(&message, POD).expect("a report");
    assert_eq!(report.result, Said::Failed("ended by a signal".into()));
}
