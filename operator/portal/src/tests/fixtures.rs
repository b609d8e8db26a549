//! What the listener knows: the example project and requests at several points of their way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_core::airlock::review::policy_digest;
use sde_core::project::validate::spec_digest;
use sde_crds::airlock_request::{Direction, Import, ImportKind, TransferOfGrant};
use sde_crds::airlock_review::{ReviewDecision, ReviewReason, ReviewRole};
use sde_crds::airlock_status::{
    AirlockPhase as Phase, AirlockRequestStatus, Finding, Findings, ReviewProgress, SealedContent,
    Serving, ServingKind, Severity, ShownDecision,
};
use sde_crds::project::Lifecycle;
use sde_crds::project_status::ProjectStatus;
use sde_crds::{AirlockRequest, Project, SdePolicy};
use serde_json::{Value, json};

use crate::session::Sessions;
use crate::signed_in::SignedIn;
use crate::user::User;

pub const UID: &str = "0b9d4f6e-7f3a-4d0e-9c55-2f6f3b6f8a10";
/// What a bundle's bytes are, for this.
pub const BUNDLE: &str = "{\"mediaType\": \"application/vnd.dev.sigstore.bundle.v0.3+json\"}";
/// Paths of the API.
pub const GROUP: &str = "/apis/sde-operator.dev/v1alpha1";
pub const REQUESTS: &str =
    "/apis/sde-operator.dev/v1alpha1/namespaces/sde-project-prj-4f2c/airlockrequests";

pub fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().expect("time")
}

fn at(clock: &str) -> Time {
    Time(format!("2026-11-21T{clock}:00Z").parse().expect("time"))
}

fn digest(of: char) -> String {
    format!("v1:sha256:{}", of.to_string().repeat(64))
}

/// Somebody, signed in.
pub fn who(name: &str) -> SignedIn {
    let hour = std::time::Duration::from_secs(3600);
    let (sessions, now) = (Sessions::new(hour, hour), std::time::Instant::now());
    let id = sessions.begin(User::parse(name).expect("name"), Vec::new(), now);
    let session = sessions.get(&id, now).expect("session");
    SignedIn {
        user: session.user,
        csrf: "the-session-s-secret".to_owned(),
        projects: session.projects,
        id,
    }
}

pub fn policy() -> SdePolicy {
    serde_yaml_ng::from_str(include_str!("../../../../crds/examples/sdepolicy.yaml")).expect("yaml")
}

/// The example project, waiting for approval.
pub fn project() -> Project {
    let mut project: Project =
        serde_yaml_ng::from_str(include_str!("../../../../crds/examples/project.yaml"))
            .expect("yaml");
    project.metadata.uid = Some(UID.to_owned());
    project.spec.lifecycle = Lifecycle::Active;
    project.status = Some(ProjectStatus {
        spec_digest: Some(spec_digest(UID, &project.spec)),
        ..ProjectStatus::default()
    });
    project
}

/// The example request in a phase.
pub fn request(name: &str, phase: Phase) -> AirlockRequest {
    let mut request: AirlockRequest = serde_yaml_ng::from_str(include_str!(
        "../../../../crds/examples/airlockrequest.yaml"
    ))
    .expect("yaml");
    request.metadata.name = Some(name.to_owned());
    request.metadata.uid = Some(UID.to_owned());
    request.metadata.resource_version = Some("41".to_owned());
    request.metadata.creation_timestamp = Some(at("20:00"));
    request.spec.seal = true;
    request.status = Some(AirlockRequestStatus {
        phase,
        since: Some(at("21:00")),
        content: Some(SealedContent {
            digest: digest('1'),
            files: 4,
            bytes: 48_213,
            recipient: None,
            fingerprints: None,
        }),
        ..AirlockRequestStatus::default()
    });
    request
}

/// Copied; waits for its requester, who has declared nothing.
pub fn sealed() -> AirlockRequest {
    let mut request = request("sealed", Phase::Sealing);
    request.spec.outputs = None;
    request
}

/// Held, one of two reviews in; the viewer runs.
pub fn held() -> AirlockRequest {
    let mut request = request("held", Phase::InReview);
    request.spec.confirmed_digest = Some(digest('1'));
    let policy = policy().spec.airlock.expect("airlock");
    let finding = |rule: &str, severity| Finding {
        rule: rule.to_owned(),
        severity,
        files: 2,
        certain: false,
    };
    let status = request.status.get_or_insert_default();
    status.insiders = Some(vec!["u-19ab".to_owned(), "u-7c1e".to_owned()]);
    status.findings = Some(Findings {
        digest: digest('2'),
        content_digest: digest('1'),
        policy_digest: policy_digest(&policy),
        rules: vec![
            finding("AL-G004", Severity::Warn),
            finding("AL-S001", Severity::HoldSenior),
        ],
    });
    status.reviews = Some(ReviewProgress {
        summary: "1 of 2".to_owned(),
        needed: 2,
        counted: 1,
        unseen: 1,
        missing_roles: vec![ReviewRole::Senior],
        held_by: vec!["AL-S001".to_owned()],
        decisions: None,
    });
    status.serving = Some(vec![serving(ServingKind::View)]);
    request
}

fn serving(kind: ServingKind) -> Serving {
    Serving {
        kind,
        at: "10.1.2.3:8444".to_owned(),
        pod: UID.to_owned(),
    }
}

/// Released and ready to be collected.
pub fn released() -> AirlockRequest {
    let mut request = request("released", Phase::Released);
    request.spec.confirmed_digest = Some(digest('1'));
    request.spec.collect = Some(1);
    request.status.get_or_insert_default().serving = Some(vec![serving(ServingKind::Deliver)]);
    request
}

/// Returned with what to do.
pub fn returned() -> AirlockRequest {
    let mut request = held();
    request.metadata.name = Some("returned".to_owned());
    let status = request.status.get_or_insert_default();
    status.phase = Phase::Returned;
    status.serving = None;
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

/// An Import in a phase: declared, and before it is sealed a draft that nobody has asked to upload yet.
pub fn import(name: &str, phase: Phase) -> AirlockRequest {
    let mut import = request(name, phase);
    let spec = &mut import.spec;
    spec.direction = Direction::Import;
    spec.folder = None;
    spec.outputs = None;
    spec.justification = "A reference panel to impute with".to_owned();
    spec.imports = Some(vec![
        Import {
            name: "panel".to_owned(),
            files: vec![0, 1, 2],
            kind: ImportKind::Data,
            origin: "The registry's site, release 7".to_owned(),
            licence: Some("CC-BY-4.0".to_owned()),
        },
        Import {
            name: "caller".to_owned(),
            files: vec![3],
            kind: ImportKind::Binary,
            origin: "Its authors' release page".to_owned(),
            licence: None,
        },
    ]);
    import
}

/// A draft of an Import for which the door takes files.
pub fn draft() -> AirlockRequest {
    let mut import = import("panel", Phase::Draft);
    import.spec.seal = false;
    import.spec.imports = None;
    import.spec.upload = Some(1);
    let status = import.status.get_or_insert_default();
    status.content = None;
    status.serving = Some(vec![serving(ServingKind::Receive)]);
    import
}

/// Its files are sealed and wait to be declared.
pub fn brought() -> AirlockRequest {
    let mut import = import("brought", Phase::Sealing);
    import.spec.imports = None;
    import
}

/// A custodian's transfer in a phase, encrypted to the keys that the policy has.
pub fn transfer(name: &str, phase: Phase) -> AirlockRequest {
    let mut transfer = request(name, phase);
    let spec = &mut transfer.spec;
    spec.direction = Direction::TransferToSde;
    spec.requester = "custodian-a".to_owned();
    spec.folder = None;
    spec.outputs = None;
    spec.justification = "Analysis at the partner".to_owned();
    let sde = policy().spec.third_party_sdes.expect("sdes").remove(0);
    spec.transfer = Some(TransferOfGrant {
        grant: "genotypes".to_owned(),
        sde: sde.name,
    });
    let status = transfer.status.get_or_insert_default();
    let content = status.content.as_mut().expect("content");
    content.recipient = sde_core::airlock::transfer::recipient(&sde.keys.expect("keys"));
    transfer
}

fn list(kind: &str, items: Value) -> Value {
    json!({"apiVersion": "sde-operator.dev/v1alpha1", "kind": kind, "metadata": {}, "items": items})
}

/// Everything, by path.
pub fn known() -> BTreeMap<String, Value> {
    let requests = [sealed(), held(), released(), returned(), draft(), brought()];
    let mut known = BTreeMap::new();
    let value = |of: &AirlockRequest| serde_json::to_value(of).expect("json");
    for of in &requests {
        let name = of.metadata.name.as_deref().expect("name");
        known.insert(format!("{REQUESTS}/{name}"), value(of));
    }
    let all = list("AirlockRequestList", requests.iter().map(value).collect());
    known.insert(REQUESTS.to_owned(), all.clone());
    known.insert(format!("{GROUP}/airlockrequests"), all);
    let project = serde_json::to_value(project()).expect("json");
    known.insert(
        format!("{GROUP}/projects"),
        list("ProjectList", json!([project])),
    );
    known.insert(format!("{GROUP}/projects/prj-4f2c"), project);
    known.insert(
        format!("{GROUP}/projectapprovals"),
        list("ProjectApprovalList", json!([])),
    );
    let policy = serde_json::to_value(policy()).expect("json");
    known.insert(format!("{GROUP}/sdepolicies/default"), policy);
    let receipt = json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockReceipt",
        "metadata": {"name": "prj-4f2c-0b9d4f6e-collected-1"},
        "spec": {"project": "prj-4f2c", "projectUID": UID, "request": "released", "requestUID": UID,
            "event": "Collected", "at": "2026-11-21T23:00:00Z", "bundle": BUNDLE, "publicKey": ""},
    });
    known.insert(
        format!("{GROUP}/airlockreceipts"),
        list("AirlockReceiptList", json!([receipt])),
    );
    let path = format!("{GROUP}/airlockreceipts/prj-4f2c-0b9d4f6e-collected-1");
    known.insert(path, receipt);
    known.insert(
        format!("{GROUP}/destructionrecords"),
        list("DestructionRecordList", json!([])),
    );
    known
}
