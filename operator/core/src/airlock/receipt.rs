//! Receipts: one for each release, rejection, revocation and collection of a request, signed and kept when the project is gone.
//!
//! Made before anything follows from what they are about: nothing is handed out of a release without its receipt, and no chamber is
//! destroyed before the receipt of its end.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::airlock_receipt::AirlockEvent;
use sde_crds::airlock_review::ReviewDecision;
use sde_crds::airlock_status::{
    AirlockPhase as Phase, AirlockRequestStatus, Delivery, DeliveryOutcome, SealedContent,
};
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::{AirlockReceiptSpec, AirlockReview};
use sde_evidence::{
    Approver, AttestError, Content, Digest, DigestError, Event, Found, PseudonymKey, Receipt,
    ReceiptRequest, SigningKey, Transferred, sign_receipt,
};
use thiserror::Error;

use crate::airlock::observe::Observed;
use crate::airlock::review::may;
use crate::airlock::step::Step;
use crate::labels::ProjectId;

/// What a receipt is to be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// It was released, rejected or revoked.
    Decided(AirlockEvent),
    /// A collection, by its number.
    Collected(i64),
}

/// Why no receipt was made; the request waits and says so.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// The status does not hold what the receipt must say.
    #[error("the request's status lacks its {0}")]
    Missing(&'static str),
    /// A digest of the status or policy is malformed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] AttestError),
    /// The key cannot be written.
    #[error(transparent)]
    Key(#[from] sde_evidence::KeyError),
}

/// The step that makes the next receipt, when one is due. Without a policy, whose process every receipt names, or the project, they
/// wait.
pub(super) fn due(observed: &Observed) -> Option<Step> {
    let status = observed.status();
    observed.policy.as_ref()?;
    observed.project.as_ref()?;
    status.content.as_ref()?;
    let made = |due: &Due| {
        let name = name(observed, *due);
        status.receipts.iter().flatten().any(|r| *r == name)
    };
    let decided = match status.phase {
        Phase::Released => Some(AirlockEvent::Released),
        Phase::Rejected => Some(AirlockEvent::Rejected),
        Phase::Revoked => Some(AirlockEvent::Revoked),
        _ => None,
    };
    let collected = status.deliveries.iter().flatten();
    let collected = collected.filter(|d| d.outcome != DeliveryOutcome::NotCollected);
    collected
        .map(|d| Due::Collected(d.number))
        .chain(decided.map(Due::Decided))
        .find(|due| !made(due))
        .map(Step::MakeReceipt)
}

/// Name of a receipt: that of the project, the request's UID, and what happened.
pub fn name(observed: &Observed, due: Due) -> String {
    let meta = &observed.request.metadata;
    let uid = meta.uid.as_deref().unwrap_or_default();
    let short = uid.split('-').next().unwrap_or_default();
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    let project = namespace.strip_prefix(sde_crds::names::PROJECT_NAMESPACE_PREFIX);
    let project = project.unwrap_or_default();
    let what = match due {
        Due::Decided(AirlockEvent::Released) => "released".to_owned(),
        Due::Decided(AirlockEvent::Rejected) => "rejected".to_owned(),
        Due::Decided(AirlockEvent::Revoked) => "revoked".to_owned(),
        Due::Decided(AirlockEvent::Collected) => "collected".to_owned(),
        Due::Collected(number) => format!("collected-{number}"),
    };
    format!("{project}-{short}-{what}")
}

/// Writes down that a receipt was made.
pub(super) fn note(observed: &Observed, next: &mut AirlockRequestStatus, due: Due) {
    let receipts = next.receipts.get_or_insert_default();
    let name = name(observed, due);
    if !receipts.contains(&name) {
        receipts.push(name);
    }
}

/// The receipt, signed. From the status, the reviews and the policy alone, so that making it again after a crash gives the same.
///
/// # Errors
/// When something that it must say is not known; nothing goes on then.
pub fn receipt(
    observed: &Observed,
    id: &ProjectId,
    due: Due,
    key: &SigningKey,
    pseudonyms: &PseudonymKey,
) -> Result<AirlockReceiptSpec, ReceiptError> {
    let status = observed.status();
    let policy = observed.policy.as_ref();
    let policy = policy.ok_or(ReceiptError::Missing("airlock policy"))?;
    let (event, at, delivery) = match due {
        Due::Decided(event) => {
            let since = status.since.as_ref();
            (event, since.ok_or(ReceiptError::Missing("time"))?.0, None)
        }
        Due::Collected(number) => {
            let mut deliveries = status.deliveries.iter().flatten();
            let delivery = deliveries.find(|d| d.number == number);
            let delivery = delivery.ok_or(ReceiptError::Missing("collection"))?;
            (AirlockEvent::Collected, delivery.at.0, Some(delivery))
        }
    };
    let said = predicate(
        observed,
        &status,
        id,
        policy,
        (event, at, delivery),
        pseudonyms,
    )?;
    Ok(AirlockReceiptSpec {
        project: id.name.clone(),
        project_uid: id.uid.clone(),
        request: said.request.name.clone(),
        request_uid: said.request.uid.clone(),
        event,
        sde: said.request.transfer.as_ref().map(|t| t.sde.clone()),
        at: Time(at),
        bundle: sign_receipt(said, key)?.bundle_json,
        public_key: key.verifying_key().to_spki_pem()?,
    })
}

fn predicate(
    observed: &Observed,
    status: &AirlockRequestStatus,
    id: &ProjectId,
    policy: &AirlockPolicy,
    (event, at, delivery): (AirlockEvent, Timestamp, Option<&Delivery>),
    pseudonyms: &PseudonymKey,
) -> Result<Receipt, ReceiptError> {
    let meta = &observed.request.metadata;
    let content = status.content.as_ref();
    let content = content.ok_or(ReceiptError::Missing("content"))?;
    let findings = status.findings.as_ref();
    Ok(Receipt {
        event: match event {
            AirlockEvent::Released => Event::Released,
            AirlockEvent::Rejected => Event::Rejected,
            AirlockEvent::Revoked => Event::Revoked,
            AirlockEvent::Collected => Event::Collected,
        },
        at,
        reason: match delivery {
            Some(delivery) => format!("{:?}", delivery.outcome),
            None => status.reason.clone().unwrap_or_default(),
        },
        request: ReceiptRequest {
            project: id.name.clone(),
            project_uid: id.uid.clone(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            direction: format!("{:?}", observed.spec().direction),
            requester: pseudonyms.pseudonym(&observed.spec().requester),
            transfer: transferred(observed, content)?,
        },
        content: Content {
            digest: plain(&content.digest).parse()?,
            files: unsigned(content.files),
            bytes: unsigned(content.bytes),
        },
        findings: findings
            .iter()
            .flat_map(|f| &f.rules)
            .map(|f| Found {
                rule: f.rule.clone(),
                severity: format!("{:?}", f.severity),
                files: unsigned(f.files),
            })
            .collect(),
        findings_digest: findings.map(|f| f.digest.clone()),
        policy_digest: findings.map(|f| f.policy_digest.clone()),
        process_digest: policy.process_digest.parse()?,
        reviews: reviews(observed, policy, event, pseudonyms),
        delivery: delivery.map(handed_out).transpose()?,
    })
}

fn transferred(
    observed: &Observed,
    content: &SealedContent,
) -> Result<Option<Transferred>, ReceiptError> {
    let Some(transfer) = &observed.spec().transfer else {
        return Ok(None);
    };
    let recipient = content.recipient.as_ref();
    Ok(Some(Transferred {
        grant: transfer.grant.clone(),
        sde: transfer.sde.clone(),
        recipient: recipient
            .ok_or(ReceiptError::Missing("recipient"))?
            .parse()?,
    }))
}

fn handed_out(delivery: &Delivery) -> Result<sde_evidence::Delivery, DigestError> {
    let digest = |text: &Option<String>| text.as_deref().map(str::parse::<Digest>).transpose();
    Ok(sde_evidence::Delivery {
        number: unsigned(delivery.number),
        outcome: format!("{:?}", delivery.outcome),
        bytes: unsigned(delivery.bytes),
        sha256: digest(&delivery.sha256)?,
        door_bytes: delivery.door_bytes.map(unsigned),
        door_sha256: digest(&delivery.door_sha256)?,
    })
}

/// Reviews by which it came there: those of its approval, and those that ended it.
fn reviews(
    observed: &Observed,
    policy: &AirlockPolicy,
    event: AirlockEvent,
    pseudonyms: &PseudonymKey,
) -> Vec<Approver> {
    let approval = observed.status().approval;
    let approval = approval.map(|a| a.reviews).unwrap_or_default();
    let ends = |review: &AirlockReview| match event {
        AirlockEvent::Rejected => review.spec.decision == ReviewDecision::Reject,
        AirlockEvent::Revoked => review.spec.decision == ReviewDecision::Revoke,
        AirlockEvent::Released | AirlockEvent::Collected => false,
    };
    let uid = |review: &AirlockReview| review.metadata.uid.clone().unwrap_or_default();
    let mut reviews: Vec<Approver> = observed
        .reviews
        .iter()
        .filter(|r| approval.contains(&uid(r)) || ends(r) && may(observed, policy, r))
        .map(|review| Approver {
            reviewer: pseudonyms.pseudonym(&review.spec.reviewer),
            role: format!("{:?}", review.spec.role),
            decision: format!("{:?}", review.spec.decision),
            reason: format!("{:?}", review.spec.reason),
            review: uid(review),
        })
        .collect();
    reviews.sort_by(|a, b| a.review.cmp(&b.review));
    reviews
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A digest without the version of what it is of.
fn plain(digest: &str) -> &str {
    digest.strip_prefix("v1:").unwrap_or(digest)
}
