//! What can be wrong with policies and cases.

use std::path::PathBuf;

/// A fault in a policy, a case, or a file.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not the YAML it should be.
    #[error("{path}: {source}")]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_yaml_ng::Error,
    },
    /// A file reads well and is still not a policy, or not cases.
    #[error("{path}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is missing or too much.
        why: String,
    },
    /// An expression that our evaluator cannot parse or run. Never taken for a decision.
    #[error("{place}: {why}")]
    Cel {
        /// Policy and expression.
        place: String,
        /// What the evaluator said.
        why: String,
    },
}

/// What can be wrong, or the result.
pub type Result<T> = std::result::Result<T, PolicyError>;
