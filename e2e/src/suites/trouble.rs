//! Bad input and trouble: each is told clearly, loses nothing, and opens nothing.

use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use sde_crds::names::project_namespace;
use sde_crds::project_status::ProjectPhase;
use sde_crds::{Project, Workspace};
use serde_json::{Value, json};

use super::error::{Result, check, check_equal, refused};
use super::lab::{Lab, object};
use super::life::{Life, RESEARCHER, day};
use super::runner::{Runner, SuiteReport};
use super::trouble_apply::at_apply;
use super::trouble_running as running;
use super::waiting::condition_when;

/// Runs the suite.
///
/// # Errors
/// Never by itself; what fails is in the report.
pub async fn run(lab: &Lab, filter: Option<String>) -> Result<SuiteReport> {
    let mut runner = Runner::new(filter);
    runner
        .test(
            "trouble: names that cannot be, submitters that lie, refused at apply",
            at_apply(lab),
        )
        .await;
    for case in CASES {
        runner
            .test(&format!("trouble: {}", case.what), told(lab, &case))
            .await;
    }
    runner
        .test(
            "trouble: approvals for another digest, by the submitter, or of the project",
            approvals(lab),
        )
        .await;
    runner
        .test(
            "trouble: widening waits, narrowing acts at once",
            widened_and_narrowed(lab),
        )
        .await;
    runner
        .test(
            "trouble: a Project deleted while Active is refused",
            deleted_while_active(lab),
        )
        .await;
    runner
        .test(
            "trouble: a namespace of that name that is not ours",
            foreign_namespace(lab),
        )
        .await;
    runner
        .test(
            "trouble: the data is missing, then wrong, then there",
            running::data_trouble(lab),
        )
        .await;
    runner
        .test(
            "trouble: the environment's image is missing, then there",
            running::image_missing(lab),
        )
        .await;
    runner
        .test(
            "trouble: the standing probe gets out",
            running::probe_gets_out(lab),
        )
        .await;
    runner
        .test(
            "trouble: policies deleted by hand come back",
            running::policies_come_back(lab),
        )
        .await;
    runner
        .test(
            "trouble: sentinel down: stays locked, says so, opens when it is back",
            running::sentinel_down(lab),
        )
        .await;
    runner
        .test(
            "trouble: a volume that will not delete is no success",
            running::stuck_volume(lab),
        )
        .await;
    runner
        .test(
            "trouble: API server restarted during opening and closing",
            running::apiserver_restarts(lab),
        )
        .await;
    Ok(runner.finish())
}

/// A spec that is approved and still must not open.
struct Case {
    what: &'static str,
    project: &'static str,
    pointer: &'static str,
    value: fn() -> Value,
    reason: &'static str,
    /// What the message must name.
    says: &'static str,
}

const CASES: [Case; 12] = [
    Case {
        what: "an unknown environment",
        project: "badenv",
        pointer: "/environments/0",
        value: || json!("rstudio"),
        reason: "EnvironmentUnknown",
        says: "rstudio",
    },
    Case {
        what: "an unknown dataset",
        project: "badset",
        pointer: "/datasets/0/dataset",
        value: || json!("nowhere"),
        reason: "DatasetUnknown",
        says: "nowhere",
    },
    Case {
        what: "an unknown tier",
        project: "badtier",
        pointer: "/tier",
        value: || json!("secret"),
        reason: "TierUnknown",
        says: "secret",
    },
    Case {
        what: "people whose organisation's approval has expired",
        project: "badorg",
        pointer: "/organisations/0/approval/expires",
        value: || json!(day(-2)),
        reason: "NobodyApproved",
        says: "renew",
    },
    Case {
        what: "people whose training has expired",
        project: "badtrain",
        pointer: "/people/0/training/expires",
        value: || json!(day(-2)),
        reason: "NobodyApproved",
        says: "renew",
    },
    Case {
        what: "an expired ethics approval",
        project: "badethics",
        pointer: "/purpose/ethics/expires",
        value: || json!(day(-2)),
        reason: "EthicsExpired",
        says: "renew",
    },
    Case {
        what: "an organisation in a country under sanctions",
        project: "badplace",
        pointer: "/organisations/0/country",
        value: || json!("KP"),
        reason: "SanctionsMatch",
        says: "R73",
    },
    Case {
        what: "access from abroad without a transfer",
        project: "badaccess",
        pointer: "/people/0/accessFrom/0",
        value: || json!("US"),
        reason: "TransferBasisMissing",
        says: "R68",
    },
    Case {
        what: "an insurer with NHS data",
        project: "badsector",
        pointer: "/organisations/0/sector",
        value: || json!("Insurance"),
        reason: "ProhibitedSector",
        says: "R44",
    },
    Case {
        what: "a use that the data's terms exclude",
        project: "baduse",
        pointer: "/declaredUse/purpose",
        value: || json!("Ancestry"),
        reason: "ConsentMismatch",
        says: "DUO:0000006",
    },
    Case {
        what: "breaches that were looked up too long ago",
        project: "badlookup",
        pointer: "/people/0/breachHistory/checkedAt",
        value: || json!(day(-200)),
        reason: "NobodyApproved",
        says: "PeopleApproved",
    },
    Case {
        what: "compute beyond the tier",
        project: "badsize",
        pointer: "/compute/cpu",
        value: || json!("64"),
        reason: "QuotaBeyondTier",
        says: "cpu",
    },
];

/// The reason and the sentence are there, nothing runs.
async fn told(lab: &Lab, case: &Case) -> Result<()> {
    let life = Life::new(lab, case.project).changed(case.pointer, (case.value)())?;
    life.submit().await?;
    life.approve_spec().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    let message = condition_when(&projects, case.project, "Ready", "False", case.reason).await?;
    check(
        message.contains(case.says),
        format_args!("the message does not say {:?}: {message}", case.says),
    )?;
    let phase = projects
        .get(case.project)
        .await?
        .status
        .map(|status| status.phase);
    check(
        phase == Some(ProjectPhase::Pending),
        format_args!("phase {phase:?}"),
    )
}

async fn approvals(lab: &Lab) -> Result<()> {
    let life = Life::new(lab, "badapproval");
    life.submit().await?;
    let project = life
        .project_when("a spec digest", |project| {
            project
                .status
                .as_ref()
                .is_some_and(|status| status.spec_digest.is_some())
        })
        .await?;
    let digest = project
        .status
        .as_ref()
        .and_then(|status| status.spec_digest.clone())
        .unwrap_or_default();
    let own = life
        .approve("custodian-a", "DataAccess", &project, &digest)
        .await;
    check(own.is_err(), "the submitter approves their own")?;
    let other = format!("v1:sha256:{}", "0".repeat(64));
    life.approve("approver-a", "DataAccess", &project, &other)
        .await?;
    let mut another = project.clone();
    another.metadata.uid = Some("00000000-0000-4000-8000-000000000000".to_owned());
    life.approve("approver-b", "PublicBenefit", &another, &digest)
        .await?;
    let explained = |project: &Project| {
        let conditions = project
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten());
        let ready: Vec<&str> = conditions
            .into_iter()
            .filter(|it| it.type_ == "Ready")
            .map(|it| it.message.as_str())
            .collect();
        ready.iter().any(|text| {
            ["Not counted", "UID", "DataAccess", "PublicBenefit"]
                .iter()
                .all(|word| text.contains(word))
        })
    };
    life.project_when(
        "a Ready message that explains why neither approval counts",
        explained,
    )
    .await?;
    Ok(())
}

async fn widened_and_narrowed(lab: &Lab) -> Result<()> {
    let life = Life::new(lab, "widened");
    life.open().await?;
    let custodian: Api<Project> = Api::all(lab.person("custodian-a"));
    let projects: Api<Project> = Api::all(lab.plane.admin());
    let before = running::cpu_quota(lab, "widened").await?;
    let patch = |value: Value| Patch::Merge(json!({"spec": {"compute": value}}));
    custodian
        .patch(
            "widened",
            &PatchParams::default(),
            &patch(json!({"cpu": "8"})),
        )
        .await?;
    condition_when(&projects, "widened", "Approved", "True", "ChangeWaits").await?;
    check_equal(
        "the quota while the wider spec waits",
        &running::cpu_quota(lab, "widened").await?,
        &before,
    )?;
    custodian
        .patch(
            "widened",
            &PatchParams::default(),
            &patch(json!({"cpu": "2"})),
        )
        .await?;
    running::cpu_quota_leaves(lab, "widened", &before).await?;
    // Another person in the first one's place: who is removed loses the notebook at once, who is added waits for approval.
    let present = serde_json::to_value(projects.get("widened").await?).unwrap_or_default();
    let mut other = present["spec"]["people"][0].clone();
    other["user"] = json!("somebody-else");
    let replaced = Patch::Merge(json!({"spec": {"people": [other]}}));
    custodian
        .patch("widened", &PatchParams::default(), &replaced)
        .await?;
    running::no_pods(lab, "widened").await?;
    let workspaces: Api<Workspace> =
        Api::namespaced(lab.plane.admin(), &project_namespace("widened"));
    check(
        workspaces.get_opt(RESEARCHER).await?.is_some(),
        "the Workspace object is lost",
    )
}

async fn deleted_while_active(lab: &Lab) -> Result<()> {
    let life = Life::new(lab, "deleted").without_workspace();
    life.open().await?;
    let custodian: Api<Project> = Api::all(lab.person("custodian-a"));
    refused(
        custodian.delete("deleted", &DeleteParams::default()).await,
        "lifecycle: Closed",
    )?;
    let all = custodian
        .delete_collection(
            &DeleteParams::default(),
            &kube::api::ListParams::default().fields("metadata.name=deleted"),
        )
        .await;
    check(all.is_err(), "deleting the collection is accepted")
}

async fn foreign_namespace(lab: &Lab) -> Result<()> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(lab.plane.admin());
    let foreign =
        json!({"metadata": {"name": project_namespace("foreign"), "labels": {"team": "other"}}});
    namespaces
        .create(&PostParams::default(), &object(foreign)?)
        .await?;
    let life = Life::new(lab, "foreign");
    life.submit().await?;
    life.approve_spec().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    condition_when(&projects, "foreign", "Ready", "False", "ForeignObject").await?;
    let namespace = namespaces.get(&project_namespace("foreign")).await?;
    let labels = namespace.metadata.labels.unwrap_or_default();
    check(
        !labels.contains_key("sde-operator.dev/project"),
        "the foreign namespace was adopted",
    )
}
