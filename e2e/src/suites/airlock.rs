//! Exports, Imports and transfers through the real controller: released by two who may, and not otherwise.
//!
//! The stand-in answers for the agent; that the agent does what it says is for its own tests and the node lane.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus, FailureCause};
use sde_crds::destruction_record::Outcome;
use sde_crds::names::{AIRLOCK_REQUEST_UID_LABEL, airlock_namespace, project_namespace};
use sde_crds::project::Lifecycle;
use sde_crds::{AirlockRequest, Project};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, project};
use super::airlock_import::inbox;
use super::error::{Result, check, check_equal};
use super::faults;
use super::lab::Lab;
use super::runner::{Runner, SuiteReport};
use super::waiting::{condition_when, gone};
use super::{airlock_reviews as reviews, airlock_transfer as transfers};
use crate::controlplane::audit::{AuditEvent, events_since, noise, position};
use crate::controlplane::install::controller_user;
use crate::controlplane::standin::Behaviour;

/// Requests at once, and with `--thorough`.
const MANY: usize = 12;
const VERY_MANY: usize = 200;
/// How long is listened when all is released.
const SILENCE: Duration = Duration::from_secs(5);

/// Runs the suite.
///
/// # Errors
/// When a request without faults fails: then there is nothing to compare with.
pub async fn run(lab: &Lab, filter: Option<String>, thorough: bool) -> Result<SuiteReport> {
    transfers::list(lab, None).await?;
    let mut runner = Runner::new(filter);
    runner
        .test("airlock: an export that two people approve", released(lab))
        .await;
    runner
        .test(
            "airlock: reviews that do not count",
            reviews::not_counted(lab),
        )
        .await;
    runner
        .test(
            "airlock: a reviewer removed between approval and release",
            reviews::removed(lab),
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
    runner
        .test(
            "airlock: a transfer, from a grant to a closed project that names the environment",
            transfers::handed_over(lab),
        )
        .await;
    runner
        .test("airlock: who decides on a transfer", transfers::votes(lab))
        .await;
    runner
        .test(
            "airlock: transfers that go nowhere",
            transfers::nowhere(lab),
        )
        .await;
    runner
        .test(
            "airlock: an environment that changes its keys",
            transfers::rekeyed(lab),
        )
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
    let record = life.close().await?;
    check_equal("outcome", &record.spec.outcome, &Outcome::Destroyed)?;
    check_equal(
        "other environments",
        &transfers::named(&record)?,
        &Vec::new(),
    )?;
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
