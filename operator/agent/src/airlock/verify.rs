//! Verify: what is in the chamber now?

use sde_core::airlock::manifest::Manifest;
use sde_core::airlock::task::Task;
use sde_crds::airlock_request::Direction;

use crate::airlock::chamber::{Chamber, NO_NUMBER, foreign};
use crate::airlock::error::JobError;
use crate::airlock::inbox;

/// Hashes every file anew, and says the digest of what is there. An inbox that is not what was sealed counts as one file more.
///
/// # Errors
/// [`JobError`] when nothing was sealed, or something cannot be read.
pub fn verify(task: &Task, chamber: &Chamber) -> Result<String, JobError> {
    let sealed = sealed(chamber)?;
    let mut there = chamber.there(&sealed)?;
    if !is_laid(task, chamber, &sealed)? {
        there.files.push(foreign(NO_NUMBER));
    }
    there.digest(&task.salt).map_err(JobError::manifest)
}

/// What was sealed, and the digest of what of it lies in `content`.
///
/// # Errors
/// As [`verify`].
pub fn there(task: &Task, chamber: &Chamber) -> Result<(Manifest, String), JobError> {
    let sealed = sealed(chamber)?;
    let there = chamber.there(&sealed)?;
    let digest = there.digest(&task.salt).map_err(JobError::manifest)?;
    Ok((sealed, digest))
}

/// Whether an Import's inbox is what was sealed; nothing else has one.
///
/// # Errors
/// [`JobError::Io`] when it cannot be looked through.
pub fn is_laid(task: &Task, chamber: &Chamber, sealed: &Manifest) -> Result<bool, JobError> {
    match task.direction {
        Direction::Import => inbox::is_as_sealed(chamber, sealed),
        Direction::Export | Direction::TransferToSde => Ok(true),
    }
}

fn sealed(chamber: &Chamber) -> Result<Manifest, JobError> {
    chamber
        .manifest()?
        .ok_or(JobError::Chamber("nothing is sealed in this chamber"))
}
