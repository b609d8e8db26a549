//! What can go wrong while a control plane or one of its helpers is started and driven.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Errors of the control-plane lane.
#[derive(Debug, thiserror::Error)]
pub enum ControlPlaneError {
    /// A file or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// The file or command.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A helper command ended with an error.
    #[error("{command} ended with {status}: {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed on standard error.
        stderr: String,
    },
    /// A binary that the lane needs is not there.
    #[error("{name} is not in {}, which SDE_E2E_BIN names; put it there, or unset SDE_E2E_BIN to have it built", folder.display())]
    Missing {
        /// The binary.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A binary could not be built.
    #[error(transparent)]
    Harness(#[from] crate::cluster::error::Error),
    /// A process ended that should run.
    #[error("{name} ended with {status}; the end of its log:\n{tail}")]
    Ended {
        /// The process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        tail: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {} s", limit.as_secs_f32())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// The API server refused, or could not be asked.
    #[error("{what}: {source}")]
    Api {
        /// What was asked.
        what: String,
        /// The cause.
        source: Box<kube::Error>,
    },
    /// Something was read that does not have the form it should have.
    #[error("{what}: {why}")]
    Malformed {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Result of the control-plane lane.
pub type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Turns an I/O error into ours, naming the file or command.
pub fn io(what: impl Display) -> impl FnOnce(std::io::Error) -> ControlPlaneError {
    let what = what.to_string();
    move |source| ControlPlaneError::Io { what, source }
}

/// Turns a client error into ours, naming the request.
pub fn api(what: impl Display) -> impl FnOnce(kube::Error) -> ControlPlaneError {
    let what = what.to_string();
    move |source| ControlPlaneError::Api {
        what,
        source: Box::new(source),
    }
}

/// Turns any parse error into ours, naming what was read.
pub fn malformed<E: Display>(what: impl Display) -> impl FnOnce(E) -> ControlPlaneError {
    let what = what.to_string();
    move |why| ControlPlaneError::Malformed {
        what,
        why: why.to_string(),
    }
}
