//! Which reviews count, and what they amount to. A review counts for exactly this request, content, findings and policy, by somebody
//! who holds the role now, is neither requester nor of the project nor was, and declares no interest. A person counts once, with the
//! strictest of their reviews, so that neither order nor repetition matters. An approval counts only with its reviewer's viewing code.

use std::collections::{BTreeMap, BTreeSet};

use sde_crds::AirlockReview;
use sde_crds::airlock_review::{AirlockReviewSpec, ConflictOfInterest, ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{Severity, ShownDecision};
use sde_crds::policy_airlock::AirlockPolicy;

use crate::airlock::observe::Observed;
use crate::airlock::required::{Required, custodians, required};
use crate::airlock::viewing::Viewed;

/// What the reviews amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Too few.
    Waiting,
    /// Somebody rejects.
    Rejected,
    /// All who are needed have voted, and somebody returns it.
    Returned,
    /// All who are needed approve.
    Approved,
}

/// Reviews, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// What they amount to.
    pub verdict: Verdict,
    /// Who was needed.
    pub required: Required,
    /// People whose vote counts.
    pub counted: BTreeSet<String>,
    /// Roles still missing.
    pub missing: BTreeSet<ReviewRole>,
    /// Reviews that decided, by UID.
    pub uids: BTreeSet<String>,
    /// What its requester is told once it is decided.
    pub shown: Vec<ShownDecision>,
    /// People who could still vote.
    pub eligible: usize,
    /// People whose approval would count, if it had the right viewing code.
    pub unseen: i64,
}

/// Digest of what reviews bind to beside the bytes: the airlock's policy without its reviewers, and without what changes with every
/// day's signatures; findings say which they were made with. Empty, which no review can name, when it has no canonical form.
pub fn policy_digest(policy: &AirlockPolicy) -> String {
    let mut value = serde_json::to_value(policy).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("reviewers");
        if let Some(scanner) = fields
            .get_mut("malwareScanner")
            .and_then(|s| s.as_object_mut())
        {
            scanner.retain(|name, _| name == "maxAgeDays");
        }
    }
    sde_evidence::canonical_digest(&value)
        .map(|digest| format!("v1:{digest}"))
        .unwrap_or_default()
}

/// Whether the reviewer may decide on this request at all, in that role. Bytes that the review names must be those that were sealed.
pub(super) fn may(observed: &Observed, policy: &AirlockPolicy, review: &AirlockReview) -> bool {
    let of = &review.spec;
    let status = observed.status();
    let content = status.content.as_ref().map(|c| c.digest.as_str());
    let held = policy
        .reviewers
        .iter()
        .any(|r| r.user == of.reviewer && r.roles.contains(&of.role));
    observed.request.metadata.uid.as_deref() == Some(of.request_uid.as_str())
        && of.requester == observed.spec().requester
        && of.reviewer != observed.spec().requester
        && !observed.insider(&of.reviewer)
        && of.conflict_of_interest == ConflictOfInterest::None
        && review.metadata.generation.is_none_or(|g| g == 1)
        && held
        && content == Some(of.content_digest.as_str())
}

/// Whether a review is for these findings and the policy they were made under.
fn of_findings(observed: &Observed, of: &AirlockReviewSpec) -> bool {
    observed
        .status()
        .findings
        .is_some_and(|f| of.findings_digest == f.digest && of.policy_digest == f.policy_digest)
}

fn answers(of: &AirlockReviewSpec, rules: &BTreeSet<String>) -> bool {
    let answered = |rule: &String| of.answers.iter().flatten().any(|a| a.rule == *rule);
    rules.iter().all(answered)
}

/// Whether a review has its reviewer's viewing code, which says that their ticket has opened every file of exactly this.
fn has_seen(observed: &Observed, of: &AirlockReviewSpec) -> bool {
    let viewed = Viewed {
        request_uid: &of.request_uid,
        content: &of.content_digest,
        findings: &of.findings_digest,
        person: &of.reviewer,
    };
    let right = observed.viewing.as_ref().map(|key| key.code(&viewed));
    right.is_some() && of.seen == right
}

/// Counts the reviews.
pub fn tally(observed: &Observed, policy: &AirlockPolicy) -> Tally {
    let required = required(observed, policy);
    let mut rejected = Vec::new();
    let mut returned = Vec::new();
    let mut approved = Vec::new();
    let mut unseen = BTreeSet::new();
    for review in &observed.reviews {
        let of = &review.spec;
        if !may(observed, policy, review) {
            continue;
        }
        let bound = of_findings(observed, of) && required.voters.contains(&of.role);
        match of.decision {
            // Refusing is believed whatever the findings were: it only locks.
            ReviewDecision::Reject | ReviewDecision::Revoke => rejected.push(review),
            ReviewDecision::Return if bound => returned.push(review),
            ReviewDecision::Approve if bound && answers(of, &required.held_by) => {
                if has_seen(observed, of) {
                    approved.push(review);
                } else {
                    unseen.insert(of.reviewer.clone());
                }
            }
            _ => {}
        }
    }
    let voted: Vec<&AirlockReview> = returned.iter().chain(&approved).copied().collect();
    let counted: BTreeSet<String> = voted.iter().map(|r| r.spec.reviewer.clone()).collect();
    let roles: BTreeSet<ReviewRole> = voted.iter().map(|r| r.spec.role).collect();
    let missing: BTreeSet<ReviewRole> = required.roles.difference(&roles).copied().collect();
    let complete = counted.len() >= required.people && missing.is_empty();
    let (verdict, decisive) = if !rejected.is_empty() {
        (Verdict::Rejected, rejected)
    } else if !complete {
        (Verdict::Waiting, Vec::new())
    } else if !returned.is_empty() {
        (Verdict::Returned, returned)
    } else {
        (Verdict::Approved, approved)
    };
    Tally {
        verdict,
        unseen: i64::try_from(unseen.difference(&counted).count()).unwrap_or(i64::MAX),
        counted,
        missing,
        uids: decisive
            .iter()
            .filter_map(|r| r.metadata.uid.clone())
            .collect(),
        shown: decisive.iter().map(|r| shown(&r.spec)).collect(),
        eligible: eligible(observed, policy, &required),
        required,
    }
}

fn shown(of: &AirlockReviewSpec) -> ShownDecision {
    ShownDecision {
        role: of.role,
        decision: of.decision,
        reason: of.reason,
        advice: of.advice.clone(),
    }
}

/// People who hold a role that votes here and are not kept from it.
fn eligible(observed: &Observed, policy: &AirlockPolicy, required: &Required) -> usize {
    let requester = &observed.spec().requester;
    let may = policy.reviewers.iter().filter(|r| {
        r.user != *requester
            && !observed.insider(&r.user)
            && r.roles.iter().any(|role| required.voters.contains(role))
    });
    let people: BTreeSet<&String> = may.map(|r| &r.user).collect();
    people.len()
}

/// What custodians say of a request that is Blocked.
#[derive(Debug, Clone, PartialEq)]
pub enum Reopening {
    /// Not enough of them say anything.
    Waiting {
        /// Distinct people who would reopen it.
        have: usize,
        /// Distinct people who must.
        need: usize,
    },
    /// One confirms the block.
    Confirmed(Vec<ShownDecision>),
    /// Enough reopen it, each answering for every rule that blocks.
    Reopened,
}

/// Reads what custodians say of a request that is Blocked.
pub fn reopening(observed: &Observed, policy: &AirlockPolicy) -> Reopening {
    let status = observed.status();
    let blocking: BTreeSet<String> = status
        .findings
        .iter()
        .flat_map(|f| &f.rules)
        .filter(|f| f.severity == Severity::Block)
        .map(|f| f.rule.clone())
        .collect();
    let mut by: BTreeMap<&str, &AirlockReviewSpec> = BTreeMap::new();
    let mut confirmed = Vec::new();
    let reviews = observed.reviews.iter();
    for review in reviews.filter(|r| may(observed, policy, r)) {
        let of = &review.spec;
        if of.role != ReviewRole::Custodian {
            continue;
        }
        match of.decision {
            ReviewDecision::Reject => confirmed.push(shown(of)),
            ReviewDecision::Reopen if of_findings(observed, of) && answers(of, &blocking) => {
                by.insert(&of.reviewer, of);
            }
            _ => {}
        }
    }
    let need = custodians(policy);
    if !confirmed.is_empty() {
        Reopening::Confirmed(confirmed)
    } else if by.len() >= need {
        Reopening::Reopened
    } else {
        Reopening::Waiting {
            have: by.len(),
            need,
        }
    }
}

/// Whether somebody who may decide has said `decision` of these bytes, in `role` or, without one, in any.
pub fn said(
    observed: &Observed,
    policy: &AirlockPolicy,
    decision: ReviewDecision,
    role: Option<ReviewRole>,
) -> bool {
    observed.reviews.iter().any(|r| {
        r.spec.decision == decision
            && role.is_none_or(|role| r.spec.role == role)
            && may(observed, policy, r)
    })
}
