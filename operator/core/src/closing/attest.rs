//! From an ended closure to its signed record. The same closure always gives the same bytes.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::DestructionRecordSpec;
use sde_crds::airlock_receipt::AirlockEvent;
use sde_crds::destruction_record;
use sde_crds::project::{ClosureMode, ProjectSpec};
use sde_crds::project_approval::ApprovalRole;
use sde_crds::project_status::{ClosingStatus, Medium};
use sde_evidence::{
    Access, Airlock, Assurance, AttestationId, Claim, Copies, Custodian, Dataset, Destination,
    DestructionFacts, Digest, Environment, Evidence, Exports, KeyProtection, Media, MediaKind,
    Method, Observed as Seen, Operator, Outcome, ProjectRef, PseudonymEntry, PseudonymKey,
    ResidualClass, SELECTIVE_DELETION_REF, SigningKey, Subject, Technique, ThirdParty, Times, Tool,
    Verification,
};
use thiserror::Error;

use crate::approvals::decide;
use crate::closing::evidence::{self, step_end};
use crate::closing::observe::{ClusterFacts, Observed};
use crate::project::validate::spec_digest;
use crate::quantity;

/// Why no attestation was made. Nothing is stored then, and the Project stays.
#[derive(Debug, Error)]
pub enum AttestError {
    /// The facts do not support an attestation.
    #[error(transparent)]
    Attest(#[from] sde_evidence::AttestError),
    /// Something has no canonical form.
    #[error(transparent)]
    Canonical(#[from] sde_evidence::CanonicalError),
    /// A stored digest, id or key is malformed.
    #[error("{what}: {why}")]
    Malformed {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
}

fn malformed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> AttestError {
    move |error| AttestError::Malformed {
        what,
        why: error.to_string(),
    }
}

/// Signs the record of an ended closure.
///
/// # Errors
/// When the facts do not support the outcome; the closure then stays unfinished and says so.
pub fn attest(
    observed: &Observed,
    closing: &ClosingStatus,
    cluster: &ClusterFacts,
    key: &SigningKey,
    pseudonyms: &PseudonymKey,
) -> Result<DestructionRecordSpec, AttestError> {
    let project = &observed.project.project;
    let id = observed.project.id();
    let mode = project.spec.closure.mode;
    let issued = step_end(closing, "T13");
    let digest = spec_digest(&id.uid, &project.spec);
    let environment = environment(observed, cluster)?;
    // From the Project alone, so that a retry after a crash signs the same bytes.
    let mut seed = [0; 10];
    seed.copy_from_slice(&sde_evidence::sha256(id.uid.as_bytes()).as_bytes()[..10]);
    let attestation_id = AttestationId::new(issued, seed).map_err(malformed("attestation id"))?;
    let approvers = closure_approvers(observed, closing);
    let received = third_parties(observed);

    let mut document = Evidence {
        attestation_id: attestation_id.clone(),
        outcome: if evidence::homes(closing)
            .iter()
            .any(|m| evidence::retained(m, mode))
        {
            Outcome::RetainedInaccessible
        } else if received.is_empty() {
            Outcome::Destroyed
        } else {
            Outcome::DestroyedPending
        },
        claim: Claim::None,
        issued,
        project: evidence::project(observed, &digest, issued),
        environment: environment.clone(),
        inventory: evidence::inventory(observed, closing),
        steps: evidence::steps(observed, closing),
        isolation_proofs: evidence::isolation(observed),
        pseudonyms: approvers
            .iter()
            .map(|user| PseudonymEntry {
                pseudonym: pseudonyms.pseudonym(user),
                user: user.clone(),
            })
            .collect(),
    };
    let mut facts = DestructionFacts {
        attestation_id,
        outcome: document.outcome,
        claim: Claim::None,
        times: times(closing, document.outcome),
        project: project_ref(
            observed,
            closing,
            &digest,
            approvers.iter().map(|u| pseudonyms.pseudonym(u)).collect(),
        ),
        datasets: datasets(observed)?,
        environment,
        media: evidence::homes(closing)
            .into_iter()
            .map(|m| media(m, closing, mode, cluster, &project.spec))
            .collect::<Result<_, _>>()?,
        copies: Copies {
            exports: exports(observed),
            third_party_sdes: received,
            ..Copies::default()
        },
        access: Access {
            people_revoked: project.spec.people.len() as u64,
            sessions_terminated: 0,
            tokens_revoked_at: Some(step_end(closing, "T1")),
            last_data_access_at: None,
        },
        airlock: emptied(closing),
        steps: document
            .steps
            .iter()
            .map(sde_evidence::StepRecord::step)
            .collect::<Result<_, _>>()?,
        residuals: ResidualClass::ALWAYS
            .iter()
            .map(|class| class.residual("platform team"))
            .collect(),
        previous: None,
        supersedes: None,
    };
    facts.claim = facts.supported_claim();
    document.claim = facts.claim;
    let (outcome, claim) = (facts.outcome, facts.claim);
    let subjects = facts
        .datasets
        .iter()
        .map(|d| Subject::new(format!("{}.manifest", d.id), &d.manifest_digest))
        .collect();
    let attestation = sde_evidence::attest(facts, subjects, &document, key)?;
    Ok(DestructionRecordSpec {
        project: id.name,
        project_uid: id.uid,
        outcome: record_outcome(outcome),
        claim: record_claim(claim),
        issued_at: Time(issued),
        evidence: attestation.evidence_json,
        bundle: attestation.bundle_json,
        public_key: key
            .verifying_key()
            .to_spki_pem()
            .map_err(malformed("public key"))?,
    })
}

/// What the airlock held: it is empty before an attestation is made.
fn emptied(closing: &ClosingStatus) -> Airlock {
    let destroyed = closing.airlock.map_or(0, |a| a.chambers_destroyed);
    Airlock {
        open_requests: 0,
        quarantined_destroyed: u64::try_from(destroyed).unwrap_or(0),
    }
}

/// What left through the airlock, by its receipts.
fn exports(observed: &Observed) -> Exports {
    let receipts = &observed.receipts;
    let released = receipts
        .values()
        .filter(|r| r.event == AirlockEvent::Released);
    let bundles: Vec<&String> = receipts.values().map(|r| &r.bundle).collect();
    Exports {
        release_receipts: released.count() as u64,
        receipts_merkle_root: sde_evidence::merkle_root(&bundles),
    }
}

/// Other environments to which something was handed out, or may have been. What they confirm comes when this project is gone.
fn third_parties(observed: &Observed) -> Vec<ThirdParty> {
    let receipts = observed.receipts.values();
    let collected = receipts.filter(|r| r.event == AirlockEvent::Collected);
    let names: BTreeSet<&String> = collected.filter_map(|r| r.sde.as_ref()).collect();
    let unconfirmed = |name: &String| ThirdParty {
        name: name.clone(),
        confirmation_digest: None,
    };
    names.into_iter().map(unconfirmed).collect()
}

fn record_outcome(outcome: Outcome) -> destruction_record::Outcome {
    match outcome {
        Outcome::Destroyed => destruction_record::Outcome::Destroyed,
        Outcome::DestroyedPending => destruction_record::Outcome::DestroyedPending,
        Outcome::RetainedInaccessible => destruction_record::Outcome::RetainedInaccessible,
        Outcome::FailedPartial => destruction_record::Outcome::FailedPartial,
    }
}

fn record_claim(claim: Claim) -> destruction_record::Claim {
    match claim {
        Claim::PurgeCryptographicErase => destruction_record::Claim::PurgeCryptographicErase,
        Claim::DeleteOnly => destruction_record::Claim::DeleteOnly,
        Claim::Inaccessible => destruction_record::Claim::Inaccessible,
        Claim::None => destruction_record::Claim::None,
    }
}

/// Who approved, as it stood when the approvals sufficed: what came later changes neither the deed nor its record.
fn closure_approvers(observed: &Observed, closing: &ClosingStatus) -> Vec<String> {
    let digest = closing.inventory_digest.clone().unwrap_or_default();
    let spec = &observed.project.project.spec;
    let approved = step_end(closing, "T0");
    let decided = decide(
        &observed.project.id(),
        spec,
        &digest,
        &evidence::approvals_until(observed, approved),
        approved,
    );
    decided
        .approved
        .get(&ApprovalRole::Closure)
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn environment(observed: &Observed, cluster: &ClusterFacts) -> Result<Environment, AttestError> {
    let policy = observed.project.policy.as_ref();
    Ok(Environment {
        cluster_id: cluster.cluster_id.clone(),
        kubernetes_version: cluster.kubernetes_version.clone(),
        operator: Operator {
            version: cluster.operator_version.clone(),
            image_digest: cluster
                .image_digest
                .parse()
                .map_err(malformed("agent image digest"))?,
        },
        csi_drivers: Vec::new(),
        cni: cluster.cni.clone(),
        policy_digest: sde_evidence::canonical_digest(&policy)?,
        guidance_version: policy
            .map_or_else(|| "no SdePolicy".to_owned(), |p| p.guidance_version.clone()),
        key_protection: KeyProtection::Software,
    })
}

fn times(closing: &ClosingStatus, outcome: Outcome) -> Times {
    Times {
        closure_requested: closing.requested_at.0,
        access_revoked: Some(step_end(closing, "T1")),
        inventory_frozen: Some(step_end(closing, "T2")),
        volumes_deleted: (outcome != Outcome::RetainedInaccessible)
            .then(|| step_end(closing, "T7")),
        namespace_gone: Some(step_end(closing, "T13")),
        issued: step_end(closing, "T13"),
    }
}

fn project_ref(
    observed: &Observed,
    closing: &ClosingStatus,
    digest: &str,
    closure_approvers: Vec<sde_evidence::Pseudonym>,
) -> ProjectRef {
    let project = &observed.project.project;
    ProjectRef {
        uid: project.metadata.uid.clone().unwrap_or_default(),
        public_ref: project.metadata.name.clone().unwrap_or_default(),
        spec_digest: digest.to_owned(),
        custodian: Custodian {
            name: project.spec.custodian.organisation.clone(),
            contact_ref: project.spec.custodian.contact.clone(),
        },
        data_sharing_agreement_refs: Vec::new(),
        approved_at: None,
        closed_at: closing.requested_at.0,
        closure_reason: "lifecycle set to Closed".to_owned(),
        closure_approvers,
    }
}

fn datasets(observed: &Observed) -> Result<Vec<Dataset>, AttestError> {
    let status = observed.project.project.status.clone().unwrap_or_default();
    let verified = status
        .datasets
        .unwrap_or_default()
        .into_iter()
        .filter(|g| g.manifest_digest.is_some());
    verified
        .map(|grant| {
            let dataset = observed.project.datasets.get(&grant.dataset);
            Ok(Dataset {
                id: grant.dataset.clone(),
                drs_uri: None,
                manifest_digest: grant
                    .manifest_digest
                    .unwrap_or_default()
                    .parse::<Digest>()
                    .map_err(malformed("manifest digest"))?,
                files: grant.files.unwrap_or_default().unsigned_abs(),
                bytes: grant.bytes.unwrap_or_default().unsigned_abs(),
                duo: dataset.map(|d| d.duo.clone()).unwrap_or_default(),
                mounted_read_only: true,
                // What people copied into their homes is not known; the homes are media of their own.
                local_copy_made: None,
                release: dataset.map(|d| d.release.clone()).unwrap_or_default(),
            })
        })
        .collect()
}

fn media(
    medium: &Medium,
    closing: &ClosingStatus,
    mode: ClosureMode,
    cluster: &ClusterFacts,
    spec: &ProjectSpec,
) -> Result<Media, AttestError> {
    let gone = medium.gone_at.is_some();
    let kept = evidence::retained(medium, mode);
    let deletion = if medium.volume.is_some() {
        Technique::CsiDeleteVolume
    } else {
        Technique::ObjectDeletion
    };
    let observation = evidence::observation(closing, medium, mode);
    let (method, technique, result, destination) = match (gone, kept) {
        (true, _) => (
            Method::SelectiveDeletion,
            deletion,
            Seen::Gone,
            Destination::Released,
        ),
        (false, true) => (
            Method::None,
            Technique::AccessRemoval,
            Seen::Inaccessible,
            Destination::Retained,
        ),
        (false, false) => (
            Method::None,
            Technique::None,
            Seen::Present,
            Destination::Unknown,
        ),
    };
    Ok(Media {
        media_id: medium.claim_uid.clone(),
        kind: MediaKind::Pvc,
        object_uid: medium.claim_uid.clone(),
        pvc_name: None,
        pv_name: medium.volume.clone(),
        volume_handle_digest: medium
            .handle_digest
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(malformed("volume handle digest"))?,
        storage_class: medium.storage_class.clone(),
        reclaim_policy_at_close: medium.reclaim_policy.clone(),
        driver: medium.driver.clone(),
        capacity_bytes: medium
            .capacity
            .as_ref()
            .and_then(|c| u64::try_from(quantity::milli(c).ok()? / 1000).ok()),
        media_type: "not known to the operator".to_owned(),
        media_source: "dynamically provisioned".to_owned(),
        property_number: None,
        pre_sanitisation_category: spec.tier.clone(),
        encryption: None,
        method,
        technique,
        standard_ref: SELECTIVE_DELETION_REF.to_owned(),
        tool: Tool {
            name: "sde-operator".to_owned(),
            version: cluster.operator_version.clone(),
        },
        started_at: closing
            .steps
            .iter()
            .find(|s| s.id == "T7")
            .map(|s| s.started_at.0),
        finished_at: Some(observation.at),
        verification: Verification {
            method: "claim and volume read from the API server after deletion".to_owned(),
            result,
            evidence_digests: vec![observation.digest()?],
        },
        assurance: Assurance::OperatorObserved,
        destination,
    })
}
