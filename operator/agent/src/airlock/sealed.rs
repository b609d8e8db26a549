//! What may be served: the manifest, if it is the one that people confirmed, reviewed and released.

use sde_core::airlock::manifest::Manifest;
use sde_core::airlock::task::Task;

use crate::airlock::chamber::Chamber;
use crate::airlock::error::JobError;

/// The chamber's manifest, when its digest is the task's.
///
/// # Errors
/// [`JobError`] when nothing was sealed, or something else.
pub fn sealed(task: &Task, chamber: &Chamber) -> Result<Manifest, JobError> {
    let manifest = chamber
        .manifest()?
        .ok_or(JobError::Chamber("nothing is sealed in this chamber"))?;
    let content = task.door.as_ref().map(|door| door.content.as_str());
    let digest = manifest.digest(&task.salt).map_err(JobError::manifest)?;
    if content != Some(digest.as_str()) {
        return Err(JobError::Chamber(
            "the chamber's manifest is not the one that was reviewed",
        ));
    }
    Ok(manifest)
}
