//! What the keys that jobs are given have in common: how one is derived, written into a task, and kept out of logs.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Digits of base 32 (RFC 4648 section 6).
pub(super) const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Why bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 32 bytes")]
pub struct NotAKey;

/// Makes a type a key of 32 bytes: 64 hexadecimal digits in a task, and never printed.
macro_rules! key {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub(super) [u8; 32]);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> Self {
                hex::encode(key.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::airlock::key::NotAKey;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| $crate::airlock::key::NotAKey)?;
                Ok(Self(bytes))
            }
        }
    };
}
pub(super) use key;

/// HMAC-SHA256 over parts, each after its length, so that no two lists of parts are the same bytes.
pub(super) fn hmac(key: &[u8; 32], parts: &[&str]) -> [u8; 32] {
    // A key shorter than a block is filled up with zeros (RFC 2104).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Whole groups of five bytes.
pub(super) fn base32(bytes: &[u8]) -> String {
    let digit = |bits: u64, n: usize| char::from(DIGITS[(bits >> (35 - 5 * n)) as usize & 31]);
    bytes
        .chunks_exact(5)
        .map(|five| {
            five.iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
        })
        .flat_map(|bits| (0..8).map(move |n| digit(bits, n)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10, "fooba" and then once more.
    #[test]
    fn base32_is_that_of_the_rfc() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(b"foobafooba"), "MZXW6YTBMZXW6YTB");
        assert_eq!(base32(&[0xff; 5]), "77777777");
    }
}
