//! The archive into a folder. The list of what came is made anew as the chamber's manifest is, so that its digest says whether this is
//! what people reviewed and released: nothing that the door or anybody on the way says is believed. Until then it lies beside, and is
//! gone if anything is otherwise.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use sde_core::airlock::manifest::{Manifest, SealedFile};
use sde_crds::AirlockRequest;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

use crate::error::CliError;

/// A part of the archive.
pub(super) type Chunk = bytes::Bytes;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// What people reviewed and released, as the API says it.
#[derive(Debug, Clone, Default)]
pub(super) struct Released {
    /// The request's UID, with which the digest is salted.
    pub(super) uid: String,
    /// Digest of the manifest.
    pub(super) content: String,
    /// To whose keys the files are encrypted, if they are.
    pub(super) recipient: Option<String>,
    /// All files together, in bytes.
    pub(super) bytes: i64,
}

impl Released {
    /// Of a request.
    ///
    /// # Errors
    /// [`CliError::Refused`] when nothing was sealed.
    pub(super) fn of(request: &AirlockRequest) -> Result<Self, CliError> {
        let content = request.status.as_ref().and_then(|s| s.content.clone());
        let content = content.ok_or_else(|| CliError::Refused("nothing was sealed".to_owned()))?;
        Ok(Self {
            uid: request.metadata.uid.clone().unwrap_or_default(),
            content: content.digest,
            recipient: content.recipient,
            bytes: content.bytes,
        })
    }
}

/// What has come so far, to be read by a thread that may wait for it.
pub(super) struct Received {
    from: Receiver<Chunk>,
    chunk: Chunk,
}

impl Received {
    /// From a channel.
    pub(super) fn new(from: Receiver<Chunk>) -> Self {
        Self {
            from,
            chunk: Chunk::new(),
        }
    }
}

impl Read for Received {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.from.blocking_recv() {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let taken = self.chunk.split_to(self.chunk.len().min(into.len()));
        into[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

/// Where files lie until they are known to be right: beside the folder, on the same disk. Made before a delivery is begun.
///
/// # Errors
/// [`CliError::File`] when nothing can be written there.
pub(super) fn beside(folder: &Path) -> Result<TempDir, CliError> {
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".airlock-download-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(CliError::file(parent))
}

/// Writes an archive's files beside, and there is a new folder of them if they are what was released; returns them.
///
/// # Errors
/// [`CliError`] when they are not, or cannot be written. Then there is no folder.
pub(super) fn unpack(
    archive: impl Read,
    released: &Released,
    beside: TempDir,
    folder: &Path,
) -> Result<Vec<SealedFile>, CliError> {
    let files = written(archive, released, beside.path())?;
    let manifest = Manifest::new(files).to(released.recipient.clone());
    let digest = manifest.digest(&released.uid);
    if digest.ok().as_ref() != Some(&released.content) {
        return Err(otherwise("its digest is another"));
    }
    fs::rename(beside.path(), folder).map_err(CliError::file(folder))?;
    let _ = beside.keep();
    Ok(manifest.files)
}

/// Every file of an archive, written below a folder that only this process writes to.
fn written(
    archive: impl Read,
    released: &Released,
    below: &Path,
) -> Result<Vec<SealedFile>, CliError> {
    let broken = |error: io::Error| {
        CliError::Refused(format!(
            "the archive cannot be read: {error}. Nothing is kept; ask for another (kubectl sde airlock download)"
        ))
    };
    let mut left = u64::try_from(released.bytes).unwrap_or_default();
    let mut files = Vec::new();
    let mut archive = Archive::new(archive);
    for (number, entry) in (0..).zip(archive.entries().map_err(broken)?) {
        let mut entry = entry.map_err(broken)?;
        let path = name(&entry)?;
        left = left
            .checked_sub(entry.size())
            .ok_or_else(|| otherwise("it is larger"))?;
        let file = below.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(CliError::file(parent))?;
        }
        let mut to = File::create_new(&file).map_err(CliError::file(&file))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = entry.read(&mut buffer).map_err(broken)?;
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
                break;
            };
            hasher.update(part);
            to.write_all(part).map_err(CliError::file(&file))?;
        }
        files.push(SealedFile {
            number,
            path,
            size: entry.size(),
            sha256: hex::encode(hasher.finalize()),
        });
    }
    // What fills the archive up is taken too, or the door says that it was not collected whole.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(files)
}

/// The name of a regular file that stays below where it is put.
fn name(entry: &Entry<'_, impl Read>) -> Result<String, CliError> {
    let path = entry.path_bytes();
    let path = std::str::from_utf8(&path).map_err(|_| otherwise("a name is no text"))?;
    let mut parts = Path::new(path).components().peekable();
    let plain = parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
    if entry.header().entry_type() != EntryType::Regular || !plain {
        return Err(otherwise("it holds something else than files"));
    }
    Ok(path.to_owned())
}

fn otherwise(how: &str) -> CliError {
    CliError::Refused(format!(
        "what came is not what was reviewed and released: {how}. Nothing is kept; tell your platform team, somebody may have changed it on its way"
    ))
}
