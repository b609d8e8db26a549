//! Why a job of the airlock has no result, or a folder is not sealed. Names no file: the text reaches the API and logs.

use std::io;

use sde_core::airlock::malware::Unscanned;
use sde_core::airlock::report::Refusal;
use sde_evidence::CanonicalError;

/// Why a job ends without what it was made for.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The folder cannot be sealed as it is; its requester can change that.
    #[error("{}", .0.advice())]
    Refused(Refusal),
    /// The malware scanner gave no answer.
    #[error("{}", .0.advice())]
    Unscanned(Unscanned),
    /// Reading or writing failed; trying again may help.
    #[error("{0}: {1}")]
    Io(&'static str, io::Error),
    /// Something has no canonical form.
    #[error("{0}: {1}")]
    Canonical(&'static str, CanonicalError),
    /// The chamber is not as it must be.
    #[error("{0}")]
    Chamber(&'static str),
    /// It is not carried out by this agent.
    #[error("{0}")]
    Unable(&'static str),
}

impl JobError {
    /// For `map_err`: what was tried.
    pub fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io(what, error)
    }

    /// For `map_err`: a manifest has no canonical form.
    pub fn manifest(error: CanonicalError) -> Self {
        Self::Canonical("the manifest", error)
    }

    /// For `map_err` of system calls.
    pub fn errno(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |error| Self::Io(what, error.into())
    }
}
