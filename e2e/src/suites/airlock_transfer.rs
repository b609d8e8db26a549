//! Transfers to other environments: what a custodian asks for out of a grant, two others agree to, and she collects; who has no part in
//! that; and what goes nowhere.

use kube::Api;
use kube::api::{Patch, PatchParams};
use sde_core::airlock::transfer::recipient;
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus};
use sde_crds::destruction_record::Outcome;
use sde_crds::names::POLICY_NAME;
use sde_crds::policy_lists::SdeKeys;
use sde_crds::{AirlockReceipt, AirlockRequest, DestructionRecord, Project, SdePolicy};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export};
use super::airlock_reviews::{reviewers, set_reviewers};
use super::error::{Result, SuiteError, check, check_equal, refused_as};
use super::lab::{Lab, object};
use super::life::{Life, RESEARCHER, day};
use super::waiting::condition_when;
use crate::controlplane::error::malformed;

/// Who asks, and who else is a custodian.
const ASKER: &str = "custodian-a";
const OTHERS: [&str; 2] = ["custodian-b", "custodian-c"];

/// An environment that everything may go to.
const PARTNER: &str = "partner-sde";
/// One that has given no keys.
const KEYLESS: &str = "keyless-sde";
/// One that gives others.
const REKEYED: &str = "rekeyed-sde";
/// One that no Project of these tests names.
const UNNAMED: &str = "unnamed-sde";

/// Public keys, for all these environments. Nothing is ever opened here.
const KEYS: [&str; 2] = [
    "OlWNam8gic2duBmhOTATrWX4dgw8ZASfVvf53q+QASY=",
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
];
/// What one changes them to.
const OTHER_KEYS: [&str; 2] = [
    "3bwnXVPp+rw4b6o/1JXjEraMX/Kp/HdDdhvopyCwZwA=",
    "age1ks4q4tfe25fkzc808kudpwy8v29da5drv5fphaj2grg7pyxqag3sp76vf5",
];

fn keys([crypt4gh, age]: [&str; 2]) -> SdeKeys {
    SdeKeys {
        crypt4gh: crypt4gh.to_owned(),
        age: age.to_owned(),
    }
}

/// The policy lists the environments of these tests; one of them has `other` keys than it usually has.
///
/// # Errors
/// When the API server refuses.
pub(super) async fn list(lab: &Lab, other: Option<(&str, [&str; 2])>) -> Result<()> {
    let sdes = [PARTNER, KEYLESS, REKEYED, UNNAMED].map(|name| {
        let usual = (name != KEYLESS).then_some(KEYS);
        let other = other.filter(|(of, _)| *of == name).map(|(_, keys)| keys);
        let mut sde = json!({
            "name": name, "country": "GB", "standard": "SATRE-2.0.1", "guidanceVersion": "2026-07-02",
            "assessment": {"reference": "SDE-4", "date": day(-10), "digest": format!("sha256:{}", "4".repeat(64)), "expires": day(600)},
        });
        if let Some(given) = other.or(usual) {
            sde["keys"] = json!(keys(given));
        }
        sde
    });
    let patch = json!({"spec": {"thirdPartySdes": sdes}});
    Api::<SdePolicy>::all(lab.plane.admin())
        .patch(POLICY_NAME, &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    Ok(())
}

/// A project of which something may go to other environments.
///
/// # Errors
/// When a Project cannot be so changed.
pub(super) fn project<'a>(lab: &'a Lab, name: &str) -> Result<Life<'a>> {
    let setting = json!({
        "kind": "ThirdParty", "sdes": [PARTNER, KEYLESS, REKEYED],
        "justification": "Their cohort may not leave them",
    });
    let life = Life::new(lab, name).without_workspace();
    life.changed("/setting", setting)
}

/// Somebody asks that a grant goes to an environment, sealed at once.
async fn ask<'a>(
    lab: &'a Lab,
    project: &str,
    name: &str,
    (requester, sde): (&str, &str),
) -> Result<Export<'a>> {
    let request: AirlockRequest = object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest", "metadata": {"name": name},
        "spec": {
            "requester": requester, "direction": "TransferToSde", "transfer": {"grant": "genotypes", "sde": sde},
            "justification": "A joint analysis", "seal": true, "withdrawn": false,
        },
    }))?;
    Export::make(lab, project, &request).await
}

/// From asking to the receipt of its collection, by the custodian who asked.
///
/// # Errors
/// When a step is refused or does not come about in time.
pub(super) async fn hand_over(lab: &Lab, project: &str, name: &str) -> Result<AirlockRequest> {
    let transfer = ask(lab, project, name, (ASKER, PARTNER)).await?;
    transfer.looked_at_and_released(OTHERS).await?;
    transfer.collected().await
}

/// Other environments that an attestation names, none of which has confirmed anything.
///
/// # Errors
/// When it does not verify.
pub(super) fn named(record: &DestructionRecord) -> Result<Vec<String>> {
    let spec = &record.spec;
    let (bundle, evidence) = (spec.bundle.as_bytes(), spec.evidence.as_bytes());
    let verified = sde_evidence::verify(bundle, evidence, &spec.public_key);
    let verified = verified.map_err(malformed("attestation"))?;
    let parties = &verified.statement.predicate.facts().copies.third_party_sdes;
    let unconfirmed = parties.iter().filter(|p| p.confirmation_digest.is_none());
    Ok(unconfirmed.map(|p| p.name.clone()).collect())
}

/// Encrypted to the keys that the policy holds, agreed by two, with receipts that name the environment; and so does the attestation of
/// the project, which has yet to hear of it.
///
/// # Errors
/// When it is otherwise.
pub(super) async fn handed_over(lab: &Lab) -> Result<()> {
    let name = "airpartner";
    let life = project(lab, name)?;
    life.open().await?;
    let collected = hand_over(lab, name, "cohort").await?;
    let status = collected.status.clone().unwrap_or_default();
    let to = status.content.and_then(|c| c.recipient);
    check_equal("to whose keys", &to, &recipient(&keys(KEYS)))?;
    let approved = status.approval.map(|a| a.reviews.len());
    check_equal("reviews", &approved, &Some(2))?;
    receipts(lab, &life.active().await?, &collected).await?;

    let projects: Api<Project> = Api::all(lab.person(ASKER));
    let close = json!({"spec": {"lifecycle": "Closed"}});
    projects
        .patch(name, &PatchParams::default(), &Patch::Merge(&close))
        .await?;
    let all = Api::<Project>::all(lab.plane.admin());
    condition_when(&all, name, "Closing", "True", "T3AwaitAirlock").await?;
    let [other, _] = OTHERS;
    Export::of(lab, name, "cohort")
        .review(other, &collected, json!({"decision": "Waive"}))
        .await?;
    let record = life.close().await?;
    check_equal("outcome", &record.spec.outcome, &Outcome::DestroyedPending)?;
    check_equal(
        "other environments",
        &named(&record)?,
        &vec![PARTNER.to_owned()],
    )
}

/// Each of its receipts says where it goes and to whose keys, signed with the key that the Project showed all along.
async fn receipts(lab: &Lab, project: &Project, transfer: &AirlockRequest) -> Result<()> {
    let key = project.status.clone().and_then(|s| s.attestation_key);
    let key = key.map(|k| k.public_key).unwrap_or_default();
    let to = recipient(&keys(KEYS));
    let names = transfer
        .status
        .iter()
        .flat_map(|s| s.receipts.iter().flatten());
    for name in names {
        let receipt = Api::<AirlockReceipt>::all(lab.plane.admin())
            .get(name)
            .await?;
        check_equal("environment", &receipt.spec.sde.as_deref(), &Some(PARTNER))?;
        let verified = sde_evidence::verify_receipt(receipt.spec.bundle.as_bytes(), &key);
        let said = verified.map_err(malformed(name))?.statement.predicate;
        let said = said.request.transfer;
        let said = said.map(|t| (t.grant, t.sde, Some(t.recipient.to_string())));
        let wanted = ("genotypes".to_owned(), PARTNER.to_owned(), to.clone());
        check_equal(name, &said, &Some(wanted))?;
    }
    Ok(())
}

/// Two custodians decide, neither of them the one who asked; whoever decides on Exports has no vote.
///
/// # Errors
/// When others do.
pub(super) async fn votes(lab: &Lab) -> Result<()> {
    let name = "airvotes";
    project(lab, name)?.open().await?;
    let transfer = ask(lab, name, "cohort", (ASKER, PARTNER)).await?;
    let seen = transfer.confirmed().await?;
    for checker in CHECKERS {
        for role in ["OutputChecker", "Custodian"] {
            let with = json!({"role": role});
            transfer.review(checker, &seen, with).await?;
        }
    }
    let own = transfer.review(ASKER, &seen, json!({})).await;
    refused_as(own, "Nobody reviews their own")?;
    let [first, second] = OTHERS;
    // Who asked the API server believes the review; the controller does not.
    let own = json!({"requester": first});
    transfer.review(ASKER, &seen, own).await?;
    // Positive control: these count, and are all that do.
    transfer.review(first, &seen, json!({})).await?;
    let counted = |s: &AirlockRequestStatus| s.reviews.as_ref().is_some_and(|r| r.counted == 1);
    let one = transfer.when("one review counted", counted).await?;
    let phase = one.status.map(|s| s.phase);
    check_equal("phase", &phase, &Some(AirlockPhase::InReview))?;
    transfer.review(second, &seen, json!({})).await?;
    let released = transfer.phase(AirlockPhase::Released).await?;
    let approval = released.status.and_then(|s| s.approval);
    check_equal("reviews", &approval.map(|a| a.reviews.len()), &Some(2))
}

/// Waits until a request says that it goes no further, and why.
async fn waits(transfer: &Export<'_>, reason: &str) -> Result<AirlockRequest> {
    let says = |s: &AirlockRequestStatus| {
        let mut conditions = s.conditions.iter().flatten();
        // What was released once stays Ready, with the reason why it is not handed out now.
        conditions.any(|c| c.type_ == "Ready" && c.reason == reason)
    };
    transfer.when(reason, says).await
}

/// The same of one of which nothing has been sealed.
async fn stays_a_draft(transfer: &Export<'_>, reason: &str) -> Result<()> {
    let draft = waits(transfer, reason).await?.status.unwrap_or_default();
    check(
        draft.phase == AirlockPhase::Draft && draft.content.is_none(),
        format_args!(
            "{reason}, and it is {} with {:?}",
            draft.phase, draft.content
        ),
    )
}

/// What somebody of the project asks for, or somebody whom the policy does not name as a custodian; what is for an environment that
/// the Project does not name, or that has given no keys.
///
/// # Errors
/// When any of it is sealed.
pub(super) async fn nowhere(lab: &Lab) -> Result<()> {
    let name = "airnowhere";
    project(lab, name)?.open().await?;
    let member = ask(lab, name, "member", (RESEARCHER, PARTNER)).await;
    refused_as(member, "only others, custodians, ask for a transfer")?;
    let [checker, _] = CHECKERS;
    let stranger = ask(lab, name, "stranger", (checker, PARTNER)).await;
    refused_as(stranger, "cannot create")?;

    let unnamed = ask(lab, name, "unnamed", (ASKER, UNNAMED)).await?;
    stays_a_draft(&unnamed, "TransferNotListed").await?;

    let sealed = |s: &AirlockRequestStatus| s.content.is_some();
    let keyless = ask(lab, name, "keyless", (ASKER, KEYLESS)).await?;
    stays_a_draft(&keyless, "TransferKeysMissing").await?;
    list(lab, Some((KEYLESS, OTHER_KEYS))).await?;
    let with_keys = keyless.when("a sealed digest", sealed).await;
    list(lab, None).await?;
    let to = with_keys?.status.and_then(|s| s.content?.recipient);
    check_equal("to whose keys", &to, &recipient(&keys(OTHER_KEYS)))?;

    let all = reviewers(lab).await?;
    let [_, former] = OTHERS;
    let mut fewer = all.clone();
    fewer.retain(|r| r["user"] != former);
    set_reviewers(lab, &fewer).await?;
    let asked = async {
        let asked = ask(lab, name, "former", (former, PARTNER)).await?;
        stays_a_draft(&asked, "RequesterNotApproved").await?;
        Ok::<_, SuiteError>(asked)
    }
    .await;
    set_reviewers(lab, &all).await?;
    // Positive control: named again, the same request is sealed.
    asked?.when("a sealed digest", sealed).await?;
    Ok(())
}

/// What is encrypted to keys that the policy no longer holds is not released, and not handed out when it was.
///
/// # Errors
/// When it is.
pub(super) async fn rekeyed(lab: &Lab) -> Result<()> {
    let name = "airrekeyed";
    project(lab, name)?.open().await?;
    let transfer = ask(lab, name, "cohort", (ASKER, REKEYED)).await?;
    let seen = transfer.confirmed().await?;
    let changed = async |phase: AirlockPhase| {
        list(lab, Some((REKEYED, OTHER_KEYS))).await?;
        let now = match phase {
            AirlockPhase::Released => transfer.set(json!({"collect": 1})).await,
            _ => approve(&transfer, &seen).await,
        };
        let now = match now {
            Ok(()) => waits(&transfer, "TransferKeysChanged").await,
            Err(error) => Err(error),
        };
        list(lab, None).await?;
        let status = now?.status.unwrap_or_default();
        check(
            status.phase == phase && status.deliveries.is_none() && status.serving.is_none(),
            format_args!(
                "with other keys it is {}: {:?}",
                status.phase, status.serving
            ),
        )
    };
    changed(AirlockPhase::Approved).await?;
    // Positive control: with the keys that it was encrypted to it goes on.
    transfer.phase(AirlockPhase::Released).await?;
    changed(AirlockPhase::Released).await?;
    transfer.collected().await?;
    Ok(())
}

async fn approve(transfer: &Export<'_>, seen: &AirlockRequest) -> Result<()> {
    for other in OTHERS {
        transfer.review(other, seen, json!({})).await?;
    }
    Ok(())
}
