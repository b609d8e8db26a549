//! Which review may be created, or why none. Pure. Says before the API server and the machine do what would be refused or not count
//! (`sde_core::airlock::review`).

use std::collections::BTreeSet;

use kube::api::ObjectMeta;
use sde_core::airlock::declared;
use sde_core::airlock::review::policy_digest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::{
    AirlockReviewSpec, Answer, ConflictOfInterest, ReviewDecision, ReviewReason, ReviewRole,
};
use sde_crds::airlock_status::{AirlockPhase as Phase, Findings, SealedContent, Severity};
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::{AirlockRequest, AirlockReview};

use super::change::named;
use crate::error::CliError;
use crate::text::{Line, Paint, Tone, Tree};

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

fn refuse<T>(text: String) -> Result<T, CliError> {
    Err(CliError::Refused(text))
}

/// The review to create, bound to what the request's status shows now.
///
/// # Errors
/// [`CliError::Refused`] when it would be refused or not count, [`CliError::Usage`] when something is missing; both say what to do.
pub fn plan(
    request: &AirlockRequest,
    decided: &Decided,
    known: &Known<'_>,
) -> Result<AirlockReview, CliError> {
    eligible(request, known)?;
    holds_role(decided, known)?;
    let (content, findings) = phase(request, decided, known)?;
    let held = answerable(request, decided, known);
    answered(decided, &held)?;
    let reason = reason(decided, &held)?;
    complete(decided, content)?;
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
    };
    // The same decision always has the same name, so that saying it twice creates it once.
    let text = serde_json::to_vec(&spec)?;
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

fn eligible(request: &AirlockRequest, known: &Known<'_>) -> Result<(), CliError> {
    let me = known.me;
    if me == request.spec.requester {
        return refuse(format!(
            "you are {me}, who made this request, and nobody reviews their own: another person must. To stop it: kubectl sde airlock withdraw {}",
            named(request)
        ));
    }
    let before = request.status.as_ref().and_then(|s| s.insiders.as_ref());
    if before.is_some_and(|b| b.iter().any(|i| i == me)) || known.members.iter().any(|m| m == me) {
        return refuse(format!(
            "you are {me}, who is or was of the project while this request lived, and its people review nothing in it: somebody else must"
        ));
    }
    if me.starts_with("system:") {
        return refuse(format!(
            "you are {me}, and reviews are decisions of people: log in as yourself"
        ));
    }
    Ok(())
}

fn holds_role(decided: &Decided, known: &Known<'_>) -> Result<(), CliError> {
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
    refuse(format!(
        "the SdePolicy does not name you, {}, as {}, so this would not count (your roles: {have}): decide in a role you hold, or ask the platform team",
        known.me, decided.role
    ))
}

/// Whether this decision is for this phase, and what it would be bound to.
fn phase<'a>(
    request: &'a AirlockRequest,
    decided: &Decided,
    known: &Known<'_>,
) -> Result<(&'a SealedContent, &'a Findings), CliError> {
    use ReviewDecision as D;
    let named = named(request);
    let status = request.status.as_ref();
    let phase = status.map_or(Phase::Draft, |s| s.phase);
    let custodian = decided.role == ReviewRole::Custodian;
    let fits = match decided.decision {
        D::Approve | D::Return => phase == Phase::InReview,
        D::Reject => phase == Phase::InReview || (phase == Phase::Blocked && custodian),
        D::Reopen => phase == Phase::Blocked,
        D::Revoke => matches!(phase, Phase::Approved | Phase::Releasing | Phase::Released),
        D::Waive => matches!(phase, Phase::Approved | Phase::Releasing | Phase::Released),
    };
    if !fits {
        let when = match decided.decision {
            D::Approve | D::Return => "what is InReview",
            D::Reject => "what is InReview, or as Custodian what is Blocked",
            D::Reopen => "what is Blocked",
            D::Revoke | D::Waive => "what is Approved, Releasing or Released",
        };
        return refuse(format!(
            "request {named} is {phase}, and {:?} is for {when}: kubectl sde airlock show {named}",
            decided.decision
        ));
    }
    if matches!(decided.decision, D::Reopen | D::Waive) && !custodian {
        return refuse(format!(
            "only a Custodian says {:?}: decide with --role Custodian if you are one",
            decided.decision
        ));
    }
    let transfer = request.spec.direction == Direction::TransferToSde;
    if matches!(decided.decision, D::Approve | D::Return) && transfer != custodian {
        return refuse(if transfer {
            "a transfer is decided by custodians alone: other votes do not count".to_owned()
        } else {
            "custodians have no vote on exports and imports: decide as OutputChecker, Senior or MachineLearning if you are one".to_owned()
        });
    }
    let bound = status.and_then(|s| Some((s.content.as_ref()?, s.findings.as_ref()?)));
    let Some((content, findings)) = bound.filter(|(c, f)| c.digest == f.content_digest) else {
        return refuse(format!(
            "request {named} shows no findings for what was sealed, so there is nothing to decide on yet: try again in a moment"
        ));
    };
    let changed = known
        .policy
        .is_some_and(|p| policy_digest(p) != findings.policy_digest);
    if changed && matches!(decided.decision, D::Approve | D::Return | D::Reopen) {
        return refuse(format!(
            "the airlock's policy has changed since request {named} was scanned: it is scanned anew, and reviews of before do not count. Try again once it is InReview"
        ));
    }
    if decided.decision == D::Reopen && blocking(findings).any(|f| f.certain) {
        return refuse(
            "this is individual-level data for certain and is never reopened: sign it off with --decision Reject".to_owned(),
        );
    }
    Ok((content, findings))
}

fn blocking(findings: &Findings) -> impl Iterator<Item = &sde_crds::airlock_status::Finding> {
    let rules = findings.rules.iter();
    rules.filter(|f| f.severity == Severity::Block)
}

/// Rules that this decision must answer for.
fn answerable(request: &AirlockRequest, decided: &Decided, known: &Known<'_>) -> BTreeSet<String> {
    let status = request.status.clone().unwrap_or_default();
    let findings = status.findings.iter();
    match decided.decision {
        ReviewDecision::Approve => {
            let found = findings
                .flat_map(|f| &f.rules)
                .filter(|f| f.severity >= Severity::Hold)
                .map(|f| f.rule.clone());
            let shown = status.reviews.iter().flat_map(|r| r.held_by.clone());
            let said = known
                .policy
                .map(|p| declared::held_by(&request.spec, p))
                .unwrap_or_default();
            found
                .chain(shown)
                .chain(said.into_iter().map(str::to_owned))
                .collect()
        }
        ReviewDecision::Reopen => findings
            .flat_map(blocking)
            .map(|f| f.rule.clone())
            .collect(),
        _ => BTreeSet::new(),
    }
}

fn answered(decided: &Decided, held: &BTreeSet<String>) -> Result<(), CliError> {
    let given: BTreeSet<String> = decided.answers.iter().map(|a| a.rule.clone()).collect();
    if given.len() < decided.answers.len() {
        return Err(CliError::Usage(
            "a rule is answered for once: give one --answer a rule".to_owned(),
        ));
    }
    if let Some(other) = given.difference(held).next() {
        return refuse(format!(
            "{other} does not hold this request, or {:?} answers for nothing: leave that --answer out",
            decided.decision
        ));
    }
    let missing: Vec<&str> = held.difference(&given).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    refuse(format!(
        "your {:?} would not count: it must say why {} does not stand in the way, with --answer RULE=CODE for each, as --answer {}=CountsSeen",
        decided.decision,
        missing.join(", "),
        missing.first().copied().unwrap_or_default()
    ))
}

fn reason(decided: &Decided, held: &BTreeSet<String>) -> Result<ReviewReason, CliError> {
    match (decided.reason, decided.decision) {
        (Some(reason), _) => Ok(reason),
        (None, ReviewDecision::Approve) if held.is_empty() => Ok(ReviewReason::SafeAsDeclared),
        (None, ReviewDecision::Approve | ReviewDecision::Reopen) => Ok(ReviewReason::HeldButSafe),
        (None, decision) => Err(CliError::Usage(format!(
            "say why with --reason: {decision:?} has no reason of its own"
        ))),
    }
}

/// What the decision needs beside its reason, as the API server asks for it.
fn complete(decided: &Decided, content: &SealedContent) -> Result<(), CliError> {
    use ReviewDecision as D;
    let usage = |text: String| Err(CliError::Usage(text));
    let decision = decided.decision;
    if matches!(decision, D::Reject | D::Return | D::Revoke) && decided.advice.is_none() {
        return usage(format!(
            "{decision:?} says with --note what the requester should do; never what the file says"
        ));
    }
    if (decision == D::Return) == decided.refused_files.is_empty() {
        return usage(
            "--refuse-file names the files that must not leave as they are: a Return needs one, and nothing else takes any".to_owned(),
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

/// The decision as it will be made, under what is decided on.
pub fn render(review: &AirlockReview, paint: Paint, width: usize) -> String {
    let of = &review.spec;
    let mut tree = Tree::new(Line::new(
        Tone::Strong,
        format!(
            "You, {}, decide as {}: {:?}",
            of.reviewer, of.role, of.decision
        ),
    ));
    let mut field = |name: &str, value: String| {
        tree.push(Tree::hanging(
            Line::new(Tone::Strong, format!("{name:<10}")).and(Tone::Plain, value),
            10,
        ));
    };
    field("reason", format!("{:?}", of.reason));
    for answer in of.answers.iter().flatten() {
        field("answer", format!("{}: {:?}", answer.rule, answer.because));
    }
    if let Some(advice) = &of.advice {
        field("note", advice.clone());
    }
    for file in of.refused_files.iter().flatten() {
        field("refused", format!("file {file}"));
    }
    if of.conflict_of_interest == ConflictOfInterest::Declared {
        field("interest", "declared: kept, and does not count".to_owned());
    }
    field("content", of.content_digest.clone());
    field("findings", of.findings_digest.clone());
    field("policy", of.policy_digest.clone());
    tree.render(paint, width)
}

/// What happens next, in sentences.
pub fn next(review: &AirlockReview, named: &str) -> String {
    let tail = format!("kubectl sde airlock show {named} shows what it waits for now.");
    if review.spec.conflict_of_interest == ConflictOfInterest::Declared {
        return format!("It is kept and does not count: somebody else must decide. {tail}");
    }
    match review.spec.decision {
        ReviewDecision::Approve | ReviewDecision::Return => {
            format!("Votes are hidden until everybody needed has voted. {tail}")
        }
        ReviewDecision::Reject => format!("One is enough: it goes no further. {tail}"),
        ReviewDecision::Reopen => {
            format!("Once enough custodians say so, it is reviewed. {tail}")
        }
        ReviewDecision::Revoke => {
            format!("One is enough: nothing more of it is handed out. {tail}")
        }
        ReviewDecision::Waive => format!("Closing need not wait for it. {tail}"),
    }
}
