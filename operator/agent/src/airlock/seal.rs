//! Seal: one folder becomes the chamber's content. Until the manifest stands, whatever an earlier attempt left is removed and begun
//! again; once it stands, a repeat only recomputes. So a job can be killed anywhere, and every attempt that ends says the same.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sde_core::airlock::report::{Refusal, Sealed};
use sde_core::airlock::task::Task;
use sde_crds::airlock_request::Direction;
use sha2::{Digest, Sha256};

use crate::airlock::chamber::{Chamber, create};
use crate::airlock::error::JobError;
use crate::airlock::folder::{Entry, Folder, swapped};
use crate::airlock::inbox;
use crate::airlock::manifest::{Manifest, SealedFile, file_name};
use crate::airlock::verify::is_laid;

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
/// A file is copied in one read and must be the same, in size and times, before and after; a shared memory mapping can get round
/// that. What the manifest says is what was written, whatever the file was.
///
/// # Errors
/// [`JobError::Refused`] for a folder that cannot be sealed, else nothing is known and it may be tried again.
pub fn seal(
    task: &Task,
    source: &Path,
    chamber: &Chamber,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed, JobError> {
    if task.direction == Direction::TransferToSde {
        return Err(JobError::Unable(
            "transfers to another environment are not carried out: nothing here encrypts to its key",
        ));
    }
    let manifest = match chamber.manifest()? {
        Some(manifest) => unchanged(task, chamber, manifest)?,
        None => copy_all(task, source, chamber, progress)?,
    };
    if task.direction == Direction::Import {
        chamber.drop_upload()?;
    }
    Ok(Sealed {
        digest: manifest.digest(&task.salt)?,
        files: manifest.files.len() as u64,
        bytes: manifest.size(),
    })
}

/// An earlier attempt got to its end, and what it wrote is still there.
fn unchanged(task: &Task, chamber: &Chamber, manifest: Manifest) -> Result<Manifest, JobError> {
    if chamber.there(&manifest)? == manifest && is_laid(task, chamber, &manifest)? {
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
    let folder = match task.direction {
        Direction::Import => uploaded(chamber)?,
        Direction::Export | Direction::TransferToSde => {
            Folder::open(source).map_err(JobError::io("the folder cannot be opened"))?
        }
    };
    let entries = folder.list(task.max_files, task.max_bytes)?;
    if entries.is_empty() {
        return Err(JobError::Refused(Refusal::Empty));
    }
    progress(Progress::Listed);
    chamber.begin()?;
    progress(Progress::Begun);
    let mut buffer = vec![0; BUFFER];
    let mut files = Vec::new();
    for (number, entry) in (0..).zip(&entries) {
        let mut copy = Copy {
            folder: &folder,
            chamber,
            buffer: &mut buffer,
            progress,
        };
        files.push(copy.one(number, entry)?);
        progress(Progress::Copied(number));
    }
    let manifest = Manifest::new(files);
    if task.direction == Direction::Import {
        let laid = &mut |number| progress(Progress::Laid(number));
        inbox::lay(chamber, &manifest, laid)?;
    }
    chamber.seal(&manifest)?;
    progress(Progress::Sealed);
    Ok(manifest)
}

fn uploaded(chamber: &Chamber) -> Result<Folder, JobError> {
    chamber.drop_incoming()?;
    Folder::open(&chamber.upload()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => JobError::Refused(Refusal::Empty),
        _ => JobError::Io("the upload cannot be opened", error),
    })
}

struct Copy<'a> {
    folder: &'a Folder,
    chamber: &'a Chamber,
    buffer: &'a mut [u8],
    progress: &'a mut dyn FnMut(Progress),
}

impl Copy<'_> {
    /// Copies one file, which must stay the one that was listed.
    fn one(&mut self, number: u64, entry: &Entry) -> Result<SealedFile, JobError> {
        let mut from = self.folder.file(&entry.path).map_err(swapped)?;
        let before = stamp(&from)?;
        if (before.id, before.size) != (entry.id, entry.size) {
            return Err(JobError::Refused(Refusal::Changed));
        }
        let unwritten = || JobError::io("the chamber cannot be written");
        let mut to = create(&self.chamber.content().join(file_name(number))).map_err(unwritten())?;
        let mut hasher = Sha256::new();
        let mut size = 0;
        loop {
            let n = match from.read(self.buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(JobError::Io("a file cannot be read", error)),
            };
            size += n as u64;
            // A file that grows as fast as it is read must not fill the chamber.
            if size > entry.size {
                return Err(JobError::Refused(Refusal::Changed));
            }
            let bytes = self.buffer.get(..n).unwrap_or_default();
            hasher.update(bytes);
            to.write_all(bytes).map_err(unwritten())?;
            (self.progress)(Progress::Copying(number, size));
        }
        if size != entry.size || stamp(&from)? != before {
            return Err(JobError::Refused(Refusal::Changed));
        }
        to.sync_all().map_err(unwritten())?;
        Ok(SealedFile {
            number,
            path: entry.path.clone(),
            size,
            sha256: hex::encode(hasher.finalize()),
        })
    }
}

/// Which file it is, and when it was last changed.
#[derive(PartialEq, Eq)]
struct Stamp {
    id: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Asks an open file, which must be regular and stand alone.
fn stamp(file: &File) -> Result<Stamp, JobError> {
    let what = file
        .metadata()
        .map_err(JobError::io("a file cannot be looked at"))?;
    if !what.is_file() {
        return Err(JobError::Refused(Refusal::SpecialFile));
    }
    if what.nlink() > 1 {
        return Err(JobError::Refused(Refusal::HardLink));
    }
    Ok(Stamp {
        id: (what.dev(), what.ino()),
        size: what.len(),
        modified: (what.mtime(), what.mtime_nsec()),
        changed: (what.ctime(), what.ctime_nsec()),
    })
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
