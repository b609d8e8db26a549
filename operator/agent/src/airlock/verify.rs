//! Verify: what is in the chamber now?

use sde_core::airlock::task::Task;

use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;
use crate::airlock::manifest::Manifest;

/// Hashes every file anew, and says the digest of what is there.
///
/// # Errors
/// [`JobError`] when nothing was sealed, or something cannot be read.
pub fn verify(task: &Task, chamber: &Chamber) -> Result<String, JobError> {
    let (_, digest) = there(task, chamber)?;
    Ok(digest)
}

/// What was sealed, and the digest of what is there.
///
/// # Errors
/// As [`verify`].
pub fn there(task: &Task, chamber: &Chamber) -> Result<(Manifest, String), JobError> {
    let sealed = chamber
        .manifest()?
        .ok_or(JobError::Chamber("nothing is sealed in this chamber"))?;
    let digest = chamber.there(&sealed)?.digest(&task.salt)?;
    Ok((sealed, digest))
}
