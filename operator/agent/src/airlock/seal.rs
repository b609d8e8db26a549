//! Seal: one folder becomes the chamber's content, encrypted if it goes to another environment. Until the manifest stands, whatever an
//! earlier attempt left is removed and begun again; once it stands, a repeat only recomputes. So a job can be killed anywhere, and
//! once one has ended, every other says the same.

use std::io;
use std::path::Path;

use sde_core::airlock::manifest::Manifest;
use sde_core::airlock::report::{Refusal, Sealed};
use sde_core::airlock::task::Task;
use sde_crds::airlock_request::Direction;

use crate::airlock::chamber::Chamber;
use crate::airlock::copy::Copy;
use crate::airlock::encrypt::Recipient;
use crate::airlock::error::JobError;
use crate::airlock::folder::Folder;
use crate::airlock::inbox;
use crate::airlock::verify::is_laid;
use crate::tree::Lines;

/// Read at once; one buffer serves all files.
const BUFFER: usize = 1 << 20;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The folder was looked through.
    Listed,
    /// The chamber is empty.
    Begun,
    /// So many bytes of this file are copied.
    Copying(u64, u64),
    /// This file is in the chamber.
    Copied(u64),
    /// This file is in the inbox.
    Laid(u64),
    /// The manifest stands.
    Sealed,
}

/// Seals the folder at `source`, for an Import what was uploaded into the chamber, and says what is in the chamber now.
///
/// What the manifest says is what was written, whatever a file was. For whom it was encrypted is in the manifest too, so that a repeat
/// with other keys does not claim those.
///
/// # Errors
/// [`JobError::Refused`] for a folder that cannot be sealed, else nothing is known and it may be tried again.
pub fn seal(
    task: &Task,
    source: &Path,
    chamber: &Chamber,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed, JobError> {
    let manifest = match chamber.manifest()? {
        Some(manifest) => unchanged(task, chamber, manifest)?,
        None => copy_all(task, source, chamber, progress)?,
    };
    if task.direction == Direction::Import {
        chamber.drop_upload()?;
    }
    Ok(Sealed {
        digest: manifest.digest(&task.salt).map_err(JobError::manifest)?,
        files: manifest.files.len() as u64,
        bytes: manifest.size(),
        fingerprints: task
            .fingerprints
            .iter()
            .flat_map(|key| manifest.files.iter().map(|file| key.of(&file.sha256)))
            .collect(),
        recipient: manifest.recipient,
    })
}

/// An earlier attempt got to its end, and what it wrote is still there.
fn unchanged(task: &Task, chamber: &Chamber, manifest: Manifest) -> Result<Manifest, JobError> {
    let encrypts = task.direction == Direction::TransferToSde;
    if manifest.recipient.is_some() == encrypts
        && chamber.there(&manifest)? == manifest
        && is_laid(task, chamber, &manifest)?
    {
        Ok(manifest)
    } else {
        Err(JobError::Chamber(
            "the chamber does not hold what its manifest says",
        ))
    }
}

fn copy_all(
    task: &Task,
    source: &Path,
    chamber: &Chamber,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, JobError> {
    let recipient = recipient(task)?;
    let folder = folder(task, source, chamber)?;
    let entries = folder.list(task.max_files, task.max_bytes)?;
    if entries.is_empty() {
        return Err(JobError::Refused(Refusal::Empty));
    }
    progress(Progress::Listed);
    chamber.begin()?;
    progress(Progress::Begun);
    let mut buffer = vec![0; BUFFER];
    let mut files = Vec::new();
    let mut plain = Lines::default();
    for (number, entry) in (0..).zip(&entries) {
        let mut copy = Copy {
            folder: &folder,
            chamber,
            recipient: recipient.as_ref(),
            buffer: &mut buffer,
            progress,
        };
        let copied = copy.one(number, entry)?;
        plain.add(&copied.plain, entry.size, entry.path.as_bytes());
        files.push(copied.sealed);
        progress(Progress::Copied(number));
    }
    let registered = task.transfer.as_ref().and_then(|t| t.manifest.as_ref());
    if registered.is_some_and(|registered| *registered != plain.digest()) {
        return Err(JobError::Refused(Refusal::NotAsRegistered));
    }
    let manifest = Manifest::new(files).to(recipient.map(|r| r.digest));
    if task.direction == Direction::Import {
        let laid = &mut |number| progress(Progress::Laid(number));
        inbox::lay(chamber, &manifest, laid)?;
    }
    chamber.seal(&manifest)?;
    progress(Progress::Sealed);
    Ok(manifest)
}

/// To whom it is encrypted; nobody, where it does not go to another environment.
fn recipient(task: &Task) -> Result<Option<Recipient>, JobError> {
    match (task.direction, &task.transfer) {
        (Direction::TransferToSde, Some(transfer)) => Recipient::of(&transfer.keys).map(Some),
        (Direction::TransferToSde, None) => Err(JobError::Unable("it does not say for whom")),
        (Direction::Export | Direction::Import, _) => Ok(None),
    }
}

/// What is sealed.
fn folder(task: &Task, source: &Path, chamber: &Chamber) -> Result<Folder, JobError> {
    let opened = match task.direction {
        Direction::Import => return uploaded(chamber),
        Direction::Export => Folder::open(source),
        Direction::TransferToSde => Folder::open_with_mounts(source),
    };
    opened.map_err(JobError::io("the folder cannot be opened"))
}

fn uploaded(chamber: &Chamber) -> Result<Folder, JobError> {
    chamber.drop_incoming()?;
    Folder::open(&chamber.upload()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => JobError::Refused(Refusal::Empty),
        _ => JobError::Io("the upload cannot be opened", error),
    })
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod transfers;
