//! Objects that several tests use: the example project, and a real attestation.

use sde_crds::destruction_record::{Claim, Outcome};
use sde_crds::project::Lifecycle;
use sde_crds::project_approval::{ApprovalRole, Decision};
use sde_crds::{
    DestructionRecord, DestructionRecordSpec, Project, ProjectApproval, ProjectApprovalSpec,
    SdePolicy,
};

#[path = "../../evidence/tests/common/mod.rs"]
mod common;

pub use common::{attestation, key, other_key, public_pem};

/// UID of [`project`].
pub const UID: &str = common::PROJECT_UID;

/// The example project, Active, not yet seen by the controller.
pub fn project() -> Project {
    let mut project: Project =
        serde_yaml_ng::from_str(include_str!("../../../crds/examples/project.yaml")).unwrap();
    project.metadata.uid = Some(UID.to_owned());
    project.metadata.generation = Some(1);
    project.metadata.resource_version = Some("7".to_owned());
    project.spec.lifecycle = Lifecycle::Active;
    project
}

/// The example policy.
pub fn policy() -> SdePolicy {
    serde_yaml_ng::from_str(include_str!("../../../crds/examples/sdepolicy.yaml")).unwrap()
}

/// An approval of the example project.
pub fn approval(name: &str, role: ApprovalRole, digest: &str, approver: &str) -> ProjectApproval {
    let mut approval = ProjectApproval::new(
        name,
        ProjectApprovalSpec {
            project: "prj-4f2c".to_owned(),
            project_uid: UID.to_owned(),
            role,
            decision: Decision::Approved,
            digest: digest.to_owned(),
            approver: approver.to_owned(),
            submitted_by: "custodian-a".to_owned(),
            expires: "2027-10-31".parse().unwrap(),
            reference: None,
        },
    );
    approval.metadata.uid = Some(UID.to_owned());
    approval
}

/// A record whose bytes are not looked at.
pub fn record(project: &str, uid: &str, issued_at: &str) -> DestructionRecord {
    DestructionRecord::new(
        &format!("{project}-{}", &uid[..8]),
        DestructionRecordSpec {
            project: project.to_owned(),
            project_uid: uid.to_owned(),
            outcome: Outcome::Destroyed,
            claim: Claim::DeleteOnly,
            issued_at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
                issued_at.parse().unwrap(),
            ),
            evidence: String::new(),
            bundle: String::new(),
            public_key: String::new(),
        },
    )
}

/// A record with a real attestation.
pub fn attested() -> DestructionRecord {
    let attestation = attestation();
    let mut record = record("prj-4f2c", UID, "2026-11-20T10:12:00Z");
    record.spec.evidence = attestation.evidence_json;
    record.spec.bundle = attestation.bundle_json;
    record.spec.public_key = public_pem(&key());
    record
}
