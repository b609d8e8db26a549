//! The chamber's volume: where things lie in it, how they are written so that a crash leaves them whole or absent, and what is
//! there now.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sde_core::airlock::malware;
use sde_core::airlock::manifest::{Manifest, SealedFile, file_name};
use sde_crds::airlock_request::Direction;
use sha2::{Digest, Sha256};

use crate::airlock::error::JobError;
use crate::airlock::folder::Folder;

/// Read at once.
const BUFFER: usize = 1 << 20;

/// Bytes of a manifest or report: 50 files with the longest paths, escaped, fit many times.
const KEPT_MAX: u64 = 4 << 20;

const MANIFEST: &str = "manifest.json";
const FINDINGS: &str = "findings.json";

/// Where a file lies while it arrives: in the upload, which may be all of a chamber that is mounted, and on which a rename must stay.
pub const INCOMING: &str = ".sde-incoming";

/// A chamber, mounted.
#[derive(Debug, Clone)]
pub struct Chamber {
    root: PathBuf,
    links: u64,
}

impl Chamber {
    /// Mounted here, of a request of this direction.
    pub fn at(root: &Path, direction: Direction) -> Self {
        Self {
            root: root.to_owned(),
            links: match direction {
                Direction::Import => 2,
                Direction::Export | Direction::TransferToSde => 1,
            },
        }
    }

    /// The names that each sealed file has: its number, and for an Import the one in the inbox.
    pub fn links(&self) -> u64 {
        self.links
    }

    /// The files, named by their numbers.
    pub fn content(&self) -> PathBuf {
        self.root.join("content")
    }

    /// An Import's files before they are sealed.
    pub fn upload(&self) -> PathBuf {
        self.root.join("upload")
    }

    /// An Import's sealed files under their own names.
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    fn sealed(&self) -> PathBuf {
        self.root.join("sealed")
    }

    fn report(&self) -> PathBuf {
        self.root.join("report")
    }

    fn scanner(&self) -> PathBuf {
        self.root.join(malware::PART)
    }

    /// The manifest, once there is one. What stands there and is no manifest names no file, so that nothing matches it.
    ///
    /// # Errors
    /// [`JobError::Io`] when it is there and cannot be read.
    pub fn manifest(&self) -> Result<Option<Manifest>, JobError> {
        let bytes = self.kept(&self.sealed(), MANIFEST, "the manifest cannot be read")?;
        Ok(bytes.map(|bytes| Manifest::parse(&bytes).unwrap_or_else(|| Manifest::new(Vec::new()))))
    }

    /// The scan's whole report, once there is one.
    ///
    /// # Errors
    /// [`JobError::Io`] when it is there and cannot be read.
    pub fn findings(&self) -> Result<Option<Vec<u8>>, JobError> {
        self.kept(&self.report(), FINDINGS, "the report cannot be read")
    }

    /// What the malware scanner left under a name, once it did.
    ///
    /// # Errors
    /// [`JobError::Io`] when it is there and cannot be read.
    pub fn malware(&self, name: &str) -> Result<Option<Vec<u8>>, JobError> {
        let unread = "what the malware scanner said cannot be read";
        self.kept(&self.scanner(), name, unread)
    }

    /// A file that we wrote, or the malware scanner, if it is there; no more of it than we write.
    fn kept(
        &self,
        folder: &Path,
        name: &str,
        unread: &'static str,
    ) -> Result<Option<Vec<u8>>, JobError> {
        let folder = match Folder::open(folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(JobError::Io(unread, error)),
        };
        let file = match folder.file(name) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(JobError::Io(unread, error.into())),
        };
        let mut bytes = Vec::new();
        file.take(KEPT_MAX)
            .read_to_end(&mut bytes)
            .map_err(JobError::io(unread))?;
        Ok(Some(bytes))
    }

    /// Begins anew: an earlier attempt's rest goes, empty folders come.
    ///
    /// # Errors
    /// [`JobError::Io`].
    pub fn begin(&self) -> Result<(), JobError> {
        let failed = || JobError::io("the chamber cannot be made ready");
        let empty = [self.content(), self.sealed(), self.report(), self.scanner()];
        for folder in [self.sealed(), self.inbox()].iter().chain(&empty) {
            remove(folder).map_err(failed())?;
        }
        for folder in &empty {
            fs::create_dir(folder).map_err(failed())?;
        }
        sync(&self.root).map_err(failed())
    }

    /// Writes the manifest: from now on the chamber is sealed.
    ///
    /// # Errors
    /// [`JobError::Io`].
    pub fn seal(&self, manifest: &Manifest) -> Result<(), JobError> {
        let bytes = manifest.bytes().map_err(JobError::manifest)?;
        sync(&self.content())
            .and_then(|()| write_durably(&self.sealed(), MANIFEST, &bytes))
            .map_err(JobError::io("the manifest cannot be written"))
    }

    /// Throws away what had not arrived whole.
    ///
    /// # Errors
    /// [`JobError::Io`].
    pub fn drop_incoming(&self) -> Result<(), JobError> {
        remove(&self.upload().join(INCOMING))
            .map_err(JobError::io("what had not arrived whole cannot be removed"))
    }

    /// Takes an Import's upload away: what was sealed is in `content`, and nothing unsealed crosses with it.
    ///
    /// # Errors
    /// [`JobError::Io`].
    pub fn drop_upload(&self) -> Result<(), JobError> {
        remove(&self.upload())
            .and_then(|()| sync(&self.root))
            .map_err(JobError::io("the upload cannot be removed"))
    }

    /// Writes the scan's whole report.
    ///
    /// # Errors
    /// [`JobError::Io`].
    pub fn write_findings(&self, bytes: &[u8]) -> Result<(), JobError> {
        write_durably(&self.report(), FINDINGS, bytes)
            .map_err(JobError::io("the report cannot be written"))
    }

    /// Hashes all that lies in `content`, and names it as `sealed` does. What does not belong there is listed without a name, what
    /// is missing is not listed: so a chamber that was changed never has the digest it had.
    ///
    /// # Errors
    /// [`JobError::Io`] when something cannot be read.
    pub fn there(&self, sealed: &Manifest) -> Result<Manifest, JobError> {
        let unread = || JobError::io("the chamber's content cannot be read");
        let folder = Folder::open(&self.content()).map_err(unread())?;
        let mut buffer = vec![0; BUFFER];
        let mut files = Vec::new();
        for name in folder.names().map_err(unread())? {
            let known = sealed
                .files
                .iter()
                .find(|f| file_name(f.number).as_bytes() == name);
            files.push(match known {
                Some(known) => hashed(&folder, known, self.links, &mut buffer)?,
                None => foreign(NO_NUMBER),
            });
        }
        Ok(Manifest::new(files).to(sealed.recipient.clone()))
    }
}

/// What is there in the place of one sealed file.
fn hashed(
    folder: &Folder,
    known: &SealedFile,
    links: u64,
    buffer: &mut [u8],
) -> Result<SealedFile, JobError> {
    let mut file = match folder.file(&file_name(known.number)) {
        Ok(file) => file,
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => {
            return Ok(foreign(known.number));
        }
        Err(error) => {
            return Err(JobError::Io(
                "a file of the chamber cannot be opened",
                error.into(),
            ));
        }
    };
    let unread = || JobError::io("a file of the chamber cannot be read");
    let what = file.metadata().map_err(unread())?;
    if !what.is_file() || what.nlink() != links {
        return Ok(foreign(known.number));
    }
    let mut hasher = Sha256::new();
    let mut size = 0;
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(n) => {
                hasher.update(&buffer[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread()(error)),
        }
    }
    Ok(SealedFile {
        size,
        sha256: hex::encode(hasher.finalize()),
        ..known.clone()
    })
}

/// Of what has none: no file has it, and it has a canonical form (RFC 8785).
pub const NO_NUMBER: u64 = u64::MAX >> 11;

/// Something that was never sealed.
pub fn foreign(number: u64) -> SealedFile {
    SealedFile {
        number,
        path: String::new(),
        size: 0,
        sha256: String::new(),
    }
}

/// A new file of the chamber. It is written once; everybody who mounts the chamber may read it.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)
}

/// Writes beside, then renames: after a crash the file is there whole, or not.
fn write_durably(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    remove(&beside)?;
    let mut file = create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    sync(folder)
}

/// Makes what was created, renamed or removed in a folder outlive a crash of the node.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a file or a folder with all in it, without following links; what is not there is removed.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(what) if what.is_dir() => unlock(path).and_then(|()| fs::remove_dir_all(path)),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Lets us remove what is in a folder and in those below it: an inbox's are shut. A folder that kubelet made is not ours to change.
fn unlock(folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder)?.permissions().mode() & 0o200 == 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            unlock(&entry.path())?;
        }
    }
    Ok(())
}
