//! The inbox: an Import's sealed files once more, under the names they came with, for the workspaces that mount it. The same bytes,
//! by a second name each; so nothing is copied, and what was reviewed is what is read.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::io::Errno;
use sde_core::airlock::manifest::{Manifest, file_name};

use crate::airlock::chamber::{Chamber, sync};
use crate::airlock::error::JobError;
use crate::airlock::folder::{Allowed, Folder};

/// Lays it, of files that are all in `content`, and shuts it: nobody adds to it. `laid` is told each file's number.
///
/// # Errors
/// [`JobError::Io`]; also when the volume knows no hard links.
pub fn lay(
    chamber: &Chamber,
    manifest: &Manifest,
    laid: &mut dyn FnMut(u64),
) -> Result<(), JobError> {
    let failed = || JobError::io("the inbox cannot be laid");
    let root = chamber.inbox();
    fs::create_dir(&root).map_err(failed())?;
    for file in &manifest.files {
        let to = root.join(&file.path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed())?;
        }
        fs::hard_link(chamber.content().join(file_name(file.number)), &to).map_err(failed())?;
        // Whoever mounts it is somebody else, whatever our umask is.
        fs::set_permissions(&to, Permissions::from_mode(0o444)).map_err(failed())?;
        laid(file.number);
    }
    // The deepest first: a folder's own mode is in itself, its name in the one above.
    for folder in folders(manifest).into_iter().rev() {
        let folder = root.join(folder);
        fs::set_permissions(&folder, Permissions::from_mode(0o555)).map_err(failed())?;
        sync(&folder).map_err(failed())?;
    }
    Ok(())
}

/// Whether it holds exactly the manifest's files, each the very one that lies in `content`, and nothing else.
///
/// # Errors
/// [`JobError::Io`] when it cannot be looked through.
pub fn is_as_sealed(chamber: &Chamber, manifest: &Manifest) -> Result<bool, JobError> {
    let unread = || JobError::io("the inbox cannot be read");
    let inbox = match Folder::open(&chamber.inbox()) {
        Ok(inbox) => inbox,
        Err(error) if is_no_folder(&error) => return Ok(false),
        Err(error) => return Err(unread()(error)),
    };
    let content = Folder::open(&chamber.content()).map_err(unread())?;
    let allowed = Allowed {
        files: manifest.files.len() as u64,
        bytes: manifest.size(),
        links: chamber.links(),
    };
    let listed = match inbox.listed(allowed) {
        Ok(listed) => listed,
        Err(JobError::Refused(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    if listed.files.len() != manifest.files.len() || listed.folders != folders(manifest).len() {
        return Ok(false);
    }
    for (found, file) in listed.files.iter().zip(&manifest.files) {
        let sealed = match content.file(&file_name(file.number)) {
            Ok(sealed) => sealed.metadata().map_err(unread())?,
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(false),
            Err(error) => return Err(unread()(error.into())),
        };
        if found.path != file.path || found.id != (sealed.dev(), sealed.ino()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The folders of these files, the inbox itself (the empty path) first, each before those in it.
fn folders(manifest: &Manifest) -> BTreeSet<&Path> {
    let paths = manifest.files.iter().map(|file| Path::new(&file.path));
    paths.flat_map(|path| path.ancestors().skip(1)).collect()
}

fn is_no_folder(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
