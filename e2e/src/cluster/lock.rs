//! Locks between two invocations of the harness, so that both do not build the same thing.
use std::fs::File;

use super::error::{Error, Result};
use super::paths;
use super::progress;

/// Held until dropped; the kernel releases it when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `name`, waiting for another holder.
    pub fn take(name: &str) -> Result<Self> {
        let path = paths::cache_dir("locks")?.join(name);
        let file = File::create(&path).map_err(Error::io("cannot open", &path))?;
        if file.try_lock().is_err() {
            progress::note(&format!("another run holds the lock `{name}`: waiting"));
            file.lock().map_err(Error::io("cannot lock", &path))?;
        }
        Ok(Self { _file: file })
    }
}
