//! A project in each state of its life. Conditions carry the controller's own sentences.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use sde_core::closing::inventory;
use sde_core::project::validate::spec_digest;
use sde_crds::project::Lifecycle;
use sde_crds::project_approval::ApprovalRole;
use sde_crds::project_status::{
    ApprovedSpec, AttestationKey, ClosingStatus, ClosingStep, GrantStatus, Medium, MediumKind,
    ProjectPhase, Proof, ProofTarget,
};
use sde_crds::workspace::{WorkspacePhase, WorkspacePod, WorkspaceSpec, WorkspaceStatus};
use sde_crds::{Project, Workspace};

use super::fetch::{Found, Seen};
use crate::fixtures;

pub fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

fn time(clock: &str) -> Time {
    Time(format!("2026-11-22T{clock}:00Z").parse().unwrap())
}

fn condition(type_: &str, status: &str, reason: &str, message: &str, clock: &str) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(1),
        last_transition_time: time(clock),
    }
}

fn digest(project: &Project) -> String {
    spec_digest(fixtures::UID, &project.spec)
}

pub fn waiting() -> Found {
    let mut project = fixtures::project();
    let digest = digest(&project);
    let status = project.status.get_or_insert_default();
    status.observed_generation = Some(1);
    status.spec_digest = Some(digest.clone());
    status.attestation_key = Some(AttestationKey {
        key_id: "9f2c".repeat(16),
        public_key: String::new(),
    });
    status.conditions = Some(vec![
        condition(
            "Approved",
            "False",
            "ApprovalsMissing",
            "Waits for approval in role PublicBenefit.",
            "00:10",
        ),
        condition(
            "Ready",
            "False",
            "ApprovalsMissing",
            "Waits for approval in role PublicBenefit of v1:sha256:0123456789ab..., each by another person who is neither submitter nor of the project: kubectl sde approve prj-4f2c --role ROLE.",
            "00:10",
        ),
        condition(
            "EgressEnforced",
            "Unknown",
            "NotOpen",
            "Nothing runs, so there is nothing to prove.",
            "00:10",
        ),
    ]);
    let mut late = fixtures::approval(
        "prj-4f2c-publicbenefit-old",
        ApprovalRole::PublicBenefit,
        &digest,
        "ben-1",
    );
    late.spec.expires = "2026-11-01".parse().unwrap();
    Found {
        project,
        policy: Seen::Visible(Some(fixtures::policy())),
        approvals: Seen::Visible(vec![
            fixtures::approval(
                "prj-4f2c-dataaccess-1",
                ApprovalRole::DataAccess,
                &digest,
                "dac-1",
            ),
            late,
        ]),
        workspaces: Seen::Visible(vec![]),
        record: None,
    }
}

fn workspace(name: &str, phase: WorkspacePhase, conditions: Vec<Condition>) -> Workspace {
    let mut workspace = Workspace::new(
        name,
        WorkspaceSpec {
            user: "u-7c1e".to_owned(),
            environment: "jupyterlab-genomics".to_owned(),
            running: true,
            resources: None,
        },
    );
    workspace.status = Some(WorkspaceStatus {
        phase,
        failed_starts: i64::from(phase == WorkspacePhase::Refused) * 3,
        pod: Some(WorkspacePod {
            name: format!("{name}-1"),
            uid: fixtures::UID.to_owned(),
            node: Some("worker-2".to_owned()),
            url: Some("http://10.0.0.9:8888/".to_owned()),
        }),
        conditions: Some(conditions),
        ..WorkspaceStatus::default()
    });
    workspace
}

pub fn active() -> Found {
    let mut found = waiting();
    let digest = digest(&found.project);
    let spec = serde_json::to_value(&found.project.spec).unwrap();
    let status = found.project.status.get_or_insert_default();
    status.phase = ProjectPhase::Active;
    status.approved = Some(ApprovedSpec {
        digest: digest.clone(),
        spec,
    });
    status.datasets = Some(vec![GrantStatus {
        name: "genotypes".to_owned(),
        dataset: "example-genotypes-2026-1".to_owned(),
        manifest_digest: Some(format!("sha256:{}", "ab".repeat(32))),
        files: Some(3),
        bytes: Some(1_048_576),
        verified_at: Some(time("00:20")),
        recursive_read_only: true,
    }]);
    let target = |name: &str, verdict: &str| ProofTarget {
        name: name.to_owned(),
        verdict: verdict.to_owned(),
    };
    status.proof = Some(Proof {
        time: time("00:55"),
        pod_uid: fixtures::UID.to_owned(),
        node: Some("worker-2".to_owned()),
        sentinel_boot_id: Some("b".to_owned()),
        policy_digest: None,
        targets: vec![
            target("sentinel-tcp", "Blocked"),
            target("sentinel-udp", "Blocked"),
            target("kubelet", "Silent"),
            target("api-server-0", "Blocked"),
            target("dns-0", "Blocked"),
            target("metadata-0", "Absent"),
        ],
    });
    status.conditions = Some(vec![
        condition(
            "Approved",
            "True",
            "Approved",
            "The present spec is approved.",
            "00:15",
        ),
        condition(
            "NamespaceLocked",
            "True",
            "Applied",
            "Namespace, default-deny policies, quota and limits are in place.",
            "00:15",
        ),
        condition(
            "EgressEnforced",
            "True",
            "Proven",
            "The probe tried 6 targets on node worker-2 and reached none.",
            "00:16",
        ),
        condition(
            "DataVerified",
            "True",
            "Verified",
            "Every grant holds exactly the bytes that were registered.",
            "00:20",
        ),
        condition(
            "Ready",
            "True",
            "Open",
            "Locked, proven and open: its people can start workspaces.",
            "00:20",
        ),
    ]);
    found.approvals = Seen::Visible(vec![
        fixtures::approval(
            "prj-4f2c-dataaccess-1",
            ApprovalRole::DataAccess,
            &digest,
            "dac-1",
        ),
        fixtures::approval(
            "prj-4f2c-publicbenefit-1",
            ApprovalRole::PublicBenefit,
            &digest,
            "ben-1",
        ),
    ]);
    let open = "Reached from inside the pod on node worker-3: sentinel-tcp (10.0.0.4). Nothing was opened. Check that the cluster's CNI enforces NetworkPolicies there: kubectl sde doctor.";
    found.workspaces = Seen::Visible(vec![
        workspace(
            "lab",
            WorkspacePhase::Running,
            vec![
                condition("Ready", "True", "Running", "The notebook answers.", "00:40"),
                condition(
                    "EgressEnforced",
                    "True",
                    "Proven",
                    "The probe tried 6 targets on node worker-2 and reached none.",
                    "00:39",
                ),
            ],
        ),
        workspace(
            "other",
            WorkspacePhase::Refused,
            vec![
                condition(
                    "Ready",
                    "False",
                    "LockOpen",
                    "Not opened: see condition EgressEnforced. It is tried again by itself.",
                    "00:50",
                ),
                condition("EgressEnforced", "False", "EgressOpen", open, "00:50"),
            ],
        ),
    ]);
    found
}

pub fn suspended() -> Found {
    let mut found = active();
    found.project.spec.lifecycle = Lifecycle::Suspended;
    found.project.spec.people.push(sde_crds::project::Person {
        user: "u-new".to_owned(),
        ..found.project.spec.people[1].clone()
    });
    let digest = digest(&found.project);
    let status = found.project.status.get_or_insert_default();
    status.phase = ProjectPhase::Suspended;
    status.spec_digest = Some(digest);
    status.conditions = Some(vec![
        condition(
            "Approved",
            "True",
            "ChangeWaits",
            "The spec has changed since it was approved.",
            "00:15",
        ),
        condition(
            "Ready",
            "False",
            "SuspendedByCustodian",
            "Suspended by the custodian: nothing runs, nothing is deleted. Set lifecycle: Active to open it again.",
            "00:58",
        ),
        condition(
            "EgressEnforced",
            "Unknown",
            "NotOpen",
            "Nothing runs, so there is nothing to prove.",
            "00:58",
        ),
    ]);
    found.workspaces = Seen::Visible(vec![workspace(
        "lab",
        WorkspacePhase::Stopped,
        vec![condition(
            "Ready",
            "False",
            "ProjectNotActive",
            "The project is suspended: nothing runs.",
            "00:58",
        )],
    )]);
    found
}

fn media(gone: Option<Time>) -> Vec<Medium> {
    let medium = |kind, claim: &str| Medium {
        kind,
        claim: claim.to_owned(),
        claim_uid: fixtures::UID.to_owned(),
        volume: Some(format!("pvc-{claim}")),
        volume_uid: None,
        storage_class: None,
        reclaim_policy: None,
        driver: None,
        handle_digest: None,
        capacity: None,
        gone_at: gone.clone(),
    };
    vec![
        medium(MediumKind::DatasetGrant, "data-genotypes"),
        medium(MediumKind::Home, "home-u-7c1e"),
    ]
}

fn step(id: &str, started: &str, ended: Option<&str>) -> ClosingStep {
    ClosingStep {
        id: id.to_owned(),
        started_at: time(started),
        ended_at: ended.map(time),
        result: ended.map(|_| "as it should be".to_owned()),
    }
}

pub fn closing() -> Found {
    let mut found = active();
    found.project.spec.lifecycle = Lifecycle::Closed;
    let digest = inventory::digest(fixtures::UID, &found.project.spec.closure, &media(None));
    let message = "Nothing runs and nothing is deleted yet: 1 of 2 people have approved the destruction of inventory inventory:v1:sha256:0123456789ab.... Each of them: kubectl sde approve prj-4f2c --role Closure.";
    let status = found.project.status.get_or_insert_default();
    status.phase = ProjectPhase::Closing;
    status.closing = Some(ClosingStatus {
        requested_at: time("00:30"),
        inventory_digest: Some(digest.clone()),
        inventory: Some(media(None)),
        airlock: None,
        steps: vec![
            step("T0", "00:30", None),
            step("T4", "00:30", Some("00:31")),
            step("T1", "00:31", Some("00:31")),
            step("T2", "00:31", Some("00:32")),
        ],
    });
    status.conditions = Some(vec![
        condition(
            "Approved",
            "True",
            "Approved",
            "The present spec is approved.",
            "00:15",
        ),
        condition("Ready", "False", "Closing", message, "00:30"),
        condition("Closing", "True", "T0AwaitApprovals", message, "00:30"),
    ]);
    let mut all = found.approvals.get().unwrap().clone();
    let mut own = fixtures::approval(
        "prj-4f2c-closure-own",
        ApprovalRole::Closure,
        &digest,
        "u-7c1e",
    );
    own.spec.expires = "2026-12-22".parse().unwrap();
    all.push(own);
    all.push(fixtures::approval(
        "prj-4f2c-closure-1",
        ApprovalRole::Closure,
        &digest,
        "dac-1",
    ));
    found.approvals = Seen::Visible(all);
    found.workspaces = Seen::Hidden("workspaces.sde-operator.dev is forbidden".to_owned());
    found
}

pub fn closed() -> Found {
    let mut found = closing();
    let digest = inventory::digest(fixtures::UID, &found.project.spec.closure, &media(None));
    let status = found.project.status.get_or_insert_default();
    status.phase = ProjectPhase::Closed;
    status.destruction_record = Some("prj-4f2c-6f1d1c1e".to_owned());
    let closing = status.closing.as_mut().unwrap();
    closing.inventory = Some(media(Some(time("00:45"))));
    closing.steps[0] = step("T0", "00:30", Some("00:40"));
    closing.steps.push(step("T7", "00:40", Some("00:45")));
    closing.steps.push(step("T13", "00:45", Some("00:46")));
    status.conditions = Some(vec![
        condition(
            "Approved",
            "True",
            "Approved",
            "The present spec is approved.",
            "00:15",
        ),
        condition(
            "Ready",
            "False",
            "Closed",
            "Closed. The attestation: kubectl sde attestation export prj-4f2c.",
            "00:30",
        ),
        condition(
            "Closing",
            "False",
            "Closed",
            "Closed. The attestation: kubectl sde attestation export prj-4f2c.",
            "00:46",
        ),
    ]);
    let mut all = found.approvals.get().unwrap().clone();
    all.push(fixtures::approval(
        "prj-4f2c-closure-2",
        ApprovalRole::Closure,
        &digest,
        "dpo-1",
    ));
    found.approvals = Seen::Visible(all);
    found.workspaces = Seen::Visible(vec![]);
    found.record = Some(fixtures::record(
        "prj-4f2c",
        fixtures::UID,
        "2026-11-22T00:46:00Z",
    ));
    found
}
