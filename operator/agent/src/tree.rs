//! Walks a dataset and hashes it into its canonical manifest:
//! `<sha256 hex>  <size>  <relative path>\n` for every regular file, sorted by the bytes of the path.
//!
//! Paths are bytes, not text: names that are no UTF-8 are kept as they are. Names with control
//! characters (newlines above all) are refused rather than escaped, so that one line is one file for
//! any tool that reads it. Empty directories leave no line.

use std::fs::{self, File, FileType};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Read at once; one buffer serves the whole walk.
const BUFFER: usize = 1 << 20;

/// What a tree hashed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// `sha256:` and the hex digest of all the lines.
    pub digest: String,
    /// Regular files.
    pub files: u64,
    /// Their sizes, summed.
    pub bytes: u64,
}

/// Why a tree has no manifest. `Display` has the path, for the container's log only; [`Self::public`]
/// has not, because file names may be identifying and termination messages reach the API.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("{0:?} is a symbolic link: links are not followed and not allowed in a dataset")]
    Symlink(PathBuf),
    #[error("{0:?} is a {1}: only regular files and directories are allowed in a dataset")]
    Special(PathBuf, &'static str),
    #[error("{0:?} has a control character in its name: rename it, manifests have one file a line")]
    ControlCharacter(PathBuf),
    #[error("{0:?} changed while it was read: a dataset must be at rest")]
    Changed(PathBuf),
    #[error("{0:?} is not a directory")]
    Root(PathBuf),
    #[error("{0:?} cannot be read: {1}")]
    Read(PathBuf, io::Error),
    #[error("the manifest cannot be written: {0}")]
    Output(io::Error),
}

impl TreeError {
    /// The same without any file name.
    pub fn public(&self) -> String {
        match self {
            Self::Symlink(_) => "a symbolic link is not allowed in a dataset".into(),
            Self::Special(_, kind) => format!("a {kind} is not allowed in a dataset"),
            Self::ControlCharacter(_) => "a file name has a control character".into(),
            Self::Changed(_) => "a file changed while it was read".into(),
            Self::Root(_) => "the root is not a directory".into(),
            Self::Read(_, error) => format!("a file cannot be read: {}", error.kind()),
            Self::Output(_) => "the manifest cannot be written".into(),
        }
    }
}

/// The lines of a manifest, hashed one after the other. Whoever adds them does so in the order of the bytes of the paths.
#[derive(Default)]
pub struct Lines(Sha256);

impl Lines {
    /// One file's: the hexadecimal digits of its SHA-256, its size in bytes, its path below the root.
    pub fn add(&mut self, sha256: &str, size: u64, path: &[u8]) -> Vec<u8> {
        let mut line = format!("{sha256}  {size}  ").into_bytes();
        line.extend_from_slice(path);
        line.push(b'\n');
        self.0.update(&line);
        line
    }

    /// `sha256:` and the hex digest of all of them.
    pub fn digest(self) -> String {
        format!("sha256:{}", hex::encode(self.0.finalize()))
    }
}

/// Hashes the tree under `root`, writing each line to `lines` and telling `progress` the files and
/// bytes so far after every buffer.
pub fn hash_tree(
    root: &Path,
    lines: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, TreeError> {
    let mut buffer = vec![0; BUFFER];
    let mut all = Lines::default();
    let (mut files, mut bytes) = (0, 0);
    walk(root, &mut |path, relative| {
        let (hash, size) = hash_file(path, &mut buffer, &mut |read| progress(files, bytes + read))?;
        let line = all.add(&hash, size, relative);
        lines.write_all(&line).map_err(TreeError::Output)?;
        files += 1;
        bytes += size;
        Ok(())
    })?;
    lines.flush().map_err(TreeError::Output)?;
    Ok(Summary {
        digest: all.digest(),
        files,
        bytes,
    })
}

type Visit<'a> = &'a mut dyn FnMut(&Path, &[u8]) -> Result<(), TreeError>;

/// One directory's children, last first: name with a `/` appended for directories.
type Level = Vec<(Vec<u8>, bool)>;

/// Visits regular files in the order of the bytes of their relative paths, holding the names of only
/// the directories on the way. Sorting a directory as `name/` makes that order come out by itself.
fn walk(root: &Path, visit: Visit<'_>) -> Result<(), TreeError> {
    let kind = fs::symlink_metadata(root)
        .map_err(|e| TreeError::Read(root.into(), e))?
        .file_type();
    if kind.is_symlink() {
        return Err(TreeError::Symlink(root.into()));
    }
    if !kind.is_dir() {
        return Err(TreeError::Root(root.into()));
    }
    let mut relative = Vec::new();
    let mut stack = vec![(0, children(root)?)];
    while let Some((prefix, level)) = stack.last_mut() {
        relative.truncate(*prefix);
        let Some((name, is_dir)) = level.pop() else {
            stack.pop();
            continue;
        };
        relative.extend_from_slice(&name);
        let path = root.join(std::ffi::OsStr::from_bytes(&relative));
        if is_dir {
            stack.push((relative.len(), children(&path)?));
        } else {
            visit(&path, &relative)?;
        }
    }
    Ok(())
}

fn children(directory: &Path) -> Result<Level, TreeError> {
    let failed = |error| TreeError::Read(directory.into(), error);
    let mut level = Level::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        allowed(&entry.path(), kind)?;
        let mut name = entry.file_name().into_vec();
        if name.iter().any(u8::is_ascii_control) {
            return Err(TreeError::ControlCharacter(entry.path()));
        }
        if kind.is_dir() {
            name.push(b'/');
        }
        level.push((name, kind.is_dir()));
    }
    level.sort_unstable_by(|a, b| b.0.cmp(&a.0));
    Ok(level)
}

fn allowed(path: &Path, kind: FileType) -> Result<(), TreeError> {
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    if kind.is_symlink() {
        return Err(TreeError::Symlink(path.into()));
    }
    let what = if kind.is_fifo() {
        "named pipe"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_block_device() {
        "block device"
    } else {
        "character device"
    };
    Err(TreeError::Special(path.into(), what))
}

/// Digest and size of one file, which must stay the same file, size and time throughout.
fn hash_file(
    path: &Path,
    buffer: &mut [u8],
    progress: &mut dyn FnMut(u64),
) -> Result<(String, u64), TreeError> {
    let failed = |error| TreeError::Read(path.into(), error);
    let named = fs::symlink_metadata(path).map_err(failed)?;
    allowed(path, named.file_type())?;
    let mut file = File::open(path).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    // Another file under the name by now, a link's target for one.
    if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
        return Err(TreeError::Changed(path.into()));
    }
    let mut hasher = Sha256::new();
    let mut size = 0u64;
    loop {
        let n = match file.read(buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        hasher.update(&buffer[..n]);
        size += n as u64;
        progress(size);
    }
    let after = file.metadata().map_err(failed)?;
    let stamp = |m: &fs::Metadata| {
        (
            m.len(),
            m.mtime(),
            m.mtime_nsec(),
            m.ctime(),
            m.ctime_nsec(),
        )
    };
    if size != opened.len() || stamp(&opened) != stamp(&after) {
        return Err(TreeError::Changed(path.into()));
    }
    Ok((hex::encode(hasher.finalize()), size))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
