//! What can go wrong in the harness; every message says what to do next.
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Result of a harness operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the harness itself (never of the system under test).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was attempted, for example `cannot read`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot run `{program}`: {source}. {hint}")]
    Start {
        /// The program's name.
        program: String,
        /// The operating system's answer.
        source: std::io::Error,
        /// What the reader can do.
        hint: String,
    },
    /// A program ended with an error.
    #[error("{what} failed ({status}); the command was: {command}\n{output}")]
    Command {
        /// What the command was for.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// The command line.
        command: String,
        /// The end of its output.
        output: String,
    },
    /// The user asked to stop (Ctrl-C).
    #[error("stopped on request; what this run had started was taken down")]
    Interrupted,
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s. {hint}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
        /// Where to look.
        hint: String,
    },
    /// The host lacks something the harness cannot provide by itself.
    #[error("{what}. {hint}")]
    Host {
        /// What is missing.
        what: String,
        /// What the reader can do.
        hint: String,
    },
    /// A file of the repository or of the state directory is not what it should be.
    #[error("{} is not usable: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The Kubernetes client refused.
    #[error("Kubernetes client: {0}")]
    Kube(#[from] Box<kube::Error>),
    /// The kubeconfig could not be used.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The red team's catalogue, list or report.
    #[error("red team: {0}")]
    Redteam(#[from] sde_redteam::error::RedteamError),
}

impl Error {
    /// An [`Error::Io`] for `map_err`.
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { what, path, source }
    }

    /// An [`Error::Host`].
    pub fn host(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Host {
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// An [`Error::Malformed`].
    pub fn malformed(path: &Path, why: impl ToString) -> Self {
        Self::Malformed {
            path: path.to_path_buf(),
            why: why.to_string(),
        }
    }
}
