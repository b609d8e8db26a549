//! Why a test failed.

use std::fmt::Display;
use std::time::Duration;

use crate::controlplane::error::ControlPlaneError;

/// A failed test.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The harness failed.
    #[error(transparent)]
    Harness(#[from] crate::cluster::error::Error),
    /// The red team's own parts failed.
    #[error(transparent)]
    Redteam(#[from] sde_redteam::error::RedteamError),
    /// The lane itself failed.
    #[error(transparent)]
    Lane(#[from] ControlPlaneError),
    /// The API server refused something, or could not be asked.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// Something is not as it must be.
    #[error("{0}")]
    Check(String),
    /// Something did not come about in time.
    #[error("after {} s: {what}", limit.as_secs())]
    TimedOut {
        /// What was waited for, and what was there instead.
        what: String,
        /// For how long.
        limit: Duration,
    },
}

/// Result of a test.
pub type Result<T> = std::result::Result<T, SuiteError>;

/// Fails the test with a message unless `holds`.
///
/// # Errors
/// [`SuiteError::Check`] when it does not hold.
pub fn check(holds: bool, message: impl Display) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(SuiteError::Check(message.to_string()))
    }
}

/// Fails the test unless two values are equal.
///
/// # Errors
/// [`SuiteError::Check`] with both values.
pub fn check_equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    wanted: &T,
) -> Result<()> {
    check(
        found == wanted,
        format_args!("{what}: found {found:?}, wanted {wanted:?}"),
    )
}

/// Fails the test unless the API server refuses a request in words that contain `says`.
///
/// # Errors
/// [`SuiteError::Check`] when it accepts, or says something else.
pub fn refused<T>(result: kube::Result<T>, says: &str) -> Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.message.contains(says) => Ok(()),
        Err(kube::Error::Api(status)) => Err(SuiteError::Check(format!(
            "refused without saying {says:?}: {}",
            status.message
        ))),
        Err(error) => Err(error.into()),
        Ok(_) => Err(SuiteError::Check(format!(
            "accepted, where it must be refused saying {says:?}"
        ))),
    }
}

/// The same of what a helper of the suites asked.
///
/// # Errors
/// As [`refused`].
pub fn refused_as<T>(result: Result<T>, says: &str) -> Result<()> {
    match result {
        Ok(done) => refused(Ok(done), says),
        Err(SuiteError::Api(error)) => refused::<T>(Err(error), says),
        Err(other) => Err(other),
    }
}
