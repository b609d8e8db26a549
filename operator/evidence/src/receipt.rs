//! Receipts of the airlock: what was decided or handed out of one request, as a signed in-toto statement (R59, R62).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    attest::AttestError,
    bundle::Bundle,
    canonical::canonical_json,
    digest::Digest,
    dsse::Envelope,
    key::{SigningKey, VerifyingKey},
    pseudonym::Pseudonym,
    statement::{STATEMENT_TYPE, Statement, Subject},
    verify::{VerifyError, read_bundle, read_outer, signed_payload, unchecked},
};

/// The predicate's type.
pub const RECEIPT_TYPE: &str = "https://sde-operator.dev/attestations/airlock-receipt/v1";
/// Name of the subject: the manifest of what was sealed, behind its salt.
const MANIFEST: &str = "salted-manifest";
/// Name of the subject of a collection: what was handed out.
const ARCHIVE: &str = "collected.tar";
/// The direction of what goes to another environment.
const TRANSFER: &str = "TransferToSde";
/// Distinct people who must have agreed to what leaves, whatever the policy says (design §2, promise 4).
const FEWEST: usize = 2;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// It may be collected, or is in the inbox.
    Released,
    /// It was refused.
    Rejected,
    /// It is no longer handed out.
    Revoked,
    /// It was handed out, or may have been.
    Collected,
}

/// The predicate: one event of one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// What happened.
    pub event: Event,
    /// When, to the second.
    pub at: Timestamp,
    /// Why, as a reason of the request's Ready condition.
    pub reason: String,
    /// Of which request.
    pub request: ReceiptRequest,
    /// Of what bytes.
    pub content: Content,
    /// What the scan found, rules and numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Found>,
    /// Digest of the whole findings, which are kept with the chamber.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings_digest: Option<String>,
    /// Digest of the airlock's policy under which it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<String>,
    /// Digest of the documented process for inputs and outputs (R58).
    pub process_digest: Digest,
    /// Who decided.
    pub reviews: Vec<Approver>,
    /// A collection: what was handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// The request of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptRequest {
    /// Name of the Project.
    pub project: String,
    /// UID of the Project.
    #[serde(rename = "projectUID")]
    pub project_uid: String,
    /// Name of the request.
    pub name: String,
    /// UID of the request; salts the content's digest.
    pub uid: String,
    /// Export, Import or TransferToSde.
    pub direction: String,
    /// Who asked.
    pub requester: Pseudonym,
    /// TransferToSde: what goes to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transferred>,
}

/// What goes to another environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transferred {
    /// The Project's dataset grant that it was taken from.
    pub grant: String,
    /// The environment's name in the SdePolicy.
    pub sde: String,
    /// Digest of the public keys that all of it is encrypted to.
    pub recipient: Digest,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Content {
    /// SHA-256 of the request's UID, a newline and the manifest's canonical JSON.
    pub digest: Digest,
    /// Number of files.
    pub files: u64,
    /// All files together, in bytes.
    pub bytes: u64,
}

/// One rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Found {
    /// The rule.
    pub rule: String,
    /// What it does.
    pub severity: String,
    /// How many files it matched.
    pub files: u64,
}

/// One review that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approver {
    /// Who.
    pub reviewer: Pseudonym,
    /// In which role.
    pub role: String,
    /// The decision.
    pub decision: String,
    /// Why, as a code.
    pub reason: String,
    /// UID of the review.
    pub review: String,
}

/// What was handed out, by both who counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    /// Which collection it was.
    pub number: u64,
    /// Complete, Broken, Unknown or Disagreed.
    pub outcome: String,
    /// Bytes that the airlock's job handed out.
    pub bytes: u64,
    /// SHA-256 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Bytes that the door handed on, by its own count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door_bytes: Option<u64>,
    /// SHA-256 of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door_sha256: Option<Digest>,
}

impl Receipt {
    /// Whether it says what its event must, and no more.
    fn check(&self) -> Result<(), &'static str> {
        let collected = self.event == Event::Collected;
        if collected != self.delivery.is_some() {
            return Err("a collection, and nothing else, says what was handed out");
        }
        if let Some(delivery) = &self.delivery
            && delivery.outcome == "Complete"
            && (delivery.door_bytes != Some(delivery.bytes)
                || delivery.sha256.is_none()
                || delivery.door_sha256 != delivery.sha256)
        {
            return Err("a complete collection that was not counted the same twice");
        }
        let approvals = self.reviews.iter().filter(|r| r.decision == "Approve");
        let mut people: Vec<&Pseudonym> = approvals.map(|r| &r.reviewer).collect();
        people.sort();
        people.dedup();
        let transfer = self.request.direction == TRANSFER;
        if transfer != self.request.transfer.is_some() {
            return Err("a transfer, and nothing else, says to whom it goes");
        }
        if self.event == Event::Released
            && (transfer || self.request.direction == "Export")
            && people.len() < FEWEST
        {
            return Err("what leaves, and fewer than two people approved");
        }
        if people.contains(&&self.request.requester) {
            return Err("approved by its own requester");
        }
        if self.event == Event::Released && self.findings_digest.is_none() {
            return Err("released without a scan");
        }
        Ok(())
    }

    fn subjects(&self) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(MANIFEST, &self.content.digest)];
        let handed_out = self.delivery.as_ref().and_then(|d| d.sha256.as_ref());
        subjects.extend(handed_out.map(|digest| Subject::new(ARCHIVE, digest)));
        subjects
    }
}

/// A receipt, signed, as it is to be stored.
#[derive(Clone, Debug)]
pub struct SignedReceipt {
    /// The Sigstore bundle.
    pub bundle_json: String,
}

/// Signs a receipt. The same arguments always give the same bytes.
///
/// # Errors
/// When the receipt contradicts itself, has no canonical form, or the key cannot be used.
pub fn sign_receipt(receipt: Receipt, key: &SigningKey) -> Result<SignedReceipt, AttestError> {
    receipt.check().map_err(AttestError::Receipt)?;
    let statement = Statement {
        kind: STATEMENT_TYPE.to_owned(),
        subject: receipt.subjects(),
        predicate_type: RECEIPT_TYPE.to_owned(),
        predicate: receipt,
    };
    let envelope = Envelope::sign(&canonical_json(&statement)?, key);
    let bundle = Bundle::new(envelope, key.verifying_key().key_id()?);
    let bundle_json = String::from_utf8_lossy(&canonical_json(&bundle)?).into_owned();
    Ok(SignedReceipt { bundle_json })
}

/// A receipt that holds.
#[derive(Clone, Debug)]
pub struct VerifiedReceipt {
    /// What was signed.
    pub statement: Statement<Receipt>,
    /// Hex SHA-256 of the key's SPKI DER.
    pub key_id: String,
    /// What the bundle carries that was not checked.
    pub unchecked: Vec<&'static str>,
}

/// Verifies a receipt's bundle (Sigstore bundle JSON) with `public_key` (SPKI PEM), which must come from the verifier.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_receipt(bundle: &[u8], public_key: &str) -> Result<VerifiedReceipt, VerifyError> {
    let key = VerifyingKey::from_spki_pem(public_key)?;
    let key_id = key.key_id()?;
    let bundle = read_bundle(bundle)?;
    let payload = signed_payload(&bundle, &key, &key_id)?;
    let Statement {
        kind,
        subject,
        predicate_type,
        predicate,
    }: Statement<Value> = read_outer(&payload, RECEIPT_TYPE)?;
    let receipt: Receipt = serde_json::from_value(predicate)
        .map_err(|e| VerifyError::PredicateShape(e.to_string()))?;
    receipt.check().map_err(VerifyError::Receipt)?;
    if subject != receipt.subjects() {
        return Err(VerifyError::Receipt(
            "its subjects are not those it is about",
        ));
    }
    Ok(VerifiedReceipt {
        statement: Statement {
            kind,
            subject,
            predicate_type,
            predicate: receipt,
        },
        key_id,
        unchecked: unchecked(&bundle),
    })
}
