//! Checks an attestation with a key that the verifier brings, and names the first thing that is wrong.

use serde_json::Value;
use thiserror::Error;

use crate::{
    bundle::{BUNDLE_MEDIA_TYPE, Bundle},
    digest::sha256,
    document::{Disagreement, EVIDENCE_NAME, Evidence},
    dsse::{PAYLOAD_TYPE, pae},
    key::{KeyError, VerifyingKey},
    predicate::{DestructionPredicate, Fields, PREDICATE_TYPE, error::PredicateError},
    statement::{STATEMENT_TYPE, Statement},
    summary::summary,
};

/// An attestation that holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What was signed.
    pub statement: Statement<DestructionPredicate>,
    /// The signed bytes.
    pub statement_json: Vec<u8>,
    /// The evidence document, in agreement with the statement.
    pub evidence: Evidence,
    /// Hex SHA-256 of the key's SPKI DER.
    pub key_id: String,
    /// [`summary`] of the statement.
    pub summary: String,
    /// What the bundle carries that was not checked (timestamps, log entries).
    pub unchecked: Vec<&'static str>,
}

/// Exactly what failed.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The verifier's key cannot be read.
    #[error("the public key: {0}")]
    Key(#[from] KeyError),
    /// The bundle is not JSON of the expected shape, or its base64 is not standard.
    #[error("the bundle cannot be read: {0}")]
    Bundle(String),
    /// The bundle is of another version or kind.
    #[error("the bundle's media type is {0:?}, not {BUNDLE_MEDIA_TYPE}")]
    MediaType(String),
    /// The envelope holds something else than an in-toto statement.
    #[error("the payload type is {0:?}, not {PAYLOAD_TYPE}")]
    PayloadType(String),
    /// A Sigstore bundle has exactly one signature.
    #[error("the envelope has {0} signatures, not one")]
    SignatureCount(usize),
    /// The bundle names another key than the verifier's.
    #[error("the bundle was signed with key {named}, the key given is {given}")]
    KeyIdMismatch {
        /// By the bundle.
        named: String,
        /// Of the verifier's key.
        given: String,
    },
    /// The signature is not the key's over this payload.
    #[error("the signature does not match the payload and the key")]
    Signature,
    /// The payload is no in-toto Statement v1 with subjects.
    #[error("the statement cannot be read: {0}")]
    StatementShape(String),
    /// The statement claims something else.
    #[error("the predicate type is {found:?}, not {expected}")]
    PredicateType {
        /// In the statement.
        found: String,
        /// What is verified here.
        expected: &'static str,
    },
    /// The predicate is not of the expected shape.
    #[error("the predicate cannot be read: {0}")]
    PredicateShape(String),
    /// The predicate says more than its own facts support.
    #[error("the predicate contradicts itself: {0}")]
    Predicate(#[from] PredicateError),
    /// The evidence is not the file that was signed for.
    #[error("the evidence has digest {actual}, the statement names {named}")]
    SubjectDigest {
        /// In the statement.
        named: String,
        /// Of the bytes given.
        actual: String,
    },
    /// The predicate's reference to the evidence is not that of the first subject.
    #[error("the predicate's evidence is not the statement's first subject")]
    EvidenceReference,
    /// The evidence is not a document of the expected shape.
    #[error("the evidence cannot be read: {0}")]
    EvidenceShape(String),
    /// A receipt says what its own event cannot.
    #[error("the receipt contradicts itself: {0}")]
    Receipt(&'static str),
    /// The evidence and the predicate differ.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// Verifies `bundle` (Sigstore bundle JSON) and `evidence` (the bytes of `evidence.json`) with `public_key` (SPKI PEM).
///
/// The key must come from the verifier, never from the record under test. Timestamps and log entries are not checked.
pub fn verify(bundle: &[u8], evidence: &[u8], public_key: &str) -> Result<Verified, VerifyError> {
    let key = VerifyingKey::from_spki_pem(public_key)?;
    let key_id = key.key_id()?;
    let bundle = read_bundle(bundle)?;
    let statement_json = signed_payload(&bundle, &key, &key_id)?;
    let statement = read_statement(&statement_json)?;
    check_subject(&statement, evidence)?;
    let document: Evidence =
        serde_json::from_slice(evidence).map_err(|e| VerifyError::EvidenceShape(e.to_string()))?;
    document.agrees_with(statement.predicate.facts())?;
    let summary = summary(&statement);
    Ok(Verified {
        statement,
        statement_json,
        evidence: document,
        key_id,
        summary,
        unchecked: unchecked(&bundle),
    })
}

/// The media type is looked at first, so that a bundle of another version is told as such.
pub(crate) fn read_bundle(bytes: &[u8]) -> Result<Bundle, VerifyError> {
    let unreadable = |e: serde_json::Error| VerifyError::Bundle(e.to_string());
    let loose: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
    match loose.get("mediaType").and_then(Value::as_str) {
        Some(BUNDLE_MEDIA_TYPE) => serde_json::from_slice(bytes).map_err(unreadable),
        other => Err(VerifyError::MediaType(other.unwrap_or_default().to_owned())),
    }
}

pub(crate) fn signed_payload(
    bundle: &Bundle,
    key: &VerifyingKey,
    key_id: &str,
) -> Result<Vec<u8>, VerifyError> {
    let envelope = &bundle.dsse_envelope;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(VerifyError::PayloadType(envelope.payload_type.clone()));
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(VerifyError::SignatureCount(envelope.signatures.len()));
    };
    let mismatch = |named: &str| VerifyError::KeyIdMismatch {
        named: named.to_owned(),
        given: key_id.to_owned(),
    };
    let hint = &bundle.verification_material.public_key.hint;
    if hint != key_id {
        return Err(mismatch(hint));
    }
    if !signature.keyid.is_empty() && signature.keyid != key_id {
        return Err(mismatch(&signature.keyid));
    }
    let not_base64 = |what: &str| VerifyError::Bundle(format!("the {what} is not standard base64"));
    let payload = envelope
        .payload_bytes()
        .ok_or_else(|| not_base64("payload"))?;
    let signature = signature.bytes().ok_or_else(|| not_base64("signature"))?;
    if !key.accepts(&pae(&envelope.payload_type, &payload), &signature) {
        return Err(VerifyError::Signature);
    }
    Ok(payload)
}

/// An in-toto statement of one predicate type, its predicate unread.
pub(crate) fn read_outer(
    payload: &[u8],
    predicate_type: &'static str,
) -> Result<Statement<Value>, VerifyError> {
    let shape = |e: &dyn std::fmt::Display| VerifyError::StatementShape(e.to_string());
    let outer: Statement<Value> = serde_json::from_slice(payload).map_err(|e| shape(&e))?;
    if outer.kind != STATEMENT_TYPE {
        return Err(shape(&format_args!(
            "its type is {:?}, not {STATEMENT_TYPE}",
            outer.kind
        )));
    }
    if outer.subject.is_empty() {
        return Err(shape(&"it has no subject"));
    }
    if outer.predicate_type != predicate_type {
        return Err(VerifyError::PredicateType {
            found: outer.predicate_type,
            expected: predicate_type,
        });
    }
    Ok(outer)
}

fn read_statement(payload: &[u8]) -> Result<Statement<DestructionPredicate>, VerifyError> {
    let outer = read_outer(payload, PREDICATE_TYPE)?;
    let fields: Fields = serde_json::from_value(outer.predicate)
        .map_err(|e| VerifyError::PredicateShape(e.to_string()))?;
    let predicate = DestructionPredicate::from_fields(fields)?;
    Ok(Statement {
        kind: outer.kind,
        subject: outer.subject,
        predicate_type: outer.predicate_type,
        predicate,
    })
}

fn check_subject(
    statement: &Statement<DestructionPredicate>,
    evidence: &[u8],
) -> Result<(), VerifyError> {
    let digest = sha256(evidence);
    let reference = statement.predicate.evidence();
    let first = statement.subject.first();
    let named = first
        .map(|subject| subject.digest.sha256.clone())
        .unwrap_or_default();
    if named != digest.hex() {
        return Err(VerifyError::SubjectDigest {
            named,
            actual: digest.hex(),
        });
    }
    let same_name = first.is_some_and(|subject| subject.name == EVIDENCE_NAME)
        && reference.name == EVIDENCE_NAME;
    if !same_name || reference.digest != digest || reference.bytes != evidence.len() as u64 {
        return Err(VerifyError::EvidenceReference);
    }
    Ok(())
}

pub(crate) fn unchecked(bundle: &Bundle) -> Vec<&'static str> {
    let material = &bundle.verification_material;
    let log = (!material.tlog_entries.is_empty()).then_some("transparency log entries");
    log.into_iter()
        .chain(
            material
                .timestamp_verification_data
                .as_ref()
                .map(|_| "timestamps"),
        )
        .collect()
}
