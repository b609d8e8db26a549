//! Background processes the harness starts: remembered by pid and start time, so that only they are ever ended.
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};

/// A process identified beyond the reuse of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pid: u32,
    /// Clock ticks after boot, field 22 of /proc/pid/stat.
    start_time: u64,
}

impl Started {
    /// Starts a program that outlives the harness, its output in `log`.
    pub fn spawn(program: &Path, args: &[String], log: &Path) -> Result<Self> {
        let out = File::create(log).map_err(Error::io("cannot create", log))?;
        let err = out.try_clone().map_err(Error::io("cannot create", log))?;
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Start {
                program: program.display().to_string(),
                source,
                hint: String::new(),
            })?;
        let pid = child.id();
        let start_time = start_time(pid).ok_or_else(|| {
            Error::host(
                format!("{} ended at once", program.display()),
                format!("Read {}.", log.display()),
            )
        })?;
        Ok(Self { pid, start_time })
    }

    /// True while this very process runs.
    pub fn alive(self) -> bool {
        start_time(self.pid) == Some(self.start_time)
    }

    /// Asks it to end, and waits; insists after `patience`.
    pub fn end(self, patience: Duration) -> Result<()> {
        for (signal, patience) in [("-TERM", patience), ("-KILL", Duration::from_secs(5))] {
            let start = Instant::now();
            if self.alive() {
                let _ = Command::new("kill")
                    .args([signal, &self.pid.to_string()])
                    .output();
            }
            while self.alive() && start.elapsed() < patience {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        if self.alive() {
            return Err(Error::host(
                format!("process {} does not end", self.pid),
                "Look at it with `ps`.",
            ));
        }
        Ok(())
    }
}

/// The start time of a running process; none for an absent or dead one.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and parentheses: fields count from the last parenthesis.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_and_ended_and_another_with_its_number_is_not_it() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let log = dir.path().join("log");
        let process =
            Started::spawn(Path::new("sleep"), &["60".to_owned()], &log).expect("sleep runs");
        assert!(process.alive());
        let impostor = Started {
            start_time: process.start_time + 1,
            ..process
        };
        assert!(!impostor.alive());
        process.end(Duration::from_secs(5)).expect("sleep ends");
        assert!(!process.alive());
    }
}
