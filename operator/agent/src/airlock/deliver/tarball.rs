//! One tar archive of what was sealed, written to a sink without ever holding a file: names and order of the manifest, mode 0644,
//! no owner, time 0. Its length is known before the first byte. Every file is hashed on its way; the first that is not what was
//! sealed ends the archive where it is, before the part that would make it whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;

use sde_core::airlock::manifest::{Manifest, SealedFile, file_name};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::airlock::folder::Folder;

/// Of a tar archive; what follows a file is filled up to it.
const BLOCK: u64 = 512;
/// Two empty blocks.
const END: u64 = 2 * BLOCK;

/// Why an archive was broken off.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// A file is not what was sealed. Names none.
    #[error("file {0} of the chamber is not what was sealed")]
    Changed(u64),
    /// Reading failed, or nobody takes what is written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Bytes of the archive.
///
/// # Errors
/// When a name cannot stand in an archive.
pub fn length(manifest: &Manifest) -> io::Result<u64> {
    let too_long = || io::Error::from(io::ErrorKind::FileTooLarge);
    let mut all = END;
    for file in &manifest.files {
        let mut headers = Length(0);
        let mut builder = Builder::new(&mut headers);
        builder.append_data(&mut header(file), &file.path, io::empty())?;
        drop(builder);
        // A builder that is dropped ends its archive.
        all = file
            .size
            .checked_next_multiple_of(BLOCK)
            .and_then(|size| size.checked_add(headers.0 - END))
            .and_then(|entry| all.checked_add(entry))
            .ok_or_else(too_long)?;
    }
    Ok(all)
}

/// Writes the archive of files that have so many names.
///
/// # Errors
/// [`TarError`]: what was written is not whole.
pub fn write(
    manifest: &Manifest,
    content: &Folder,
    links: u64,
    sink: impl Write,
) -> Result<(), TarError> {
    let mut sink = Open(Some(sink));
    let mut builder = Builder::new(&mut sink);
    let mut written = Ok(());
    for file in &manifest.files {
        written = append(&mut builder, content, links, file);
        if written.is_err() {
            break;
        }
    }
    match written {
        Ok(()) => builder.finish().map_err(TarError::from),
        Err(error) => {
            builder.get_mut().0 = None;
            Err(error)
        }
    }
}

fn append<W: Write>(
    builder: &mut Builder<W>,
    content: &Folder,
    links: u64,
    file: &SealedFile,
) -> Result<(), TarError> {
    let changed = || TarError::Changed(file.number);
    let opened = content
        .file(&file_name(file.number))
        .map_err(|_| changed())?;
    let what = opened.metadata()?;
    if !what.is_file() || what.nlink() != links || what.size() != file.size {
        return Err(changed());
    }
    let mut reader = Hashed {
        file: opened.take(file.size),
        hasher: Sha256::new(),
        bytes: 0,
    };
    builder.append_data(&mut header(file), &file.path, &mut reader)?;
    let more = reader.file.into_inner().read(&mut [0])?;
    let sha256 = hex::encode(reader.hasher.finalize());
    if reader.bytes != file.size || more != 0 || sha256 != file.sha256 {
        return Err(changed());
    }
    Ok(())
}

fn header(file: &SealedFile) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(file.size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// A file, hashed as it is read.
struct Hashed {
    file: io::Take<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Counts what is written.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink that can be shut: a dropped builder would otherwise give a broken archive a proper end.
struct Open<W>(Option<W>);

impl<W: Write> Write for &mut Open<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(sink) => sink.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

#[cfg(test)]
#[path = "tarball_tests.rs"]
mod tests;
