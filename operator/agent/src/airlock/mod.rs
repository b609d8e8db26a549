//! `sde-agent airlock-job`: fills, seals, scans, verifies, shows or delivers one chamber, as the task in its environment says, and
//! reports by termination message. Holds no credentials, needs no network but to answer the door, and says no file's name, in messages or
//! logs.

mod access;
mod chamber;
mod copy;
mod deliver;
mod encrypt;
mod error;
mod findings;
#[cfg(test)]
mod fixture;
mod folder;
mod inbox;
mod malware;
pub mod receive;
mod scan;
mod seal;
mod sealed;
mod verify;
mod view;

use std::net::SocketAddr;
use std::panic;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sde_core::airlock::JobKind;
use sde_core::airlock::report::{Report, Said};
use sde_core::airlock::task::{TASK_ENV, Task};
use sde_core::lock::is_pod_uid;

use crate::exit::{Exit, block_on, terminated};
use crate::termination;
pub use access::now;
use chamber::Chamber;
use deliver::Patience;
use error::JobError;
use seal::Progress;

const PROGRESS: Duration = Duration::from_secs(5);

/// Arguments of `airlock-job`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do, as JSON.
    #[arg(long, env = TASK_ENV)]
    task: String,
    /// UID of the pod this runs in (downward API).
    #[arg(long, env = "SDE_POD_UID")]
    pod_uid: String,
    /// Seal of an Export: the one folder that leaves; of a TransferToSde: what is granted.
    #[arg(long, env = "SDE_SOURCE", default_value = "/source")]
    source: PathBuf,
    /// Where the chamber, or the parts of it that this job needs, are mounted.
    #[arg(long, env = "SDE_CHAMBER", default_value = "/chamber")]
    chamber: PathBuf,
    /// Receive, View and Deliver: where the door is answered.
    #[arg(long, env = "SDE_LISTEN", default_value = "0.0.0.0:8444")]
    listen: SocketAddr,
    /// Deliver: how long to wait for somebody to come; Receive: for somebody to come again. In seconds.
    #[arg(long, env = "SDE_PATIENCE_SECONDS", default_value_t = 1800)]
    patience_seconds: u64,
    /// Deliver: how long to wait for the door's count of what it handed on, in seconds.
    #[arg(long, env = "SDE_DONE_SECONDS", default_value_t = 30)]
    done_seconds: u64,
    /// Where the report goes.
    #[arg(long, env = "SDE_TERMINATION_LOG", default_value = termination::DEFAULT_PATH)]
    termination_log: PathBuf,
}

impl Args {
    /// Writes a message that only says why there is no result.
    pub fn failure(&self) -> impl FnOnce(&str) + use<> {
        let (path, uid) = (self.termination_log.clone(), self.pod_uid.clone());
        move |why| {
            finish(&path, &Report::failed(&uid, why), Exit::Internal);
        }
    }
}

/// The message of a run that could not begin.
pub fn bad_arguments(path: &Path, why: &str) {
    let uid = std::env::var("SDE_POD_UID").unwrap_or_default();
    finish(path, &Report::failed(&uid, why), Exit::BadArguments);
}

/// Exit 0 when there is a result, a refused folder included; 1 when there is none.
pub fn run(args: Args) -> Exit {
    quiet_panics();
    let task = match Task::parse(&args.task) {
        Ok(task) if is_pod_uid(&args.pod_uid) => task,
        Ok(_) => return fail(&args, "the pod UID is no UID", Exit::BadArguments),
        Err(error) => return fail(&args, &error.to_string(), Exit::BadArguments),
    };
    block_on(async move {
        let result = match task.kind {
            JobKind::Deliver | JobKind::View | JobKind::Receive => serve(&task, &args).await,
            JobKind::Seal | JobKind::Scan | JobKind::Verify => {
                let (source, chamber) = (args.source.clone(), mounted(&task, &args));
                let working = tokio::task::spawn_blocking(move || work(&task, &source, &chamber));
                tokio::select! {
                    joined = working => match joined {
                        Ok(done) => done.map(Some),
                        Err(_) => return fail(&args, "the agent panicked", Exit::Internal),
                    },
                    () = terminated() => return fail(&args, "ended by a signal", Exit::Refused),
                }
            }
        };
        match result {
            Ok(Some(said)) => {
                let report = Report::new(&args.pod_uid, said);
                finish(&args.termination_log, &report, Exit::Proven)
            }
            Ok(None) => Exit::Proven,
            Err(error) => fail(&args, &error.to_string(), Exit::Refused),
        }
    })
}

fn mounted(task: &Task, args: &Args) -> Chamber {
    Chamber::at(&args.chamber, task.direction)
}

/// What came of a job that serves; nothing is to be said of one that only showed, or took what Seal will say.
async fn serve(task: &Task, args: &Args) -> Result<Option<Said>, JobError> {
    let (pod, chamber) = (&args.pod_uid, mounted(task, args));
    let patience = Duration::from_secs(args.patience_seconds);
    match task.kind {
        JobKind::View => return view::view(task, pod, &chamber, args.listen).await,
        JobKind::Receive => {
            return receive::receive(task, pod, &chamber, args.listen, patience).await;
        }
        _ => {}
    }
    let patience = Patience {
        ticket: patience,
        done: Duration::from_secs(args.done_seconds),
    };
    let said = deliver::deliver(task, pod, &chamber, args.listen, patience).await?;
    Ok(Some(said))
}

fn work(task: &Task, source: &Path, chamber: &Chamber) -> Result<Said, JobError> {
    let done = match task.kind {
        JobKind::Seal => seal::seal(task, source, chamber, &mut logged()).map(Said::Sealed),
        JobKind::Scan => {
            let mut looked = |number| tracing::info!(number, "looked at");
            scan::scan(task, chamber, Timestamp::now(), &mut looked).map(Said::Scanned)
        }
        JobKind::Verify => verify::verify(task, chamber).map(Said::Verified),
        JobKind::View | JobKind::Deliver | JobKind::Receive => {
            Err(JobError::Unable("it serves, it is not run through"))
        }
    };
    match done {
        Err(JobError::Refused(why)) => Ok(Said::Refused(why)),
        Err(JobError::Unscanned(why)) => Ok(Said::Unscanned(why)),
        other => other,
    }
}

/// Logs each step, and long files from time to time.
fn logged() -> impl FnMut(Progress) {
    let mut said = Instant::now();
    move |progress| {
        let copying = matches!(progress, Progress::Copying(..));
        if !copying || said.elapsed() >= PROGRESS {
            said = Instant::now();
            tracing::info!(?progress, "sealing");
        }
    }
}

fn fail(args: &Args, why: &str, exit: Exit) -> Exit {
    tracing::error!("{why}");
    let report = Report::failed(&args.pod_uid, why);
    finish(&args.termination_log, &report, exit)
}

fn finish(path: &Path, report: &Report, exit: Exit) -> Exit {
    match report.to_message() {
        Ok(message) => termination::finish(path, &message, exit),
        Err(error) => {
            tracing::error!("{error}");
            Exit::Internal
        }
    }
}

/// A panic's message can quote the text it happened on, and logs leave the pod: only where it happened is said.
fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}
