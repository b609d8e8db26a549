//! DSSE v1 (github.com/secure-systems-lab/dsse): the envelope and the bytes that are signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::key::SigningKey;

/// The payload type of an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The pre-authentication encoding: `DSSEv1 <len(type)> <type> <len(body)> <body>`, lengths in bytes.
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

/// A signed payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// Standard base64, padded, of the payload.
    pub payload: String,
    /// What the payload is; it is signed too.
    pub payload_type: String,
    /// Who signed; a Sigstore bundle holds exactly one.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// An unauthenticated hint. Left out in bundles, because cosign refuses there what is not its own form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keyid: String,
    /// Standard base64, padded, of the ASN.1 DER signature over the PAE.
    pub sig: String,
}

impl Envelope {
    /// Signs `payload` as an in-toto statement; the signature carries no key id.
    pub fn sign(payload: &[u8], key: &SigningKey) -> Self {
        let sig = STANDARD.encode(key.sign(&pae(PAYLOAD_TYPE, payload)));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![EnvelopeSignature {
                keyid: String::new(),
                sig,
            }],
        }
    }

    /// The same envelope with a key id, as DSSE tools without bundles (securesystemslib) need it.
    pub fn with_keyid(mut self, keyid: &str) -> Self {
        for signature in &mut self.signatures {
            keyid.clone_into(&mut signature.keyid);
        }
        self
    }

    /// The payload's bytes, or none when they are not standard padded base64.
    pub fn payload_bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.payload).ok()
    }
}

impl EnvelopeSignature {
    /// The signature's bytes, or none when they are not standard padded base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.sig).ok()
    }
}
