//! Exports and Imports through the real controller: released by two who may, and not otherwise.
//!
//! The stand-in answers for the agent; that the agent does what it says is for its own tests and the node lane.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus, FailureCause};
use sde_crds::names::{
    AIRLOCK_REQUEST_UID_LABEL, POLICY_NAME, airlock_namespace, project_namespace,
};
use sde_crds::project::Lifecycle;
use sde_crds::{AirlockRequest, Project, SdePolicy};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, code, project};
use super::airlock_import::inbox;
use super::error::{Result, SuiteError, check, check_equal, refused};
use super::faults;
use super::lab::Lab;
use super::life::{RESEARCHER, person};
use super::runner::{Runner, SuiteReport};
use super::waiting::{condition_when, gone};
use crate::controlplane::audit::{AuditEvent, events_since, noise, position};
use crate::controlplane::install::controller_user;
use crate::controlplane::standin::{Behaviour, ProbeFinds};

/// Requests at once, and with `--thorough`.
const MANY: usize = 12;
const VERY_MANY: usize = 200;
/// How long is listened when all is released.
const SILENCE: Duration = Duration::from_secs(5);

/// Runs the suite.
///
/// # Errors
/// When an export or import without faults fails: then there is nothing to compare with.
pub async fn run(lab: &Lab, filter: Option<String>, thorough: bool) -> Result<SuiteReport> {
    let mut runner = Runner::new(filter);
    runner
        .test("airlock: an export that two people approve", released(lab))
        .await;
    runner
        .test("airlock: reviews that do not count", not_counted(lab))
        .await;
    runner
        .test(
            "airlock: a reviewer removed between approval and release",
            removed(lab),
        )
        .await;
    runner
        .test("airlock: content that changed before release", changed(lab))
        .await;
    runner
        .test(
            "airlock: withdrawn, then the project closes",
            withdrawn(lab),
        )
        .await;
    runner
        .test(
            "airlock: a person's fourth request of a day is answered for",
            often(lab),
        )
        .await;
    let many = if thorough { VERY_MANY } else { MANY };
    runner
        .test(
            &format!("airlock: {many} requests at once, then silence"),
            at_once(lab, many),
        )
        .await;
    runner
        .test("airlock: an import, from draft to inbox", inbox(lab))
        .await;
    faults::of_requests(lab, thorough, &mut runner).await?;
    Ok(runner.finish())
}

/// The chamber's volume.
async fn volume(lab: &Lab, request: &AirlockRequest) -> Result<Option<PersistentVolume>> {
    let uid = request.uid().unwrap_or_default();
    let of = ListParams::default().labels(&format!("{AIRLOCK_REQUEST_UID_LABEL}={uid}"));
    let found = Api::<PersistentVolume>::all(lab.plane.admin())
        .list(&of)
        .await?;
    Ok(found.items.into_iter().next())
}

/// Where a request's chamber has claims.
async fn sides(lab: &Lab, project: &str, request: &AirlockRequest) -> Result<[bool; 2]> {
    let name = format!("chamber-{}", request.uid().unwrap_or_default());
    let mut found = [false; 2];
    for (there, namespace) in found
        .iter_mut()
        .zip([project_namespace(project), airlock_namespace(project)])
    {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(lab.plane.admin(), &namespace);
        *there = claims.get_opt(&name).await?.is_some();
    }
    Ok(found)
}

async fn released(lab: &Lab) -> Result<()> {
    let name = "airone";
    project(lab, name)?.open().await?;
    let request = Export::release(lab, name, "tables").await?;
    let status = request.status.clone().unwrap_or_default();
    let content = status.content.map(|c| c.digest);
    let approval = status.approval.as_ref();
    check_equal(
        "content",
        &approval.map(|a| a.content_digest.clone()),
        &content,
    )?;
    check_equal("reviews", &approval.map(|a| a.reviews.len()), &Some(2))?;
    check_equal("claims", &sides(lab, name, &request).await?, &[false, true])?;
    let volume = volume(lab, &request).await?.and_then(|v| v.spec);
    let policy = volume.and_then(|s| s.persistent_volume_reclaim_policy);
    check_equal("reclaim policy", &policy.as_deref(), &Some("Retain"))
}

async fn not_counted(lab: &Lab) -> Result<()> {
    let name = "airtwo";
    let people = json!([
        person(RESEARCHER, &["Lead", "Researcher", "Egress"], 300),
        person("custodian-b", &["Researcher"], 300)
    ]);
    project(lab, name)?
        .changed("/people", people)?
        .open()
        .await?;
    let export = Export::ask(lab, name, "tables").await?;
    let seen = export.confirmed().await?;
    let member = export.review("custodian-b", &seen, json!({})).await;
    refused_as(member, "People of a project review nothing in it")?;
    let stranger = export.review("stranger", &seen, json!({})).await;
    refused_as(stranger, "cannot create")?;
    let other = format!("v1:sha256:{}", "9".repeat(64));
    let [first, second] = CHECKERS;
    for digest in ["contentDigest", "findingsDigest", "policyDigest"] {
        export.review(first, &seen, json!({digest: other})).await?;
    }
    let uid = json!({"requestUID": "99999999-9999-4999-8999-999999999999"});
    export.review(first, &seen, uid).await?;
    // Without a code the API server refuses; that a code is another's, or of other findings, only the controller can tell.
    let unseen = export.review(first, &seen, json!({"seen": null})).await;
    refused_as(unseen, "An approval needs the viewing code")?;
    let theirs = code(lab, second, &seen).await?;
    export.review(first, &seen, json!({"seen": theirs})).await?;
    let unseen = |s: &AirlockRequestStatus| s.reviews.as_ref().is_some_and(|r| r.unseen == 1);
    let told = export.when("one approval without its code", unseen).await?;
    let ready = find(
        told.status
            .iter()
            .flat_map(|s| s.conditions.iter().flatten()),
        "Ready",
    );
    check(
        ready.contains("1 approval does not count") && !ready.contains(first),
        format_args!("it says {ready}"),
    )?;
    // A custodian may review, and is no output checker in the policy.
    export.review("custodian-a", &seen, json!({})).await?;
    export
        .review(second, &seen, json!({"conflictOfInterest": "Declared"}))
        .await?;
    // Positive control: this one counts, once, however often it is said.
    for _ in 0..2 {
        export.review(first, &seen, json!({})).await?;
    }
    let counted =
        |n| move |s: &AirlockRequestStatus| s.reviews.as_ref().is_some_and(|r| r.counted == n);
    let one = export.when("one review counted", counted(1)).await?;
    let unseen = one
        .status
        .as_ref()
        .and_then(|s| s.reviews.as_ref())
        .map(|r| r.unseen);
    check_equal("approvals without their codes", &unseen, &Some(0))?;
    check_equal("phase", &phase(&one), &Some(AirlockPhase::InReview))
}

/// What a condition says.
fn find<'a>(mut conditions: impl Iterator<Item = &'a Condition>, of: &str) -> String {
    let found = conditions.find(|c| c.type_ == of);
    found.map(|c| c.message.clone()).unwrap_or_default()
}

async fn removed(lab: &Lab) -> Result<()> {
    let name = "airthree";
    project(lab, name)?.open().await?;
    let export = Export::ask(lab, name, "tables").await?;
    let seen = export.confirmed().await?;
    // From here on no job gets past its probe.
    let stays = Behaviour {
        probe: ProbeFinds::Nothing,
        ..Behaviour::default()
    };
    lab.standin.set(&airlock_namespace(name), stays);
    for checker in CHECKERS {
        export.review(checker, &seen, json!({})).await?;
    }
    export.phase(AirlockPhase::Releasing).await?;
    let all = reviewers(lab).await?;
    let result = async {
        let [first, _] = CHECKERS;
        let mut fewer = all.clone();
        fewer.retain(|r| r["user"] != first);
        set_reviewers(lab, &fewer).await?;
        let back = export.phase(AirlockPhase::InReview).await?;
        lab.standin
            .set(&airlock_namespace(name), Behaviour::default());
        let reason = back.status.and_then(|s| s.reason);
        check_equal("reason", &reason.as_deref(), &Some("ApprovalLapsed"))
    }
    .await;
    set_reviewers(lab, &all).await?;
    result?;
    // Positive control: named again, the same reviews release it.
    export.phase(AirlockPhase::Released).await?;
    Ok(())
}

async fn reviewers(lab: &Lab) -> Result<Vec<serde_json::Value>> {
    let policies: Api<SdePolicy> = Api::all(lab.plane.admin());
    let policy = policies.get(POLICY_NAME).await?;
    let airlock = serde_json::to_value(&policy.spec.airlock).map_err(kube::Error::SerdeError)?;
    Ok(airlock["reviewers"].as_array().cloned().unwrap_or_default())
}

async fn set_reviewers(lab: &Lab, reviewers: &[serde_json::Value]) -> Result<()> {
    let policies: Api<SdePolicy> = Api::all(lab.plane.admin());
    let patch = json!({"spec": {"airlock": {"reviewers": reviewers}}});
    policies
        .patch(POLICY_NAME, &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    Ok(())
}

async fn changed(lab: &Lab) -> Result<()> {
    let name = "airfour";
    project(lab, name)?.open().await?;
    let export = Export::ask(lab, name, "tables").await?;
    let seen = export.confirmed().await?;
    let other = Behaviour {
        content_changed: true,
        ..Behaviour::default()
    };
    lab.standin.set(&airlock_namespace(name), other);
    for checker in CHECKERS {
        export.review(checker, &seen, json!({})).await?;
    }
    let failed = export.phase(AirlockPhase::Failed).await?;
    let cause = failed.status.and_then(|s| s.failure).map(|f| f.cause);
    check_equal("cause", &cause, &Some(FailureCause::ContentChanged))?;
    let requests: Api<AirlockRequest> =
        Api::namespaced(lab.plane.admin(), &project_namespace(name));
    condition_when(&requests, "tables", "Ready", "False", "ContentChanged").await?;
    // Positive control: what was sealed is there again.
    lab.standin
        .set(&airlock_namespace(name), Behaviour::default());
    export.set(json!({"retries": 1})).await?;
    export.phase(AirlockPhase::Released).await?;
    Ok(())
}

async fn withdrawn(lab: &Lab) -> Result<()> {
    let name = "airfive";
    let life = project(lab, name)?;
    life.open().await?;
    let taken_back = Export::ask(lab, name, "taken-back").await?;
    taken_back.confirmed().await?;
    let undecided = Export::ask(lab, name, "undecided").await?;
    undecided
        .when("a sealed digest", |s| s.content.is_some())
        .await?;
    taken_back.set(json!({"withdrawn": true})).await?;
    let kept = taken_back.phase(AirlockPhase::Withdrawn).await?;
    check(
        volume(lab, &kept).await?.is_some(),
        "a withdrawn chamber is kept for a while",
    )?;
    let released = Export::release(lab, name, "released").await?;
    let projects: Api<Project> = Api::all(lab.person("custodian-a"));
    let close = json!({"spec": {"lifecycle": Lifecycle::Closed}});
    projects
        .patch(name, &PatchParams::default(), &Patch::Merge(&close))
        .await?;
    let closed = undecided.phase(AirlockPhase::Withdrawn).await?;
    let reason = closed.status.as_ref().and_then(|s| s.reason.as_deref());
    check_equal("reason", &reason, &Some("ProjectClosed"))?;
    for request in [&kept, &closed] {
        if let Some(volume) = volume(lab, request).await? {
            let volumes: Api<PersistentVolume> = Api::all(lab.plane.admin());
            gone(&volumes, &volume.name_any()).await?;
        }
    }
    let all = Api::<Project>::all(lab.plane.admin());
    let waits = condition_when(&all, name, "Closing", "True", "T3AwaitAirlock").await?;
    check(
        waits.contains("Request released was approved and not collected"),
        format_args!("closing says {waits}"),
    )?;
    check(
        volume(lab, &released).await?.is_some(),
        "what was released is kept until somebody lets go of it",
    )?;
    // Two custodians are not needed to let go of it, one is.
    let waive = json!({"role": "Custodian", "decision": "Waive"});
    let export = Export::of(lab, name, "released");
    export.review("custodian-b", &released, waive).await?;
    life.close().await?;
    let namespaces: Api<Namespace> = Api::all(lab.plane.admin());
    gone(&namespaces, &airlock_namespace(name)).await
}

/// The controller holds what stands out against the project's other requests, and an approval that is silent on it does not count.
async fn often(lab: &Lab) -> Result<()> {
    let name = "airsix";
    project(lab, name)?.open().await?;
    let held_by = |request: &AirlockRequest| {
        let reviews = request.status.as_ref().and_then(|s| s.reviews.clone());
        reviews.map(|r| r.held_by).unwrap_or_default()
    };
    for number in 1..=3 {
        let export = Export::ask(lab, name, &format!("tables-{number}")).await?;
        let seen = export.confirmed().await?;
        check_equal("held by", &held_by(&seen), &Vec::new())?;
    }
    let export = Export::ask(lab, name, "tables-4").await?;
    let seen = export.confirmed().await?;
    let status = seen.status.clone().unwrap_or_default();
    check_equal("reason", &status.reason.as_deref(), &Some("Held"))?;
    check_equal("held by", &held_by(&seen), &vec!["AL-G018".to_owned()])?;
    let signals = status.signals.unwrap_or_default();
    let often = signals.iter().find(|s| s.rule == "AL-G018");
    check_equal(
        "requests, and how many are usual",
        &often.map(|s| (s.observed, s.usual)),
        &Some((4, 3)),
    )?;
    let [first, second] = CHECKERS;
    export
        .review(second, &seen, json!({"answers": null}))
        .await?;
    export.review(first, &seen, json!({})).await?;
    let counted =
        |n| move |s: &AirlockRequestStatus| s.reviews.as_ref().is_some_and(|r| r.counted == n);
    let one = export.when("one review counted", counted(1)).await?;
    check_equal("phase", &phase(&one), &Some(AirlockPhase::InReview))?;
    // Positive control: the same person's, with an answer.
    export.review(second, &seen, json!({})).await?;
    export.phase(AirlockPhase::Released).await?;
    Ok(())
}

async fn at_once(lab: &Lab, many: usize) -> Result<()> {
    let name = "airmany";
    project(lab, name)?.open().await?;
    let released: Vec<AirlockRequest> = futures::stream::iter(0..many)
        .map(async |number| {
            Export::release_among(many, lab, name, &format!("tables-{number}")).await
        })
        .buffer_unordered(many)
        .try_collect()
        .await?;
    let rounds: BTreeMap<i64, usize> =
        released
            .iter()
            .fold(BTreeMap::new(), |mut rounds, request| {
                let round = request.status.as_ref().map_or(0, |s| s.round);
                *rounds.entry(round).or_default() += 1;
                rounds
            });
    check_equal("ways to be released", &rounds.len(), &1)?;
    tokio::time::sleep(SILENCE).await;
    let start = position(&lab.plane.audit_log())?;
    tokio::time::sleep(SILENCE).await;
    let events = events_since(&lab.plane.audit_log(), start)?;
    let noise = noise(&events, &controller_user());
    let shown: Vec<String> = noise
        .iter()
        .take(5)
        .map(|event| AuditEvent::summary(event))
        .collect();
    check(
        noise.is_empty(),
        format_args!("{} requests, such as:\n{}", noise.len(), shown.join("\n")),
    )
}

fn phase(request: &AirlockRequest) -> Option<AirlockPhase> {
    request.status.as_ref().map(|s| s.phase)
}

fn refused_as(result: Result<()>, says: &str) -> Result<()> {
    match result {
        Err(SuiteError::Api(error)) => refused::<()>(Err(error), says),
        other => check(
            false,
            format_args!("expected a refusal that says {says}, not {other:?}"),
        ),
    }
}
