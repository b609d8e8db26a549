//! One realistic closure, used by all tests of this crate.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and may fail loudly"
)]

use jiff::Timestamp;
use sde_evidence::*;
use serde_json::json;

pub const PROJECT_UID: &str = "6f1d1c1e-0000-4000-8000-0123456789ab";

pub fn at(minute: u32) -> Timestamp {
    format!("2026-11-20T10:{minute:02}:00Z").parse().unwrap()
}

/// The key of RFC 6979 §A.2.5, so that golden files never change by chance.
pub fn key() -> SigningKey {
    let scalar =
        hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
    SigningKey::generate(|bytes| bytes.copy_from_slice(&scalar)).unwrap()
}

pub fn other_key() -> SigningKey {
    SigningKey::generate(|bytes| bytes.fill(7)).unwrap()
}

pub fn public_pem(key: &SigningKey) -> String {
    key.verifying_key().to_spki_pem().unwrap()
}

pub fn pseudonym(user: &str) -> Pseudonym {
    PseudonymKey::new(&[1; 32]).unwrap().pseudonym(user)
}

fn environment() -> Environment {
    Environment {
        cluster_id: "11111111-2222-4333-8444-555555555555".into(),
        kubernetes_version: "v1.34.1".into(),
        operator: Operator {
            version: "0.1.0".into(),
            image_digest: sha256(b"image"),
        },
        csi_drivers: vec![Component {
            name: "rancher.io/local-path".into(),
            version: "unknown".into(),
        }],
        cni: "kindnet".into(),
        policy_digest: sha256(b"policy"),
        guidance_version: "NIST SP 800-88r2".into(),
        key_protection: KeyProtection::Software,
    }
}

fn gone_observation() -> Observation {
    Observation {
        at: at(7),
        object: "PersistentVolume pvc-9a uid 22222222-0000-4000-8000-000000000001".into(),
        action: "get".into(),
        saw: "404 NotFound".into(),
    }
}

fn record(id: StepId, start: u32, end: u32, observations: Vec<Observation>) -> StepRecord {
    StepRecord {
        id,
        started_at: Some(at(start)),
        ended_at: Some(at(end)),
        result: StepResult::Done,
        observations,
        audit_event_ids: vec![],
    }
}

fn step_records() -> Vec<StepRecord> {
    vec![
        record(StepId::T0, 0, 1, vec![]),
        record(StepId::T1, 1, 2, vec![]),
        record(StepId::T2, 2, 3, vec![]),
        record(StepId::T4, 3, 4, vec![]),
        record(StepId::T7, 5, 7, vec![gone_observation()]),
        record(StepId::T13, 8, 9, vec![]),
    ]
}

/// Takes over into the facts what the evidence records of the steps.
pub fn with_steps(mut facts: DestructionFacts, evidence: &Evidence) -> DestructionFacts {
    facts.steps = evidence
        .steps
        .iter()
        .map(|record| record.step().unwrap())
        .collect();
    facts
}

pub fn evidence() -> Evidence {
    let spec =
        json!({"title": "Modifiers of penetrance", "tier": "sensitive", "lifecycle": "Closed"});
    Evidence {
        attestation_id: AttestationId::new(at(10), [3; 10]).unwrap(),
        outcome: Outcome::Destroyed,
        claim: Claim::DeleteOnly,
        issued: at(10),
        project: EvidenceProject {
            name: "prj-4f2c".into(),
            uid: PROJECT_UID.into(),
            spec_digest: spec_digest(PROJECT_UID, &spec).unwrap(),
            spec,
            approvals: vec![Approval {
                name: "prj-4f2c-closure-a".into(),
                uid: "33333333-0000-4000-8000-000000000001".into(),
                approver: "custodian-a@example.org".into(),
                role: "Closure".into(),
                decision: "Approved".into(),
                digest: sha256(b"inventory").to_string(),
                at: at(0),
                expires: None,
            }],
        },
        environment: environment(),
        inventory: vec![InventoryItem {
            media_id: "m-1".into(),
            api_version: "v1".into(),
            kind: "PersistentVolumeClaim".into(),
            namespace: Some("sde-project-prj-4f2c".into()),
            name: "home-u-7c1e".into(),
            uid: "22222222-0000-4000-8000-000000000000".into(),
            volume_handle: Some("/var/local-path-provisioner/pvc-9a".into()),
            nodes: vec!["node-1".into()],
            reason: "home of a workspace".into(),
        }],
        steps: step_records(),
        isolation_proofs: vec![IsolationProof {
            pod_uid: "44444444-0000-4000-8000-000000000001".into(),
            pod: "ws-u-7c1e".into(),
            at: at(0),
            judgement: json!({"enforced": "Yes"}),
        }],
        pseudonyms: vec![PseudonymEntry {
            pseudonym: pseudonym("custodian-a@example.org"),
            user: "custodian-a@example.org".into(),
        }],
    }
}

pub fn medium() -> Media {
    Media {
        media_id: "m-1".into(),
        kind: MediaKind::Pvc,
        object_uid: "22222222-0000-4000-8000-000000000000".into(),
        pvc_name: Some("home-1".into()),
        pv_name: Some("pvc-9a".into()),
        volume_handle_digest: Some(sha256(b"/var/local-path-provisioner/pvc-9a")),
        storage_class: Some("standard".into()),
        reclaim_policy_at_close: Some("Delete".into()),
        driver: Some("rancher.io/local-path".into()),
        capacity_bytes: Some(1 << 30),
        media_type: "unknown".into(),
        media_source: "dynamically provisioned".into(),
        property_number: None,
        pre_sanitisation_category: "sensitive".into(),
        encryption: None,
        method: Method::SelectiveDeletion,
        technique: Technique::CsiDeleteVolume,
        standard_ref: SELECTIVE_DELETION_REF.into(),
        tool: Tool {
            name: "sde-operator".into(),
            version: "0.1.0".into(),
        },
        started_at: Some(at(5)),
        finished_at: Some(at(7)),
        verification: Verification {
            method: "PersistentVolume read after deletion".into(),
            result: Observed::Gone,
            evidence_digests: vec![gone_observation().digest().unwrap()],
        },
        assurance: Assurance::OperatorObserved,
        destination: Destination::Released,
    }
}

pub fn facts() -> DestructionFacts {
    let evidence = evidence();
    let residuals = ResidualClass::ALWAYS
        .map(|class| class.residual("platform team"))
        .to_vec();
    let facts = DestructionFacts {
        attestation_id: evidence.attestation_id.clone(),
        outcome: evidence.outcome,
        claim: evidence.claim,
        times: Times {
            closure_requested: at(0),
            access_revoked: Some(at(2)),
            inventory_frozen: Some(at(3)),
            volumes_deleted: Some(at(7)),
            namespace_gone: Some(at(9)),
            issued: evidence.issued,
        },
        project: ProjectRef {
            uid: PROJECT_UID.into(),
            public_ref: "prj-4f2c".into(),
            spec_digest: evidence.project.spec_digest.clone(),
            custodian: Custodian {
                name: "example-biobank".into(),
                contact_ref: "data access office".into(),
            },
            data_sharing_agreement_refs: vec!["DSA-9".into()],
            approved_at: Some("2026-01-05T09:00:00Z".parse().unwrap()),
            closed_at: at(0),
            closure_reason: "end of project".into(),
            closure_approvers: vec![
                pseudonym("custodian-a@example.org"),
                pseudonym("custodian-b@example.org"),
            ],
        },
        datasets: vec![Dataset {
            id: "wgs-2026".into(),
            drs_uri: None,
            manifest_digest: sha256(b"manifest"),
            files: 12,
            bytes: 3_000_000_000_000,
            duo: vec!["DUO:0000006".into()],
            mounted_read_only: true,
            local_copy_made: Some(false),
            release: "r1".into(),
        }],
        environment: environment(),
        media: vec![medium()],
        copies: Copies::default(),
        access: Access {
            people_revoked: 3,
            sessions_terminated: 1,
            tokens_revoked_at: Some(at(2)),
            last_data_access_at: Some(at(1)),
        },
        airlock: Airlock::default(),
        steps: vec![],
        residuals,
        previous: None,
        supersedes: None,
    };
    with_steps(facts, &evidence)
}

pub fn subjects() -> Vec<Subject> {
    vec![
        Subject::new("project.json", &sha256(b"project")),
        Subject::new("wgs-2026.manifest", &sha256(b"manifest")),
    ]
}

pub fn attestation() -> Attestation {
    attest(facts(), subjects(), &evidence(), &key()).unwrap()
}
