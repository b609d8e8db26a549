//! Evidence of destruction: canonical JSON, digests, in-toto statements, DSSE envelopes, Sigstore bundles, and their
//! verification.
//!
//! Pure: no I/O, no clock, no client. Randomness comes in by argument; ECDSA nonces are deterministic (RFC 6979), so the
//! same facts and key always give the same bytes. [`attest`] makes an attestation, [`verify`] checks one.

mod attest;
mod bundle;
mod canonical;
mod digest;
mod document;
mod dsse;
mod id;
mod key;
mod merkle;
mod predicate;
mod pseudonym;
mod receipt;
mod statement;
mod summary;
mod verify;

pub use attest::{AttestError, Attestation, attest};
pub use bundle::{BUNDLE_MEDIA_TYPE, Bundle, PublicKeyHint, VerificationMaterial};
pub use canonical::{CanonicalError, canonical_json};
pub use digest::{Digest, DigestError, canonical_digest, sha256, spec_digest};
pub use document::{
    Approval, Disagreement, EVIDENCE_MEDIA_TYPE, EVIDENCE_NAME, Evidence, EvidenceProject,
    InventoryItem, IsolationProof, Observation, PseudonymEntry, StepRecord,
};
pub use dsse::{Envelope, EnvelopeSignature, PAYLOAD_TYPE, pae};
pub use id::{AttestationId, IdError};
pub use key::{KeyError, SigningKey, VerifyingKey};
pub use merkle::merkle_root;
pub use predicate::check::REQUIRED_STEPS;
pub use predicate::context::{
    Access, Airlock, Backup, Component, Copies, Custodian, Dataset, Environment, Exports,
    KeyProtection, Operator, Previous, ProjectRef, SnapshotCopy, ThirdParty, Times,
};
pub use predicate::error::PredicateError;
pub use predicate::media::{
    Assurance, Destination, Encryption, Media, MediaKind, Method, Observed, SELECTIVE_DELETION_REF,
    Technique, Tool, Verification,
};
pub use predicate::residual::{Limitation, Residual, ResidualClass};
pub use predicate::step::{Step, StepId, StepResult};
pub use predicate::{
    Claim, DestructionFacts, DestructionPredicate, EvidenceRef, Outcome, PREDICATE_TYPE,
};
pub use pseudonym::{Pseudonym, PseudonymError, PseudonymKey};
pub use receipt::{
    Approver, Content, Delivery, Event, Found, RECEIPT_TYPE, Receipt, ReceiptRequest,
    SignedReceipt, Transferred, VerifiedReceipt, sign_receipt, verify_receipt,
};
pub use statement::{STATEMENT_TYPE, Sha256Set, Statement, Subject};
pub use summary::summary;
pub use verify::{Verified, VerifyError, verify};
