//! Sigstore bundle v0.3 around one DSSE envelope, signed with a key that the verifier already has.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dsse::Envelope;

/// The bundle's media type.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A Sigstore bundle with a DSSE envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// Always [`BUNDLE_MEDIA_TYPE`] in what this crate writes.
    pub media_type: String,
    /// How to find the key, and proofs of time that others may have added.
    pub verification_material: VerificationMaterial,
    /// The signed statement.
    pub dsse_envelope: Envelope,
}

/// The key hint; log entries and timestamps are carried but not checked here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerificationMaterial {
    /// Which key signed.
    pub public_key: PublicKeyHint,
    /// Transparency log entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tlog_entries: Vec<Value>,
    /// RFC 3161 timestamps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_verification_data: Option<Value>,
}

/// An unauthenticated pointer to the key; the key itself comes from the verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeyHint {
    /// Hex SHA-256 of the SPKI DER.
    pub hint: String,
}

impl Bundle {
    /// A bundle of an envelope and the id of the key that signed it.
    pub fn new(dsse_envelope: Envelope, key_id: String) -> Self {
        Self {
            media_type: BUNDLE_MEDIA_TYPE.to_owned(),
            verification_material: VerificationMaterial {
                public_key: PublicKeyHint { hint: key_id },
                tlog_entries: Vec::new(),
                timestamp_verification_data: None,
            },
            dsse_envelope,
        }
    }
}
