//! Child processes that cannot outlive the harness: killed on drop, on panic, on Ctrl-C and when the harness itself is killed.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::{ControlPlaneError, Result, io};

/// What to run: program, arguments, extra environment, and the file that takes its output.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// Short name for messages.
    pub name: String,
    /// Path of the binary.
    pub program: PathBuf,
    /// Command line arguments.
    pub args: Vec<OsString>,
    /// Environment variables added to (or replaced in) the harness's own.
    pub env: Vec<(String, String)>,
    /// File that standard output and error are appended to.
    pub log: PathBuf,
}

/// A running child process in a process group of its own.
#[derive(Debug)]
pub struct Process {
    spec: ProcessSpec,
    child: Mutex<Child>,
}

impl Process {
    /// Starts the process.
    ///
    /// # Errors
    /// [`ControlPlaneError::Io`] when the log cannot be opened or the program cannot be run.
    pub fn start(spec: ProcessSpec) -> Result<Self> {
        let child = spawn(&spec)?;
        Ok(Self {
            spec,
            child: Mutex::new(child),
        })
    }

    /// The file that holds the process's output.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.lock().id()
    }

    /// The exit status, or `None` while the process runs.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.lock().try_wait().ok().flatten()
    }

    /// Sends SIGKILL and reaps the process; nothing when it is gone already.
    pub fn kill(&self) {
        let mut child = self.lock();
        if matches!(child.try_wait(), Ok(None)) {
            // An error here means that it ended in between, which is what was asked for.
            let _ = child.kill();
        }
        let _ = child.wait();
    }

    /// Sends a named signal, such as `TERM` or `STOP`.
    ///
    /// # Errors
    /// [`ControlPlaneError::Io`] when `kill` cannot be run, [`ControlPlaneError::Command`] when it refuses.
    pub fn signal(&self, signal: &str) -> Result<()> {
        run_to_end(
            Command::new("kill")
                .arg(format!("-{signal}"))
                .arg(self.pid().to_string()),
        )
        .map(|_| ())
    }

    /// Waits until the process has ended; `None` when it still runs after `limit`.
    pub async fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited() {
                return Some(status);
            }
            if Instant::now() >= end {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills what runs and starts the same command again; the log is appended to.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn restart(&self) -> Result<()> {
        self.kill();
        let child = spawn(&self.spec)?;
        *self.lock() = child;
        Ok(())
    }

    /// Resident set size in bytes, from `/proc/PID/status`; `None` when the process is gone.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// The last `lines` lines of the log that contain `about`, for error messages.
    pub fn log_tail(&self, lines: usize, about: &str) -> String {
        let text = std::fs::read_to_string(&self.spec.log).unwrap_or_default();
        let all: Vec<&str> = text.lines().filter(|line| line.contains(about)).collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// An error that says how the process ended, with the end of its log.
    pub fn ended_error(&self, status: ExitStatus) -> ControlPlaneError {
        ControlPlaneError::Ended {
            name: self.spec.name.clone(),
            status,
            tail: self.log_tail(8, ""),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a short command to its end and returns its standard output.
///
/// # Errors
/// [`ControlPlaneError::Io`] when it cannot be run, [`ControlPlaneError::Command`] with its error output when it fails.
pub fn run_to_end(command: &mut Command) -> Result<Vec<u8>> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(io(&shown))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ControlPlaneError::Command {
        command: shown,
        status: output.status,
        stderr,
    })
}

fn spawn(spec: &ProcessSpec) -> Result<Child> {
    let log: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&spec.log)
        .map_err(io(spec.log.display()))?;
    let errors = log.try_clone().map_err(io(spec.log.display()))?;
    // setpriv sets PR_SET_PDEATHSIG and then becomes the program, so the pid is the program's own.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(&spec.program)
        .args(&spec.args)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // Ctrl-C on the terminal must reach the harness alone, which then ends its children in order.
        .process_group(0);
    on_spawner_thread(command).map_err(io(spec.program.display()))
}

/// The kernel sends the parent-death signal when the *thread* that forked ends, and runtime threads come and go; so one thread forks
/// for the whole life of the harness.
fn on_spawner_thread(command: Command) -> std::io::Result<Child> {
    type Job = (Command, Sender<std::io::Result<Child>>);
    static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = channel::<Job>();
        std::thread::spawn(move || {
            while let Ok((mut command, answer)) = queue.recv() {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(jobs)
    });
    let (answer, result) = channel();
    let gone = |_| std::io::Error::other("the thread that starts processes has ended");
    spawner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, answer))
        .map_err(|e| gone(e.to_string()))?;
    result.recv().map_err(|e| gone(e.to_string()))?
}
