//! Which review may be created, or why none. Says before the API server and the machine do what would be refused or not count
//! ([`crate::airlock::review`]).

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::{
    AirlockReviewSpec, Answer, ConflictOfInterest, ReviewDecision, ReviewReason, ReviewRole,
};
use sde_crds::airlock_status::{AirlockPhase as Phase, Finding, Findings, SealedContent, Severity};
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::{AirlockRequest, AirlockReview};

use crate::airlock::declared;
use crate::airlock::required::holding;
use crate::airlock::review::policy_digest;
use crate::airlock::viewing::typed;
use crate::airlock::waiting::taken_back;
use crate::refusal::Refusal;

/// What a person decides.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The decision.
    pub decision: ReviewDecision,
    /// In which role.
    pub role: ReviewRole,
    /// Why; found out for what is approved.
    pub reason: Option<ReviewReason>,
    /// What the requester should do.
    pub advice: Option<String>,
    /// Why rules do not stand in the way.
    pub answers: Vec<Answer>,
    /// Files that must not leave as they are.
    pub refused_files: Vec<i64>,
    /// Whether the reviewer has an interest.
    pub conflict: ConflictOfInterest,
    /// Approve: the viewing code, as it was typed.
    pub seen: Option<String>,
}

/// What is known beside the request.
pub struct Known<'a> {
    /// Who decides, as the API server knows them.
    pub me: &'a str,
    /// The project's people, as far as they may be seen.
    pub members: &'a [String],
    /// The airlock's part of the SdePolicy; none when it may not be seen.
    pub policy: Option<&'a AirlockPolicy>,
}

/// The review to create, bound to what the request's status shows now.
///
/// # Errors
/// [`Refusal::Refused`] when it would be refused or not count, [`Refusal::Incomplete`] when something is missing; both say what to do.
pub fn plan(
    request: &AirlockRequest,
    decided: &Decided,
    known: &Known<'_>,
) -> Result<AirlockReview, Refusal> {
    eligible(request, known)?;
    holds_role(decided, known)?;
    let (content, findings) = phase(request, decided, known)?;
    let held = answerable(request, decided.decision, known.policy);
    answered(decided, &held)?;
    let reason = reason(request, decided, &held)?;
    complete(decided, content)?;
    let seen = code(decided)?;
    let spec = AirlockReviewSpec {
        request: request.metadata.name.clone().unwrap_or_default(),
        request_uid: request.metadata.uid.clone().unwrap_or_default(),
        requester: request.spec.requester.clone(),
        reviewer: known.me.to_owned(),
        role: decided.role,
        decision: decided.decision,
        content_digest: content.digest.clone(),
        findings_digest: findings.digest.clone(),
        policy_digest: findings.policy_digest.clone(),
        conflict_of_interest: decided.conflict,
        reason,
        advice: decided.advice.clone(),
        refused_files: some(&decided.refused_files),
        answers: some(&decided.answers),
        seen,
    };
    // The same decision always has the same name, so that saying it twice creates it once.
    let text = serde_json::to_vec(&spec).map_err(|e| Refusal::Incomplete(e.to_string()))?;
    let hash = sde_evidence::sha256(&text).hex();
    Ok(AirlockReview {
        metadata: ObjectMeta {
            name: Some(format!(
                "{}-{}",
                spec.request,
                hash.get(..16).unwrap_or_default()
            )),
            namespace: request.metadata.namespace.clone(),
            ..ObjectMeta::default()
        },
        spec,
    })
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn eligible(request: &AirlockRequest, known: &Known<'_>) -> Result<(), Refusal> {
    let me = known.me;
    if me == request.spec.requester {
        return Refusal::refused(format!(
            "you are {me}, who made this request, and nobody reviews their own: another person must. To stop it, withdraw it"
        ));
    }
    let before = request.status.as_ref().and_then(|s| s.insiders.as_ref());
    if before.is_some_and(|b| b.iter().any(|i| i == me)) || known.members.iter().any(|m| m == me) {
        return Refusal::refused(format!(
            "you are {me}, who is or was of the project while this request lived, and its people review nothing in it: somebody else must"
        ));
    }
    if me.starts_with("system:") {
        return Refusal::refused(format!(
            "you are {me}, and reviews are decisions of people: log in as yourself"
        ));
    }
    Ok(())
}

fn holds_role(decided: &Decided, known: &Known<'_>) -> Result<(), Refusal> {
    let Some(policy) = known.policy else {
        return Ok(());
    };
    let mine = policy.reviewers.iter().find(|r| r.user == known.me);
    let roles = mine.map(|r| r.roles.clone()).unwrap_or_default();
    if roles.contains(&decided.role) {
        return Ok(());
    }
    let have: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let have = if have.is_empty() {
        "none".to_owned()
    } else {
        have.join(", ")
    };
    Refusal::refused(format!(
        "the SdePolicy does not name you, {}, as {}, so this would not count (your roles: {have}): decide in a role you hold, or ask the platform team",
        known.me, decided.role
    ))
}

/// Whether this decision is for this phase, and what it would be bound to.
fn phase<'a>(
    request: &'a AirlockRequest,
    decided: &Decided,
    known: &Known<'_>,
) -> Result<(&'a SealedContent, &'a Findings), Refusal> {
    use ReviewDecision as D;
    let named = request.metadata.name.as_deref().unwrap_or_default();
    let status = request.status.as_ref();
    let phase = status.map_or(Phase::Draft, |s| s.phase);
    let custodian = decided.role == ReviewRole::Custodian;
    if taken_back(&request.spec, phase) {
        return Refusal::refused(format!(
            "request {named} was taken back by its requester: there is nothing to decide"
        ));
    }
    let fits = match decided.decision {
        D::Approve | D::Return => phase == Phase::InReview,
        D::Reject => phase == Phase::InReview || (phase == Phase::Blocked && custodian),
        D::Reopen => phase == Phase::Blocked,
        // What broke after it was approved is released once it is tried again.
        D::Revoke | D::Waive => {
            matches!(phase, Phase::Approved | Phase::Releasing | Phase::Released)
                || (phase == Phase::Failed && status.is_some_and(|s| s.expires_at.is_some()))
        }
    };
    if !fits {
        let when = match decided.decision {
            D::Approve | D::Return => "what is InReview",
            D::Reject => "what is InReview, or as Custodian what is Blocked",
            D::Reopen => "what is Blocked",
            D::Revoke | D::Waive => "what was approved and is not over",
        };
        return Refusal::refused(format!(
            "request {named} is {phase}, and {:?} is for {when}",
            decided.decision
        ));
    }
    if matches!(decided.decision, D::Reopen | D::Waive) && !custodian {
        return Refusal::refused(format!(
            "only a Custodian says {:?}: decide as Custodian if you are one",
            decided.decision
        ));
    }
    let transfer = request.spec.direction == Direction::TransferToSde;
    if matches!(decided.decision, D::Approve | D::Return) && transfer != custodian {
        return Refusal::refused(if transfer {
            "a transfer is decided by custodians alone: other votes do not count".to_owned()
        } else {
            "custodians have no vote on exports and imports: decide as OutputChecker, Senior or MachineLearning if you are one".to_owned()
        });
    }
    let bound = status.and_then(|s| Some((s.content.as_ref()?, s.findings.as_ref()?)));
    let Some((content, findings)) = bound.filter(|(c, f)| c.digest == f.content_digest) else {
        return Refusal::refused(format!(
            "request {named} shows no findings for what was sealed, so there is nothing to decide on yet: try again in a moment"
        ));
    };
    let changed = known
        .policy
        .is_some_and(|p| policy_digest(p) != findings.policy_digest);
    if changed && matches!(decided.decision, D::Approve | D::Return | D::Reopen) {
        return Refusal::refused(format!(
            "the airlock's policy has changed since request {named} was scanned: it is scanned anew, and reviews of before do not count. Try again once it is InReview"
        ));
    }
    if decided.decision == D::Reopen && blocking(findings).any(|f| f.certain) {
        return Refusal::refused(
            "what blocks it is certain (individual-level data, or a transfer that is not encrypted) and is never reopened: sign it off with the decision Reject".to_owned(),
        );
    }
    Ok((content, findings))
}

fn blocking(findings: &Findings) -> impl Iterator<Item = &Finding> {
    let rules = findings.rules.iter();
    rules.filter(|f| f.severity == Severity::Block)
}

/// Rules that a decision on a request must answer for, as far as it and the policy can be seen.
pub fn answerable(
    request: &AirlockRequest,
    decision: ReviewDecision,
    policy: Option<&AirlockPolicy>,
) -> BTreeSet<String> {
    let status = request.status.clone().unwrap_or_default();
    match decision {
        ReviewDecision::Approve => {
            let found = holding(&status).map(|(rule, _)| rule.to_owned());
            let shown = status.reviews.iter().flat_map(|r| r.held_by.clone());
            let said = policy
                .map(|p| declared::held_by(&request.spec, p))
                .unwrap_or_default();
            found
                .chain(shown)
                .chain(said.into_iter().map(str::to_owned))
                .collect()
        }
        ReviewDecision::Reopen => status
            .findings
            .iter()
            .flat_map(blocking)
            .map(|f| f.rule.clone())
            .collect(),
        _ => BTreeSet::new(),
    }
}

fn answered(decided: &Decided, held: &BTreeSet<String>) -> Result<(), Refusal> {
    let given: BTreeSet<String> = decided.answers.iter().map(|a| a.rule.clone()).collect();
    if given.len() < decided.answers.len() {
        return Err(Refusal::Incomplete(
            "a rule is answered for once".to_owned(),
        ));
    }
    if let Some(other) = given.difference(held).next() {
        return Refusal::refused(format!(
            "{other} does not hold this request, or {:?} answers for nothing: leave that answer out",
            decided.decision
        ));
    }
    let missing: Vec<&str> = held.difference(&given).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::Incomplete(format!(
        "your {:?} would not count: it must say why {} does not stand in the way, with an answer for each",
        decided.decision,
        missing.join(", ")
    )))
}

fn reason(
    request: &AirlockRequest,
    decided: &Decided,
    held: &BTreeSet<String>,
) -> Result<ReviewReason, Refusal> {
    let transfer = request.spec.direction == Direction::TransferToSde;
    match (decided.reason, decided.decision) {
        (Some(reason), _) => Ok(reason),
        // Of encrypted data of single people nobody says that it identifies nobody.
        (None, ReviewDecision::Approve) if transfer => Ok(ReviewReason::CustodiansDecision),
        (None, ReviewDecision::Approve) if held.is_empty() => Ok(ReviewReason::SafeAsDeclared),
        (None, ReviewDecision::Approve | ReviewDecision::Reopen) => Ok(ReviewReason::HeldButSafe),
        (None, decision) => Err(Refusal::Incomplete(format!(
            "give a reason: {decision:?} has none of its own"
        ))),
    }
}

/// What is said of approvals without the right viewing code: how many, not whose; nothing where there is none.
pub fn lacking(unseen: i64) -> Option<String> {
    match unseen {
        ..=0 => None,
        1 => Some("1 approval does not count: it lacks its reviewer's viewing code".to_owned()),
        many => Some(format!(
            "{many} approvals do not count: they lack their reviewers' viewing codes"
        )),
    }
}

/// The viewing code of an approval. Whether it is the right one only the controller can tell.
///
/// # Errors
/// [`Refusal::Incomplete`] when there is none, or what was typed has not the shape of one.
pub fn code(decided: &Decided) -> Result<Option<String>, Refusal> {
    if decided.decision != ReviewDecision::Approve {
        return Ok(None);
    }
    let given = decided
        .seen
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let code = given.map(|text| {
        typed(text).ok_or_else(|| {
            let text = "that is no viewing code: it has 16 characters, letters and the digits 2 to 7, as the viewer's list of files shows it";
            Refusal::Incomplete(text.to_owned())
        })
    });
    match code.transpose()? {
        None if decided.conflict == ConflictOfInterest::None => Err(Refusal::Incomplete(
            "your approval would not count: it needs your viewing code. Open every file in the viewer, whose list of files shows it then".to_owned(),
        )),
        code => Ok(code),
    }
}

/// What the decision needs beside its reason, as the API server asks for it.
fn complete(decided: &Decided, content: &SealedContent) -> Result<(), Refusal> {
    use ReviewDecision as D;
    let usage = |text: String| Err(Refusal::Incomplete(text));
    let decision = decided.decision;
    if matches!(decision, D::Reject | D::Return | D::Revoke) && decided.advice.is_none() {
        return usage(format!(
            "{decision:?} says in a note what the requester should do; never what the file says"
        ));
    }
    if (decision == D::Return) == decided.refused_files.is_empty() {
        return usage(
            "the files that must not leave as they are: a Return names at least one, and no other decision names any".to_owned(),
        );
    }
    if let Some(file) = decided.refused_files.iter().find(|f| **f >= content.files) {
        return usage(format!(
            "there is no file {file}: {} were sealed, counted from 0",
            content.files
        ));
    }
    Ok(())
}
