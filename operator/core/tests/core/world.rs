//! What the tests observe: the examples of `crds/`, approved, on a cluster with a sentinel.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_core::lock::{Control, Protocol};
use sde_core::policy_form::{Asker, Finding, Round, Server, attempts};
use sde_core::project::Observed;
use sde_core::project::validate::spec_digest;
use sde_core::settings::{Endpoint, Settings};
use sde_core::targets::SentinelAt;
use sde_crds::dataset::DatasetSource;
use sde_crds::project_approval::{ApprovalRole, Decision};
use sde_crds::project_status::{AttestationKey, FoundForm};
use sde_crds::{Dataset, Project, ProjectApproval, ProjectApprovalSpec, SdePolicy, Workspace};
use serde::de::DeserializeOwned;

pub const UID: &str = "11111111-1111-4111-8111-111111111111";
pub const WORKSPACE_UID: &str = "22222222-2222-4222-8222-222222222222";
pub const BOOT: &str = "boot-1";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    at("2026-11-22T10:00:00Z")
}

pub fn example<T: DeserializeOwned>(file: &str) -> T {
    let path = format!(
        "{}/../../crds/examples/{file}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn settings() -> Settings {
    Settings {
        system_namespace: "sde-system".to_owned(),
        hub_namespace: "sde-hub".to_owned(),
        agent_image: format!("localhost/sde-operator/agent@sha256:{}", "a".repeat(64)),
        sentinel_port: 7777,
        api_servers: vec![Endpoint {
            address: "10.96.0.1".to_owned(),
            port: 443,
            protocol: Protocol::TCP,
        }],
        dns: vec![Endpoint {
            address: "10.96.0.10".to_owned(),
            port: 53,
            protocol: Protocol::UDP,
        }],
        recursive_read_only: true,
        pod_security_version: "v1.34".to_owned(),
    }
}

pub fn policy() -> SdePolicy {
    example("sdepolicy")
}

pub fn dataset() -> Dataset {
    example("dataset")
}

/// The example Dataset from another source.
pub fn dataset_from(source: serde_json::Value) -> Dataset {
    let mut dataset = dataset();
    dataset.spec.source = serde_json::from_value::<DatasetSource>(source).unwrap();
    dataset
}

pub fn nfs() -> Dataset {
    dataset_from(serde_json::json!({"nfs": {"server": "10.0.0.5", "path": "/export/genotypes"}}))
}

pub fn workspace() -> Workspace {
    let mut workspace: Workspace = example("workspace");
    workspace.metadata.uid = Some(WORKSPACE_UID.to_owned());
    workspace.metadata.generation = Some(1);
    workspace.metadata.creation_timestamp = Some(Time(now()));
    workspace
}

/// The example Project, just applied, approved by nobody.
pub fn applied() -> Observed {
    let mut project: Project = example("project");
    project.metadata.uid = Some(UID.to_owned());
    project.metadata.generation = Some(1);
    let dataset = dataset();
    Observed {
        project,
        policy: Some(policy().spec),
        datasets: BTreeMap::from([(dataset.metadata.name.clone().unwrap(), dataset.spec)]),
        approvals: Vec::new(),
        namespace: None,
        network_policies: Vec::new(),
        claims: Vec::new(),
        volumes: Vec::new(),
        pods: Vec::new(),
        workspaces: Vec::new(),
        policy_form: Some(policies_in(FoundForm::Api)),
        sentinel: Some(SentinelAt {
            address: "10.244.0.7".to_owned(),
            boot_id: BOOT.to_owned(),
        }),
        controls: BTreeMap::new(),
        attestation_key: AttestationKey {
            key_id: "key".to_owned(),
            public_key: "pem".to_owned(),
        },
        now: now(),
    }
}

/// One API server, just asked, that refuses in this form all that the policies must refuse.
pub fn policies_in(form: FoundForm) -> Round {
    let findings = attempts("sde-system", Asker::Controller)
        .into_iter()
        .map(|attempt| (attempt.policy, Finding::Form(form)));
    Round {
        at: now(),
        servers: vec![Server {
            address: "10.96.0.1:443".to_owned(),
            findings: findings.collect(),
        }],
        failures: 0,
    }
}

/// The same, approved in both roles by two people.
pub fn approved() -> Observed {
    let mut observed = applied();
    approve(&mut observed);
    observed
}

/// Approves the present spec in both roles.
pub fn approve(observed: &mut Observed) {
    let digest = spec_digest(UID, &observed.project.spec);
    observed
        .approvals
        .push(approval(ApprovalRole::DataAccess, "approver-a", &digest));
    observed
        .approvals
        .push(approval(ApprovalRole::PublicBenefit, "approver-b", &digest));
}

/// An approval that counts, unless changed.
pub fn approval(role: ApprovalRole, approver: &str, digest: &str) -> ProjectApproval {
    let name = format!("{role}-{approver}-{}", &digest[digest.len() - 6..]).to_lowercase();
    let mut approval = ProjectApproval::new(
        &name,
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
    approval.metadata.uid = Some(format!("uid-{name}"));
    approval.metadata.creation_timestamp = Some(Time(at("2026-11-20T09:00:00Z")));
    approval
}

/// The controller's half of a proof, whole.
pub fn control() -> Control {
    Control {
        boot_id_before: Some(BOOT.to_owned()),
        boot_id_after: Some(BOOT.to_owned()),
        sentinel_answered_tcp: true,
        sentinel_answered_udp: true,
        nonces_seen: Some(0),
        nonces_complete: true,
        reachable: BTreeMap::from([("api-server-0".to_owned(), true)]),
    }
}
