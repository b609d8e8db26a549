//! What can go wrong apart from the attacks.

use std::path::{Path, PathBuf};

/// Result of the red team's own work.
pub type Result<T, E = RedteamError> = std::result::Result<T, E>;

/// A failure of the red team itself; never that of an attempt.
#[derive(Debug, thiserror::Error)]
pub enum RedteamError {
    /// A file of this crate, or a report, is not what it should be.
    #[error("{what}: {why}")]
    Malformed {
        /// Which one.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// What is to be attacked cannot be read.
    #[error("reading what is to be attacked: {0}")]
    Read(Box<kube::Error>),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl RedteamError {
    /// What is wrong with something.
    pub fn malformed(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Malformed {
            what: what.to_owned(),
            why: why.to_string(),
        }
    }

    /// A file that cannot be written.
    pub fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
