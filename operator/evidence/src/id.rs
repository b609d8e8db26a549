//! Attestation identifiers: ULIDs (github.com/ulid/spec), which sort by the time they were made.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARS: usize = 26;

/// Why an identifier was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdError {
    /// Not 26 upper-case Crockford base32 characters that fit 128 bits.
    #[error("not a ULID: {0:?}")]
    Malformed(String),
    /// The time is before 1970 or after the year 10889.
    #[error("{0} cannot be put in a ULID")]
    TimeOutOfRange(Timestamp),
}

/// The identifier of one attestation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AttestationId(String);

impl AttestationId {
    /// A ULID of a time (milliseconds are kept) and ten random bytes.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Result<Self, IdError> {
        let millis = u64::try_from(at.as_millisecond())
            .ok()
            .filter(|ms| *ms < 1 << 48);
        let millis = millis.ok_or(IdError::TimeOutOfRange(at))?;
        let noise = random
            .iter()
            .fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        let value = u128::from(millis) << 80 | noise;
        let digit = |place: usize| char::from(ALPHABET[(value >> (5 * place)) as usize & 31]);
        Ok(Self((0..CHARS).rev().map(digit).collect()))
    }

    /// Takes an identifier made earlier.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        // 26 base32 digits hold 130 bits: the first digit of a 128-bit value is at most 7.
        let fits = text.len() == CHARS
            && text.bytes().all(|b| ALPHABET.contains(&b))
            && text.as_bytes().first().is_some_and(|b| *b <= b'7');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::Malformed(text.to_owned()))
        }
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttestationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AttestationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
