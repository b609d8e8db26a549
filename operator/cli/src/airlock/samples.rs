//! The example request at several points of its way. Conditions carry the machine's own sentences.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{Direction, Import, ImportKind, TransferOfGrant};
use sde_crds::airlock_review::{ReviewDecision, ReviewReason, ReviewRole};
use sde_crds::airlock_status::{
    AirlockPhase as Phase, AirlockRequestStatus, Failure, FailureCause, Finding, Findings,
    ReviewProgress, SealedContent, Severity, ShownDecision, Signal, SignalUnit,
};

pub fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

fn time(clock: &str) -> Time {
    Time(format!("2026-11-21T{clock}:00Z").parse().unwrap())
}

/// A digest of one repeated digit.
pub fn digest(of: char) -> String {
    format!("v1:sha256:{}", of.to_string().repeat(64))
}

/// As its requester made it.
pub fn draft() -> AirlockRequest {
    let mut request: AirlockRequest = serde_yaml_ng::from_str(include_str!(
        "../../../../crds/examples/airlockrequest.yaml"
    ))
    .unwrap();
    request.metadata.uid = Some(crate::fixtures::UID.to_owned());
    request.metadata.resource_version = Some("41".to_owned());
    request.metadata.creation_timestamp = Some(time("20:00"));
    request
}

/// In a phase, with the Ready condition that says why.
pub fn at(phase: Phase, reason: &str, message: &str, since: &str) -> AirlockRequest {
    let mut request = draft();
    request.spec.seal = true;
    request.status = Some(AirlockRequestStatus {
        phase,
        reason: Some(reason.to_owned()),
        since: Some(time(since)),
        conditions: Some(vec![Condition {
            type_: "Ready".to_owned(),
            status: "False".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            observed_generation: Some(1),
            last_transition_time: time(since),
        }]),
        ..AirlockRequestStatus::default()
    });
    request
}

/// Copied; waits for its requester.
pub fn sealed() -> AirlockRequest {
    let mut request = at(
        Phase::Sealing,
        "ConfirmContent",
        "Sealed: 4 files, 48213 bytes. Look at what was sealed and set confirmedDigest to status.content.digest (v1:sha256:111111111111...).",
        "20:05",
    );
    request.status.get_or_insert_default().content = Some(SealedContent {
        digest: digest('1'),
        files: 4,
        bytes: 48_213,
        recipient: None,
        fingerprints: None,
    });
    request
}

fn scanned(mut request: AirlockRequest, rules: Vec<Finding>) -> AirlockRequest {
    let content = sealed().status.and_then(|s| s.content);
    request.spec.confirmed_digest = Some(digest('1'));
    let status = request.status.get_or_insert_default();
    status.content = content;
    status.findings = Some(Findings {
        digest: digest('2'),
        content_digest: digest('1'),
        policy_digest: policy_digest(),
        rules,
    });
    status.insiders = Some(vec!["u-19ab".to_owned(), "u-7c1e".to_owned()]);
    request
}

/// Of the example policy.
pub fn policy_digest() -> String {
    let airlock = crate::fixtures::policy().spec.airlock.unwrap();
    sde_core::airlock::review::policy_digest(&airlock)
}

fn finding(rule: &str, severity: Severity, files: i64, certain: bool) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        files,
        certain,
    }
}

/// Held, one of two reviews in.
pub fn held() -> AirlockRequest {
    let request = at(
        Phase::InReview,
        "ReviewsMissing",
        "1 of 2 reviews are in. One must decide as Senior. Every approval must answer for AL-S001. Votes are shown when all are.",
        "21:00",
    );
    let mut request = scanned(
        request,
        vec![
            finding("AL-G004", Severity::Warn, 1, false),
            finding("AL-S001", Severity::HoldSenior, 2, false),
        ],
    );
    request.status.get_or_insert_default().reviews = Some(ReviewProgress {
        summary: "1 of 2".to_owned(),
        needed: 2,
        counted: 1,
        unseen: 1,
        missing_roles: vec![ReviewRole::Senior],
        held_by: vec!["AL-S001".to_owned()],
        decisions: None,
    });
    request.status.get_or_insert_default().signals = Some(vec![Signal {
        rule: "AL-G017".to_owned(),
        severity: Severity::Warn,
        unit: SignalUnit::Bytes,
        observed: 48_213,
        usual: 2048,
    }]);
    request
}

/// Individual-level data for certain.
pub fn blocked() -> AirlockRequest {
    let mut request = at(
        Phase::Blocked,
        "IndividualLevelData",
        "What blocks it is certain (individual-level data, or a transfer that is not encrypted), and it is never released. A custodian signs it off with a review that says Reject.",
        "20:30",
    );
    request.metadata.name = Some("genotypes".to_owned());
    scanned(request, vec![finding("AL-I001", Severity::Block, 1, true)])
}

/// Returned with what to do.
pub fn returned() -> AirlockRequest {
    let mut request = held();
    let status = request.status.get_or_insert_default();
    let message = "Returned: status.reviews.decisions says what to change. Make another request that supersedes this one.";
    let ready = at(Phase::Returned, "Returned", message, "22:00")
        .status
        .unwrap();
    status.phase = Phase::Returned;
    status.since = ready.since;
    status.conditions = ready.conditions;
    let reviews = status.reviews.get_or_insert_default();
    reviews.counted = 2;
    reviews.missing_roles.clear();
    reviews.decisions = Some(vec![ShownDecision {
        role: ReviewRole::OutputChecker,
        decision: ReviewDecision::Return,
        reason: ReviewReason::SmallCounts,
        advice: Some("Suppress the cells below ten in file 0".to_owned()),
    }]);
    request
}

/// Released and once collected.
pub fn released() -> AirlockRequest {
    let request = at(
        Phase::Released,
        "NotCollected",
        "May be collected until status.expiresAt.",
        "22:30",
    );
    let mut request = scanned(request, Vec::new());
    let status = request.status.get_or_insert_default();
    status.expires_at = Some(Time("2026-11-28T22:30:00Z".parse().unwrap()));
    status.collections = 1;
    request
}

/// A folder that cannot be sealed.
pub fn failed() -> AirlockRequest {
    let mut request = at(
        Phase::Failed,
        "FolderRefused",
        "The folder holds links, specials or too much, and cannot be sealed.",
        "20:10",
    );
    request.status.get_or_insert_default().failure = Some(Failure {
        phase: Phase::Sealing,
        cause: FailureCause::FolderRefused,
    });
    request
}

/// One of the Imports' way: no folder, no outputs.
fn import(mut request: AirlockRequest) -> AirlockRequest {
    request.metadata.name = Some("reference".to_owned());
    let spec = &mut request.spec;
    spec.direction = Direction::Import;
    spec.folder = None;
    spec.outputs = None;
    spec.justification = "A panel to impute with".to_owned();
    request
}

/// A draft whose files are yet to be uploaded.
pub fn to_upload() -> AirlockRequest {
    let mut request = import(at(
        Phase::Draft,
        "UploadFiles",
        "A draft: raise spec.upload by one to upload the files through the portal.",
        "20:05",
    ));
    request.spec.seal = false;
    request
}

/// The door takes its files.
pub fn uploading() -> AirlockRequest {
    let mut request = import(at(
        Phase::Draft,
        "UploadNow",
        "Ready for half an hour from each upload: upload the files through the portal, then set seal: true.",
        "20:05",
    ));
    request.spec.seal = false;
    request.spec.upload = Some(1);
    request
}

/// Its files are sealed, and what they are is yet to be said.
pub fn brought() -> AirlockRequest {
    import(sealed())
}

/// Released: its requester's workspaces have it.
pub fn inbox() -> AirlockRequest {
    let mut request = import(at(
        Phase::Released,
        "InInbox",
        "In /inbox/reference of its requester's workspaces from their next start, read-only.",
        "22:30",
    ));
    request.spec.upload = Some(1);
    request.spec.imports = Some(vec![Import {
        name: "panel".to_owned(),
        files: vec![0, 1, 2, 3],
        kind: ImportKind::Data,
        origin: "The registry's site, release 7".to_owned(),
        licence: Some("CC-BY-4.0".to_owned()),
    }]);
    scanned(request, Vec::new())
}

/// The other environment of the example policy.
pub const SDE: &str = "example-partner-sde";

/// One of the transfers' way: a custodian's, of a grant.
fn transfer(mut request: AirlockRequest) -> AirlockRequest {
    request.metadata.name = Some("genotypes".to_owned());
    let spec = &mut request.spec;
    spec.direction = Direction::TransferToSde;
    spec.requester = "custodian-a".to_owned();
    spec.folder = None;
    spec.outputs = None;
    spec.transfer = Some(TransferOfGrant {
        grant: "genotypes".to_owned(),
        sde: SDE.to_owned(),
    });
    spec.justification = "Analysis at the partner".to_owned();
    spec.seal = true;
    request
}

/// As a custodian made it.
pub fn to_transfer() -> AirlockRequest {
    transfer(draft())
}

/// Its files are encrypted, and wait for its requester.
pub fn encrypted() -> AirlockRequest {
    let mut request = transfer(sealed());
    let policy = crate::fixtures::policy().spec;
    let keys = policy.third_party_sdes.and_then(|all| all[0].keys.clone());
    let status = request.status.get_or_insert_default();
    let content = status.content.as_mut().unwrap();
    content.recipient = sde_core::airlock::transfer::recipient(&keys.unwrap());
    request
}

/// Encrypted to keys that the policy no longer has.
pub fn stale() -> AirlockRequest {
    let mut request = encrypted();
    let ready = at(
        Phase::Approved,
        "TransferKeysChanged",
        "What was sealed is encrypted to other keys than the SdePolicy now holds of example-partner-sde: withdraw the request and make another.",
        "22:30",
    );
    request.spec.confirmed_digest = Some(digest('1'));
    let status = request.status.get_or_insert_default();
    let ready = ready.status.unwrap();
    (status.phase, status.since, status.conditions) = (ready.phase, ready.since, ready.conditions);
    request
}
