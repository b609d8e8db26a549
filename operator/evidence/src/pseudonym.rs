//! Keyed pseudonyms: a person is the same pseudonym everywhere in a deployment, and nobody without the key can try names.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::Sha256;
use thiserror::Error;

/// Hex digits kept: 80 bits, so that a collision among a million people has a chance below 1e-12.
const HEX_DIGITS: usize = 20;
/// A shorter key could be searched.
const MIN_KEY_BYTES: usize = 16;

/// Why a pseudonym or its key was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PseudonymError {
    /// The key is shorter than 16 bytes.
    #[error("a pseudonym key needs at least {MIN_KEY_BYTES} bytes, got {0}")]
    ShortKey(usize),
    /// The text is not `p-` and 20 lower-case hex digits.
    #[error("not a pseudonym (p-<20 lower-case hex digits>): {0:?}")]
    Malformed(String),
}

/// The secret of a deployment's pseudonyms. Never printed.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl PseudonymKey {
    /// A key of at least 16 (better 32) random bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, PseudonymError> {
        if bytes.len() < MIN_KEY_BYTES {
            return Err(PseudonymError::ShortKey(bytes.len()));
        }
        Hmac::new_from_slice(bytes)
            .map(Self)
            .map_err(|_| PseudonymError::ShortKey(bytes.len()))
    }

    /// `p-` and the first 20 hex digits of HMAC-SHA256(key, subject).
    pub fn pseudonym(&self, subject: &str) -> Pseudonym {
        let mut mac = self.0.clone();
        mac.update(subject.as_bytes());
        let digits = hex::encode(mac.finalize().into_bytes());
        Pseudonym(format!("p-{}", &digits[..HEX_DIGITS]))
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(..)")
    }
}

/// A person's pseudonym, `p-<20 lower-case hex digits>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Pseudonym(String);

impl Pseudonym {
    /// Takes a pseudonym made earlier; anything else (a clear name, say) is refused.
    pub fn parse(text: &str) -> Result<Self, PseudonymError> {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match text.strip_prefix("p-") {
            Some(digits) if digits.len() == HEX_DIGITS && digits.bytes().all(lower_hex) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(PseudonymError::Malformed(text.to_owned())),
        }
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pseudonym {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
