//! Copying one file of a folder into the chamber, as it is or encrypted, in one read. It must stay the file that was listed, in size
//! and times, before and after; a shared memory mapping can get round that. What is said of it is of the bytes that were read and
//! those that were written, whatever the file was.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;

use sde_core::airlock::manifest::{SealedFile, file_name};
use sde_core::airlock::report::Refusal;
use sde_inspect::genomic;
use sha2::{Digest, Sha256};

use crate::airlock::chamber::{Chamber, create};
use crate::airlock::encrypt::{Encrypting, Form, Recipient};
use crate::airlock::error::JobError;
use crate::airlock::folder::{Entry, Folder, can_be_sealed, swapped};
use crate::airlock::seal::Progress;

/// Copies files of one folder, with one buffer.
pub struct Copy<'a> {
    /// Where they are.
    pub folder: &'a Folder,
    /// Where they go.
    pub chamber: &'a Chamber,
    /// To whom they are encrypted, if to anybody.
    pub recipient: Option<&'a Recipient>,
    /// Read at once.
    pub buffer: &'a mut [u8],
    /// Told after every read.
    pub progress: &'a mut dyn FnMut(Progress),
}

/// A file that was copied.
pub struct Copied {
    /// What lies in the chamber.
    pub sealed: SealedFile,
    /// SHA-256 of what was read, 64 hexadecimal digits.
    pub plain: String,
}

impl Copy<'_> {
    /// Copies one file.
    ///
    /// # Errors
    /// [`JobError::Refused`] for another file than the one that was listed, or one that changes.
    pub fn one(&mut self, number: u64, entry: &Entry) -> Result<Copied, JobError> {
        let mut from = self.folder.file(&entry.path).map_err(swapped)?;
        let before = stamp(&from)?;
        if (before.id, before.size) != (entry.id, entry.size) {
            return Err(JobError::Refused(Refusal::Changed));
        }
        let unwritten = || JobError::io("the chamber cannot be written");
        let form = self.form(&mut from)?;
        let path = path(entry, form)?;
        let to = create(&self.chamber.content().join(file_name(number))).map_err(unwritten())?;
        let to = Written::new(to);
        let mut to = match self.recipient.zip(form) {
            Some((recipient, form)) => {
                Sink::Encrypted(recipient.encrypting(form, to).map_err(unwritten())?)
            }
            None => Sink::Plain(to),
        };
        let mut plain = form.map(|_| Sha256::new());
        let mut size = 0;
        loop {
            let n = match from.read(self.buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unread()(error)),
            };
            size += n as u64;
            // A file that grows as fast as it is read must not fill the chamber.
            if size > entry.size {
                return Err(JobError::Refused(Refusal::Changed));
            }
            let bytes = self.buffer.get(..n).unwrap_or_default();
            if let Some(plain) = &mut plain {
                plain.update(bytes);
            }
            to.write_all(bytes).map_err(unwritten())?;
            (self.progress)(Progress::Copying(number, size));
        }
        if size != entry.size || stamp(&from)? != before {
            return Err(JobError::Refused(Refusal::Changed));
        }
        let (size, sha256) = to.finish().map_err(unwritten())?;
        Ok(Copied {
            plain: plain.map_or_else(|| sha256.clone(), |plain| hex::encode(plain.finalize())),
            sealed: SealedFile {
                number,
                path,
                size,
                sha256,
            },
        })
    }

    /// In which format a file is encrypted, by its content; none where nothing is.
    fn form(&self, file: &mut File) -> Result<Option<Form>, JobError> {
        if self.recipient.is_none() {
            return Ok(None);
        }
        let form = if genomic(file) {
            Form::Crypt4gh
        } else {
            Form::Age
        };
        file.rewind().map_err(unread())?;
        Ok(Some(form))
    }
}

fn unread() -> impl FnOnce(io::Error) -> JobError {
    JobError::io("a file cannot be read")
}

/// What it is called in the chamber's manifest.
fn path(entry: &Entry, form: Option<Form>) -> Result<String, JobError> {
    let path = format!("{}{}", entry.path, form.map_or("", Form::suffix));
    if can_be_sealed(&path) {
        Ok(path)
    } else {
        Err(JobError::Refused(Refusal::Name))
    }
}

/// Where bytes go.
enum Sink {
    Plain(Written),
    Encrypted(Encrypting<Written>),
}

impl Sink {
    /// Makes what was written outlive a crash; its size and SHA-256.
    fn finish(self) -> io::Result<(u64, String)> {
        let written = match self {
            Self::Plain(written) => written,
            Self::Encrypted(encrypting) => encrypting.finish()?,
        };
        written.file.sync_all()?;
        Ok((written.size, hex::encode(written.hasher.finalize())))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(written) => written.write(bytes),
            Self::Encrypted(encrypting) => encrypting.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(written) => written.flush(),
            Self::Encrypted(encrypting) => encrypting.flush(),
        }
    }
}

/// A new file of the chamber, and what was written to it.
struct Written {
    file: File,
    hasher: Sha256,
    size: u64,
}

impl Written {
    fn new(file: File) -> Self {
        Self {
            file,
            hasher: Sha256::new(),
            size: 0,
        }
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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
