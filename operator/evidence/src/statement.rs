//! in-toto Statement v1 (github.com/in-toto/attestation): subjects by digest, and a predicate about them.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The statement's `_type`.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement about files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What the statement is about; matched by digest alone.
    pub subject: Vec<Subject>,
    /// Which kind of claim `predicate` is.
    pub predicate_type: String,
    /// The claim.
    pub predicate: P,
}

/// A file that a third party may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name, for people.
    pub name: String,
    /// Its digest.
    pub digest: Sha256Set,
}

/// in-toto's digest set with the one algorithm we use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sha256Set {
    /// 64 lower-case hex digits.
    pub sha256: String,
}

impl Subject {
    /// A subject by name and digest.
    pub fn new(name: impl Into<String>, digest: &Digest) -> Self {
        Self {
            name: name.into(),
            digest: Sha256Set {
                sha256: digest.hex(),
            },
        }
    }
}
