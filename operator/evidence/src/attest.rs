//! Makes an attestation: evidence document, statement, signature and bundle in one go.

use thiserror::Error;

use crate::{
    bundle::Bundle,
    canonical::{CanonicalError, canonical_json},
    document::{Disagreement, Evidence},
    dsse::Envelope,
    key::{KeyError, SigningKey},
    predicate::{DestructionFacts, DestructionPredicate, PREDICATE_TYPE, error::PredicateError},
    statement::{STATEMENT_TYPE, Statement, Subject},
};

/// A signed attestation and its files, byte for byte as they are to be stored.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// What was signed.
    pub statement: Statement<DestructionPredicate>,
    /// The signed bytes: `statement` in RFC 8785 form.
    pub statement_json: Vec<u8>,
    /// The Sigstore bundle (`bundle.sigstore.json`).
    pub bundle_json: String,
    /// The same envelope with a key id, for DSSE tools without bundles (`destruction.dsse.json`).
    pub dsse_json: String,
    /// The evidence document (`evidence.json`), the first subject.
    pub evidence_json: String,
}

/// Why no attestation was made.
#[derive(Debug, Error)]
pub enum AttestError {
    /// The facts do not support what they say.
    #[error(transparent)]
    Predicate(#[from] PredicateError),
    /// The facts are not those of the evidence document.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// Two subjects have one name, or one has none.
    #[error("subject {0:?} is unnamed or named twice")]
    SubjectName(String),
    /// A receipt says what its event cannot.
    #[error("the receipt contradicts itself: {0}")]
    Receipt(&'static str),
    /// Something has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Signs what was observed.
///
/// `evidence` becomes the first subject; `subjects` follow it (`project.json`, dataset manifests). The same arguments
/// always give the same bytes, so a retry after a crash makes no second attestation.
pub fn attest(
    facts: DestructionFacts,
    subjects: Vec<Subject>,
    evidence: &Evidence,
    key: &SigningKey,
) -> Result<Attestation, AttestError> {
    evidence.agrees_with(&facts)?;
    let (evidence_bytes, reference) = evidence.seal()?;
    let mut subject = vec![Subject::new(&reference.name, &reference.digest)];
    for extra in subjects {
        if extra.name.is_empty() || subject.iter().any(|known| known.name == extra.name) {
            return Err(AttestError::SubjectName(extra.name));
        }
        subject.push(extra);
    }
    let statement = Statement {
        kind: STATEMENT_TYPE.to_owned(),
        subject,
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: DestructionPredicate::new(facts, reference)?,
    };
    let statement_json = canonical_json(&statement)?;
    let envelope = Envelope::sign(&statement_json, key);
    let key_id = key.verifying_key().key_id()?;
    let dsse_json = text(canonical_json(&envelope.clone().with_keyid(&key_id))?);
    let bundle_json = text(canonical_json(&Bundle::new(envelope, key_id))?);
    Ok(Attestation {
        statement,
        statement_json,
        bundle_json,
        dsse_json,
        evidence_json: text(evidence_bytes),
    })
}

/// Canonical JSON is always UTF-8, so nothing is replaced here.
fn text(canonical: Vec<u8>) -> String {
    String::from_utf8_lossy(&canonical).into_owned()
}
