//! Whose reviews of an Export count, and for how long.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use sde_crds::SdePolicy;
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus};
use sde_crds::names::{POLICY_NAME, airlock_namespace};
use serde_json::{Value, json};

use super::airlock_export::{CHECKERS, Export, code, project};
use super::error::{Result, check, check_equal, refused_as};
use super::lab::Lab;
use super::life::{RESEARCHER, person};
use crate::controlplane::standin::{Behaviour, ProbeFinds};

/// Each of these is no vote: a member's, a stranger's, one on other bytes, one without its code, a custodian's, one with an interest.
///
/// # Errors
/// When one counts.
pub(super) async fn not_counted(lab: &Lab) -> Result<()> {
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
    let phase = one.status.map(|s| s.phase);
    check_equal("phase", &phase, &Some(AirlockPhase::InReview))
}

/// What a condition says.
fn find<'a>(mut conditions: impl Iterator<Item = &'a Condition>, of: &str) -> String {
    let found = conditions.find(|c| c.type_ == of);
    found.map(|c| c.message.clone()).unwrap_or_default()
}

/// A reviewer whose role is taken away between approval and release no longer approves.
///
/// # Errors
/// When it is released all the same.
pub(super) async fn removed(lab: &Lab) -> Result<()> {
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

/// Reviewers of the policy.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn reviewers(lab: &Lab) -> Result<Vec<Value>> {
    let policies: Api<SdePolicy> = Api::all(lab.plane.admin());
    let policy = policies.get(POLICY_NAME).await?;
    let airlock = serde_json::to_value(&policy.spec.airlock).map_err(kube::Error::SerdeError)?;
    Ok(airlock["reviewers"].as_array().cloned().unwrap_or_default())
}

/// Names other reviewers in the policy.
///
/// # Errors
/// When the API server refuses.
pub(super) async fn set_reviewers(lab: &Lab, reviewers: &[Value]) -> Result<()> {
    let policies: Api<SdePolicy> = Api::all(lab.plane.admin());
    let patch = json!({"spec": {"airlock": {"reviewers": reviewers}}});
    policies
        .patch(POLICY_NAME, &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    Ok(())
}
