//! A folder somebody else may write into while we read it: every name is resolved by the kernel below one open directory, without
//! links of any kind and, where others could mount something, without leaving the mount (openat2), and what was opened is asked what it is. So a path that is swapped
//! under us is refused, or is another file of the same folder; never one from elsewhere.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, open, openat2, statat};
use rustix::io::Errno;
use sde_core::airlock::report::Refusal;

use crate::airlock::error::JobError;

/// Bytes of a path relative to the folder.
pub const PATH_MAX: usize = 1024;

/// Folders within folders.
pub const DEPTH_MAX: usize = 32;

/// Folders in all, the first included: nobody looks through more, and a walk must end.
pub const FOLDERS_MAX: usize = 1000;

/// An open folder, and how names below it are resolved.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    resolve: ResolveFlags,
}

/// Below the folder, without links of any kind.
const BELOW: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// A regular file that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the folder, with `/` between its parts.
    pub path: String,
    /// Device and inode.
    pub id: (u64, u64),
    /// Bytes.
    pub size: u64,
}

/// What a folder may hold.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Names that each file must have.
    pub links: u64,
}

/// What a folder holds.
#[derive(Debug)]
pub struct Listed {
    /// Its regular files, by the bytes of their paths.
    pub files: Vec<Entry>,
    /// Its folders, itself included.
    pub folders: usize,
}

impl Folder {
    /// Opens a folder by a path that we were given, not by one found in a folder.
    ///
    /// # Errors
    /// As `open`: not there, not a folder, a link.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            fd: open(path, flags, Mode::empty())?,
            resolve: BELOW | ResolveFlags::NO_XDEV,
        })
    }

    /// The same with what is mounted in it: of a grant, each granted folder is a mount of its own, and nobody but the operator mounts
    /// anything there.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_with_mounts(path: &Path) -> io::Result<Self> {
        let resolve = BELOW;
        Ok(Self {
            resolve,
            ..Self::open(path)?
        })
    }

    /// Opens a file below it for reading. Does not wait for the other end of a pipe; what it is must be asked of the result.
    ///
    /// # Errors
    /// `ELOOP` for a link anywhere on the way, `EXDEV` for another mount where those are not looked into.
    pub fn file(&self, path: &str) -> Result<File, Errno> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        self.below(&self.fd, path, flags).map(File::from)
    }

    /// Its regular files, each of which stands alone, by the bytes of their paths; with at most `files` of them and `bytes` in all.
    ///
    /// # Errors
    /// [`JobError::Refused`] at the first thing that cannot be sealed.
    pub fn list(&self, files: u64, bytes: u64) -> Result<Vec<Entry>, JobError> {
        let links = 1;
        let listed = self.listed(Allowed {
            files,
            bytes,
            links,
        })?;
        Ok(listed.files)
    }

    /// All that it holds.
    ///
    /// # Errors
    /// [`JobError::Refused`] at the first thing that is not allowed.
    pub fn listed(&self, allowed: Allowed) -> Result<Listed, JobError> {
        let again = self
            .below(&self.fd, ".", OFlags::RDONLY | OFlags::DIRECTORY)
            .map_err(JobError::errno("the folder cannot be read"))?;
        let mut walk = Walk {
            root: self,
            allowed,
            found: Vec::new(),
            folders: vec![(again, String::new(), 0)],
            seen: 1,
        };
        while let Some((fd, path, depth)) = walk.folders.pop() {
            walk.folder(&fd, &path, depth)?;
        }
        let mut files = walk.found;
        files.sort_unstable_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        let folders = walk.seen;
        Ok(Listed { files, folders })
    }

    /// The names in it, sorted, however many and whatever they are.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            if !is_self(entry.file_name()) {
                names.push(entry.file_name().to_bytes().to_vec());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Opens what lies below one of its folders.
    fn below(&self, folder: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat2(folder, path, flags, Mode::empty(), self.resolve)
    }
}

/// What is left to walk and what was found.
struct Walk<'a> {
    root: &'a Folder,
    /// Its bytes are those that are left.
    allowed: Allowed,
    found: Vec<Entry>,
    folders: Vec<(OwnedFd, String, usize)>,
    seen: usize,
}

impl Walk<'_> {
    fn folder(&mut self, fd: &OwnedFd, path: &str, depth: usize) -> Result<(), JobError> {
        let unread = "a folder cannot be read";
        for entry in Dir::read_from(fd).map_err(JobError::errno(unread))? {
            let entry = entry.map_err(JobError::errno(unread))?;
            if is_self(entry.file_name()) {
                continue;
            }
            self.entry(fd, path, entry.file_name(), depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        fd: &OwnedFd,
        parent: &str,
        name: &CStr,
        depth: usize,
    ) -> Result<(), JobError> {
        let refused = |why| Err(JobError::Refused(why));
        let Ok(text) = name.to_str() else {
            return refused(Refusal::Name);
        };
        let path = if parent.is_empty() {
            text.to_owned()
        } else {
            format!("{parent}/{text}")
        };
        if !can_be_sealed(&path) {
            return refused(Refusal::Name);
        }
        let stat = match statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return refused(Refusal::Changed),
            Err(error) => return Err(JobError::Io("a file cannot be looked at", error.into())),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => refused(Refusal::SymbolicLink),
            FileType::Directory => {
                self.seen += 1;
                if depth >= DEPTH_MAX || self.seen > FOLDERS_MAX {
                    return refused(Refusal::TooManyFiles);
                }
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let below = self.root.below(fd, text, flags).map_err(swapped)?;
                self.folders.push((below, path, depth + 1));
                Ok(())
            }
            FileType::RegularFile if stat.st_nlink != self.allowed.links => {
                refused(Refusal::HardLink)
            }
            FileType::RegularFile => {
                let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
                self.found.push(Entry {
                    path,
                    id: (stat.st_dev, stat.st_ino),
                    size,
                });
                if self.found.len() as u64 > self.allowed.files {
                    return refused(Refusal::TooManyFiles);
                }
                match self.allowed.bytes.checked_sub(size) {
                    Some(left) => self.allowed.bytes = left,
                    None => return refused(Refusal::TooManyBytes),
                }
                Ok(())
            }
            _ => refused(Refusal::SpecialFile),
        }
    }
}

/// Whether a path is one that a manifest can hold, whatever is there.
pub fn can_be_sealed(path: &str) -> bool {
    path.len() <= PATH_MAX && !path.chars().any(char::is_control)
}

/// A name that was one thing when it was looked at and is another when it is opened.
pub fn swapped(error: Errno) -> JobError {
    match error {
        Errno::LOOP => JobError::Refused(Refusal::SymbolicLink),
        Errno::ACCESS => JobError::Refused(Refusal::Unreadable),
        Errno::NOENT | Errno::NOTDIR | Errno::NXIO | Errno::XDEV => {
            JobError::Refused(Refusal::Changed)
        }
        other => JobError::Io("a file cannot be opened", other.into()),
    }
}

fn is_self(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
