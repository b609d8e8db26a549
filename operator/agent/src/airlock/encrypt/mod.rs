//! Encrypting to another environment (R57): genomic formats as Crypt4GH, which their tools read, all else as age. Only its public
//! keys are known here, so that nobody can undo it on this side.

mod crypt4gh;
#[cfg(test)]
pub mod reader;

use std::io::{self, Write};
use std::iter;

use age::Encryptor;
use age::stream::StreamWriter;
use age::x25519::Recipient as AgeKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sde_core::airlock::transfer;
use sde_crds::policy_lists::SdeKeys;
use x25519_dalek::{PublicKey, StaticSecret};

use crate::airlock::error::JobError;

/// The keys of one environment.
pub struct Recipient {
    crypt4gh: PublicKey,
    age: AgeKey,
    /// Digest of both keys, as statuses and receipts say it.
    pub digest: String,
}

impl Recipient {
    /// Takes an environment's keys.
    ///
    /// # Errors
    /// [`JobError::Unable`] for what is no X25519 key, or one with which every secret is the same (RFC 7748, 6.1).
    pub fn of(keys: &SdeKeys) -> Result<Self, JobError> {
        let unable = JobError::Unable("nothing can be encrypted to the keys of the environment");
        let parsed = || {
            let crypt4gh = key(&STANDARD.decode(&keys.crypt4gh).ok()?)?;
            // The crate's parser knows the form, but gives no bytes to look at.
            let (_, bytes) = bech32::decode(&keys.age).ok()?;
            key(&bytes)?;
            Some(Self {
                crypt4gh,
                age: keys.age.parse().ok()?,
                digest: transfer::recipient(keys)?,
            })
        };
        parsed().ok_or(unable)
    }

    /// Encrypts what is written to it, and writes that to `output`.
    ///
    /// # Errors
    /// When `output` fails, or the system has no randomness.
    pub fn encrypting<W: Write>(&self, form: Form, output: W) -> io::Result<Encrypting<W>> {
        Ok(match form {
            Form::Crypt4gh => Encrypting::Crypt4gh(crypt4gh::Writer::to(&self.crypt4gh, output)?),
            Form::Age => {
                let recipients = iter::once(&self.age as &dyn age::Recipient);
                let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
                Encrypting::Age(encryptor.wrap_output(output)?)
            }
        })
    }
}

/// 32 bytes that are a key, unless its order is small.
fn key(bytes: &[u8]) -> Option<PublicKey> {
    let key = PublicKey::from(<[u8; 32]>::try_from(bytes).ok()?);
    // Every secret is a multiple of the cofactor, so that any one tells.
    let any = StaticSecret::from([1; 32]);
    any.diffie_hellman(&key).was_contributory().then_some(key)
}

/// In which format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// GA4GH Crypt4GH 1.0.
    Crypt4gh,
    /// age v1, binary.
    Age,
}

impl Form {
    /// What the name of a file in it ends with.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Crypt4gh => ".c4gh",
            Self::Age => ".age",
        }
    }
}

/// One file being encrypted; as much as a segment of it is held.
pub enum Encrypting<W: Write> {
    /// See [`Form::Crypt4gh`].
    Crypt4gh(crypt4gh::Writer<W>),
    /// See [`Form::Age`].
    Age(StreamWriter<W>),
}

impl<W: Write> Encrypting<W> {
    /// Writes the rest. What was not finished cannot be told from what was cut.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Crypt4gh(writer) => writer.finish(),
            Self::Age(writer) => writer.finish(),
        }
    }
}

impl<W: Write> Write for Encrypting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Crypt4gh(writer) => writer.write(bytes),
            Self::Age(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Crypt4gh(writer) => writer.flush(),
            Self::Age(writer) => writer.flush(),
        }
    }
}

#[cfg(test)]
mod tests;
