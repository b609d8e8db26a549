//! Runs programs: output captured, a sign of life on long work, a limit where one is set, and a clean stop on Ctrl-C.
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::{paths, progress};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How much of a failed command's output an error shows, in bytes.
const SHOWN: usize = 4000;
/// How often long work gives a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Asks every running command to end; called by the signal handler.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// True once the user asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// What a program that ended well has written.
#[derive(Debug)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A program to run.
#[derive(Debug)]
pub struct Run {
    command: Command,
    what: String,
    hint: String,
    cleanup: bool,
    stdin: Option<File>,
    limit: Option<Duration>,
}

impl Run {
    /// A run of `program`, looked up in `PATH` when it is a bare name.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let what = Path::new(program.as_ref())
            .file_name()
            .unwrap_or(program.as_ref())
            .to_string_lossy()
            .into_owned();
        Self {
            command: Command::new(program),
            what,
            hint: String::new(),
            cleanup: false,
            stdin: None,
            limit: None,
        }
    }

    /// A run of cargo in the repository. What the cargo that runs this says of its own package is left out: some build scripts take
    /// it for a change of theirs, and half of all dependencies would be built again after a run of another kind.
    pub fn cargo() -> Self {
        let mut run = Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .dir(&paths::repository());
        for (name, _) in std::env::vars_os() {
            let named = name.to_string_lossy();
            if named.starts_with("CARGO_PKG_") || named.starts_with("CARGO_MANIFEST_") {
                run.command.env_remove(&name);
            }
        }
        run
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets environment variables.
    pub fn envs(mut self, pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.command.envs(pairs);
        self
    }

    /// Sets the working directory.
    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Says what the run is for, in messages.
    pub fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// Says what to do when the program cannot be started.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Marks a run that tidies up: it goes on after Ctrl-C.
    pub fn cleanup(mut self) -> Self {
        self.cleanup = true;
        self
    }

    /// Feeds the file to standard input.
    pub fn stdin(mut self, file: File) -> Self {
        self.stdin = Some(file);
        self
    }

    /// Ends it, and what it has started, when it takes longer.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Runs it; an exit code other than 0 is an error that shows the output's end.
    pub fn output(self) -> Result<Output> {
        let what = self.what.clone();
        let line = line(&self.command);
        let (status, output) = self.finish()?;
        if status.success() {
            return Ok(output);
        }
        let text = format!("{}{}", output.stdout, output.stderr);
        Err(Error::Command {
            what,
            status,
            command: line,
            output: tail(&text, SHOWN).to_owned(),
        })
    }

    /// Runs it and returns standard output, trimmed.
    pub fn text(self) -> Result<String> {
        Ok(self.output()?.stdout.trim().to_owned())
    }

    /// Runs it and tells whether it ended with exit code 0.
    pub fn succeeds(self) -> Result<bool> {
        Ok(self.finish()?.0.success())
    }

    /// Runs it and returns exit status and output, whatever they are.
    pub fn finish(mut self) -> Result<(std::process::ExitStatus, Output)> {
        if !self.cleanup && interrupted() {
            return Err(Error::Interrupted);
        }
        let stdin = self.stdin.take().map_or_else(Stdio::null, Stdio::from);
        // A group of its own: the terminal's Ctrl-C reaches the harness alone, which then ends its children in order.
        self.command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = self.command.spawn().map_err(|source| Error::Start {
            program: self.command.get_program().to_string_lossy().into_owned(),
            source,
            hint: self.hint.clone(),
        })?;
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let status = self.wait(&mut child)?;
        let output = Output {
            stdout: collect(stdout),
            stderr: collect(stderr),
        };
        Ok((status, output))
    }

    fn wait(&self, child: &mut Child) -> Result<std::process::ExitStatus> {
        let start = Instant::now();
        let mut shown = start;
        let mut pause = Duration::from_millis(2);
        loop {
            let ended = child.try_wait().map_err(|source| Error::Start {
                program: self.what.clone(),
                source,
                hint: String::new(),
            })?;
            if let Some(status) = ended {
                return Ok(status);
            }
            if !self.cleanup && interrupted() {
                end_group(child);
                return Err(Error::Interrupted);
            }
            if let Some(limit) = self.limit.filter(|limit| start.elapsed() > *limit) {
                end_group(child);
                return Err(Error::Timeout {
                    what: format!("the end of {}", self.what),
                    seconds: limit.as_secs(),
                    hint: format!("It was stopped; the command was: {}", line(&self.command)),
                });
            }
            if shown.elapsed() > HEARTBEAT {
                shown = Instant::now();
                let so_far = progress::elapsed(start.elapsed());
                progress::note(&format!("... {}, {so_far} so far", self.what));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

/// Sleeps, but ends early with an error when the user asks to stop.
pub fn pause(duration: Duration) -> Result<()> {
    let end = Instant::now() + duration;
    loop {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

fn end_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    for signal in ["-TERM", "-KILL"] {
        let _ = Command::new("kill").args([signal, "--", &group]).output();
        for _ in 0..100 {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn collect(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_command_and_its_output() {
        let error = Run::new("sh")
            .args(["-c", "echo before; echo wrong >&2; exit 3"])
            .what("the trial")
            .output()
            .expect_err("exit 3 is a failure")
            .to_string();
        assert!(error.contains("the trial failed"), "{error}");
        assert!(error.contains("before\nwrong"), "{error}");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_what_it_started() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let (began, late) = (Instant::now(), dir.path().join("late"));
        let error = Run::new("sh")
            .arg("-c")
            .arg(format!("(sleep 2; touch {}) & wait", late.display()))
            .what("the trial")
            .limit(Duration::from_millis(300))
            .output()
            .expect_err("it takes two seconds")
            .to_string();
        assert!(began.elapsed() < Duration::from_secs(2), "{error}");
        assert!(
            error.contains("the end of the trial did not happen"),
            "{error}"
        );
        std::thread::sleep(Duration::from_millis(2200));
        assert!(!late.exists(), "the child's child went on");
    }

    #[test]
    fn what_ends_in_time_is_left_alone() {
        let text = Run::new("echo")
            .arg("yes")
            .limit(Duration::from_secs(20))
            .text();
        assert_eq!(text.ok().as_deref(), Some("yes"));
    }

    #[test]
    fn an_absent_program_gives_the_hint() {
        let error = Run::new("sde-no-such-program")
            .hint("Install it.")
            .output()
            .expect_err("there is no such program")
            .to_string();
        assert!(error.ends_with("Install it."), "{error}");
    }

    #[test]
    fn tail_keeps_characters_whole() {
        assert_eq!(tail("aé", 1), "");
        assert_eq!(tail("aéb", 1), "b");
    }
}
