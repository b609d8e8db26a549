//! What is in a chamber: its files by number, with the names they had. The identity of the chamber's bytes is this list's digest.
//!
//! Whoever has received the files can make the list anew, and so know that they are the bytes that people released.

use sde_evidence::{CanonicalError, canonical_json};
use serde::{Deserialize, Serialize};

use crate::airlock::report::salted_digest;

/// The version this code writes and reads.
const VERSION: u8 = 1;

/// Every file of a chamber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    version: u8,
    /// In the order of the bytes of the paths that they had.
    pub files: Vec<SealedFile>,
    /// TransferToSde: to whose keys every file is encrypted (`transfer::recipient`). Whoever reads only this list knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

/// One file. Owner, mode, times and extended attributes are not carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealedFile {
    /// Its number, from 0: what it is called in the chamber and in the API.
    pub number: u64,
    /// What it was called in the folder, with `/` between the parts; encrypted, with the suffix of that.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Of these files.
    #[must_use]
    pub fn new(files: Vec<SealedFile>) -> Self {
        Self {
            version: VERSION,
            files,
            recipient: None,
        }
    }

    /// The same, encrypted to somebody.
    #[must_use]
    pub fn to(self, recipient: Option<String>) -> Self {
        Self { recipient, ..self }
    }

    /// Reads a manifest; none when the bytes are anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes)
            .ok()
            .filter(|m: &Self| m.version == VERSION)
    }

    /// Its RFC 8785 bytes, as they are kept in the chamber.
    ///
    /// # Errors
    /// [`CanonicalError`] for a size beyond 2^53.
    pub fn bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical_json(self)
    }

    /// The digest people confirm and review.
    ///
    /// # Errors
    /// As [`Manifest::bytes`].
    pub fn digest(&self, salt: &str) -> Result<String, CanonicalError> {
        Ok(salted_digest(salt, &self.bytes()?))
    }

    /// All files together, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, f| sum.saturating_add(f.size))
    }
}

/// What a file is called in the chamber.
#[must_use]
pub fn file_name(number: u64) -> String {
    format!("{number:03}")
}
