//! What an Import holds before it is sealed: files that are there whole, those that are arriving, and how much room is left. Its
//! calls wait for the disk.
//!
//! While a file arrives that replaces another, only what it has beyond that one counts. So the sum never exceeds what is allowed,
//! whichever of several that arrive at once gets there, or is thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::airlock::chamber::{Chamber, INCOMING, sync};
use crate::airlock::error::JobError;
use crate::airlock::folder::{Allowed, FOLDERS_MAX, Folder};
use crate::airlock::receive::path::folders;

/// Read at once.
const BUFFER: usize = 1 << 20;

/// What an Import may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No file can be called so.
    #[error(
        "Its name cannot be used: rename it. Names are relative, without control characters, \"..\" and empty parts, each part at most 255 bytes and all at most 1024."
    )]
    Name,
    /// One file more than allowed.
    #[error("There are as many files as a request may have. Remove one, or make another request.")]
    Files,
    /// One folder more than allowed.
    #[error("There are as many folders as a request may have. Put the files into fewer.")]
    Folders,
    /// More bytes than allowed.
    #[error("It does not fit into the room that is left. Remove a file, or make another request.")]
    Bytes,
    /// A file where a folder is wanted, or the other way round.
    #[error("A folder and a file cannot have the same name. Rename one of them.")]
    Clash,
    /// The disk's doing.
    #[error("It could not be written. Try again; if it stays like this, tell the platform team.")]
    Io(#[from] io::Error),
}

/// A file that is there.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Bytes.
    pub size: u64,
    /// SHA-256, 64 hexadecimal digits, once it is known.
    pub sha256: Option<String>,
    id: (u64, u64),
}

/// What there is, to be shown.
#[derive(Debug)]
pub struct Shown {
    /// By path.
    pub files: BTreeMap<String, Kept>,
    /// Bytes of all, those that are arriving included.
    pub bytes: u64,
    /// What there may be.
    pub limits: Limits,
}

/// An Import before it is sealed.
pub struct Store {
    root: PathBuf,
    limits: Limits,
    there: Mutex<There>,
}

/// What is there, and what arrives.
#[derive(Default)]
struct There {
    files: BTreeMap<String, Kept>,
    coming: BTreeMap<u64, Coming>,
    /// Number of the next that arrives.
    next: u64,
}

struct Coming {
    path: String,
    size: u64,
}

impl Store {
    /// Of this chamber. What had not arrived whole before is thrown away; what had is there.
    ///
    /// # Errors
    /// [`JobError`]: the chamber cannot be used.
    pub fn open(chamber: &Chamber, limits: Limits) -> Result<Self, JobError> {
        let failed = || JobError::io("the upload cannot be made ready");
        let root = chamber.upload();
        fs::create_dir_all(&root).map_err(failed())?;
        chamber.drop_incoming()?;
        prune_below(&root).map_err(failed())?;
        // However many there are: too many can only be removed.
        let all = Allowed {
            files: u64::MAX,
            bytes: u64::MAX,
            links: 1,
        };
        let listed = Folder::open(&root).map_err(failed())?.listed(all)?;
        fs::create_dir(root.join(INCOMING)).map_err(failed())?;
        sync(&root).map_err(failed())?;
        let files = listed.files.into_iter().map(|entry| {
            let kept = Kept {
                size: entry.size,
                sha256: None,
                id: entry.id,
            };
            (entry.path, kept)
        });
        Ok(Self {
            limits,
            there: Mutex::new(There {
                files: files.collect(),
                ..There::default()
            }),
            root,
        })
    }

    /// What there is now.
    pub fn shown(&self) -> Shown {
        let there = self.there();
        Shown {
            files: there.files.clone(),
            bytes: there.bytes(),
            limits: self.limits,
        }
    }

    /// Removes a file; one that is not there is removed.
    ///
    /// # Errors
    /// When the disk fails; then it is still there.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        let mut there = self.there();
        if !there.files.contains_key(path) {
            return Ok(());
        }
        match fs::remove_file(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => there.files.remove(path),
        };
        self.prune(path)
    }

    /// Hashes what has no hash yet. A file that is replaced meanwhile keeps the hash that it came with.
    pub fn hash_missing(&self) {
        let unknown: Vec<_> = {
            let there = self.there();
            let unknown = there.files.iter().filter(|(_, f)| f.sha256.is_none());
            unknown.map(|(path, f)| (path.clone(), f.id)).collect()
        };
        for (path, id) in unknown {
            let hashed = self.hash(&path);
            if let Some(kept) = self.there().files.get_mut(&path).filter(|f| f.id == id) {
                match hashed {
                    Ok(sha256) => kept.sha256 = Some(sha256),
                    Err(error) => tracing::error!(%error, "a file cannot be read"),
                }
            }
        }
    }

    fn hash(&self, path: &str) -> io::Result<String> {
        let mut file = Folder::open(&self.root)?.file(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex::encode(hasher.finalize())),
                n => hasher.update(&buffer[..n]),
            }
        }
    }

    /// A place for a file that arrives, by number.
    pub(super) fn begin(&self, path: &str) -> Result<u64, Refused> {
        let mut there = self.there();
        there.admits(path, self.limits)?;
        let number = there.next;
        there.next += 1;
        let coming = Coming {
            path: path.to_owned(),
            size: 0,
        };
        there.coming.insert(number, coming);
        Ok(number)
    }

    /// Where a file lies while it arrives.
    pub(super) fn beside(&self, number: u64) -> PathBuf {
        self.root.join(INCOMING).join(number.to_string())
    }

    /// Room for so many bytes more of it.
    pub(super) fn grow(&self, number: u64, bytes: u64) -> Result<(), Refused> {
        let mut there = self.there();
        let Some(coming) = there.coming.get_mut(&number) else {
            return Err(Refused::Bytes);
        };
        coming.size = coming.size.saturating_add(bytes);
        if there.bytes() > self.limits.bytes {
            return Err(Refused::Bytes);
        }
        Ok(())
    }

    /// It is whole and on the disk: from now on it is there, in the place of the one that was.
    pub(super) fn keep(&self, number: u64, file: &File, sha256: String) -> Result<(), Refused> {
        let mut there = self.there();
        let Some(coming) = there.coming.get(&number) else {
            return Err(Refused::Bytes);
        };
        let path = coming.path.clone();
        let what = file.metadata()?;
        let kept = Kept {
            size: what.size(),
            sha256: Some(sha256),
            id: (what.dev(), what.ino()),
        };
        let to = self.root.join(&path);
        let placed = make_folders(&self.root, &path)
            .and_then(|()| fs::rename(self.beside(number), &to))
            .and_then(|()| sync(to.parent().unwrap_or(&self.root)));
        if let Err(error) = placed {
            self.prune(&path)?;
            return Err(error.into());
        }
        there.coming.remove(&number);
        there.files.insert(path, kept);
        Ok(())
    }

    /// It does not arrive, or is there.
    pub(super) fn end(&self, number: u64) {
        let given_up = self.there().coming.remove(&number).is_some();
        if given_up && let Err(error) = fs::remove_file(self.beside(number)) {
            // It is removed when the next job begins, and when the Import is sealed.
            tracing::warn!(%error, "what did not arrive whole is still there");
        }
    }

    /// Removes the folders of a path that are empty now.
    fn prune(&self, path: &str) -> io::Result<()> {
        let gone = |folder: &&str| match fs::remove_dir(self.root.join(folder)) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let left = folders(path).find(|folder| !gone(folder));
        sync(&self.root.join(left.unwrap_or_default()))
    }

    fn there(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl There {
    /// Bytes of all, those that are arriving included.
    fn bytes(&self) -> u64 {
        let there = self.files.values().map(|f| f.size);
        let more = self.coming.values().map(|coming| {
            let replaced = self.files.get(&coming.path).map_or(0, |f| f.size);
            coming.size.saturating_sub(replaced)
        });
        there.chain(more).fold(0, u64::saturating_add)
    }

    /// Every path that there is, or will be.
    fn paths(&self) -> BTreeSet<&str> {
        let coming = self.coming.values().map(|c| c.path.as_str());
        self.files
            .keys()
            .map(String::as_str)
            .chain(coming)
            .collect()
    }

    /// Whether a file of this path fits in.
    fn admits(&self, path: &str, limits: Limits) -> Result<(), Refused> {
        let mut paths = self.paths();
        let within = |other: &&str| {
            let below = other.strip_prefix(path);
            below.is_some_and(|rest| rest.starts_with('/'))
        };
        if paths.iter().any(within) || folders(path).any(|folder| paths.contains(folder)) {
            return Err(Refused::Clash);
        }
        paths.insert(path);
        if paths.len() as u64 > limits.files {
            return Err(Refused::Files);
        }
        let all: BTreeSet<&str> = paths.iter().flat_map(|path| folders(path)).collect();
        // One is the folder that all are in.
        if all.len() + 1 > FOLDERS_MAX {
            return Err(Refused::Folders);
        }
        Ok(())
    }
}

/// Makes the folders of a path, each so that it outlives a crash.
fn make_folders(root: &Path, path: &str) -> io::Result<()> {
    let missing: Vec<_> = folders(path)
        .map(|folder| root.join(folder))
        .take_while(|folder| !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(&folder)?;
        sync(folder.parent().unwrap_or(root))?;
    }
    Ok(())
}

/// Removes the empty folders below a folder: what a crash can leave of a file that was about to be there.
fn prune_below(folder: &Path) -> io::Result<bool> {
    let mut empty = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let goes = entry.file_type()?.is_dir() && prune_below(&entry.path())?;
        if goes {
            fs::remove_dir(entry.path())?;
        }
        empty &= goes;
    }
    Ok(empty)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
