//! SHA-256 digests as text, and the digest of a Project's spec that approvals name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::canonical::{CanonicalError, canonical_json};

const PREFIX: &str = "sha256:";

/// A SHA-256 digest. Its text form is `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The text is not `sha256:` followed by 64 lower-case hex digits.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a digest of the form sha256:<64 lower-case hex digits>: {0:?}")]
pub struct DigestError(String);

impl Digest {
    /// The 64 lower-case hex digits, without the prefix.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// SHA-256 of the RFC 8785 form of `value`.
pub fn canonical_digest<T: Serialize + ?Sized>(value: &T) -> Result<Digest, CanonicalError> {
    Ok(sha256(&canonical_json(value)?))
}

/// The digest that an approval of a Project names: `v1:sha256:<hex>` over the RFC 8785 form of
/// `{"spec": <spec without lifecycle>, "uid": <uid>}`.
///
/// `lifecycle` is left out because opening, pausing and closing do not change what was approved; the UID is in it so that
/// an approval never carries over to a Project made again under the same name.
pub fn spec_digest(uid: &str, spec: &Value) -> Result<String, CanonicalError> {
    let mut spec = spec.clone();
    if let Value::Object(fields) = &mut spec {
        fields.remove("lifecycle");
    }
    let digest = canonical_digest(&json!({"uid": uid, "spec": spec}))?;
    Ok(format!("v1:{digest}"))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bad = || DigestError(text.to_owned());
        let digits = text.strip_prefix(PREFIX).ok_or_else(bad)?;
        // One digest, one spelling: upper case would make equal digests compare unequal as text.
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| bad())?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
