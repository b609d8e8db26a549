//! One file that arrives: written beside, hashed on its way, on the disk before it is there.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::airlock::chamber::create;
use crate::airlock::receive::store::{Refused, Store};

/// A file that arrives. Thrown away unless it is kept.
pub struct Arriving {
    store: Arc<Store>,
    number: u64,
    file: File,
    hasher: Sha256,
}

impl Arriving {
    /// A place for it.
    ///
    /// # Errors
    /// [`Refused`]: it does not fit in.
    pub fn begin(store: &Arc<Store>, path: &str) -> Result<Self, Refused> {
        let number = store.begin(path)?;
        let file = match create(&store.beside(number)) {
            Ok(file) => file,
            Err(error) => {
                store.end(number);
                return Err(error.into());
            }
        };
        Ok(Self {
            store: Arc::clone(store),
            number,
            file,
            hasher: Sha256::new(),
        })
    }

    /// More of it.
    ///
    /// # Errors
    /// [`Refused`]: no room, or the disk's doing.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.store.grow(self.number, bytes.len() as u64)?;
        self.hasher.update(bytes);
        let written = self.file.write_all(bytes);
        written.map_err(|error| match error.kind() {
            // Others' bytes count as well on a disk.
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refused::Bytes,
            _ => error.into(),
        })
    }

    /// That was all of it: it is there.
    ///
    /// # Errors
    /// [`Refused::Io`].
    pub fn keep(mut self) -> Result<(), Refused> {
        self.file.sync_all()?;
        let hasher = std::mem::take(&mut self.hasher);
        let sha256 = hex::encode(hasher.finalize());
        self.store.keep(self.number, &self.file, sha256)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.store.end(self.number);
    }
}
