//! The review that may be created (`sde_core::airlock::reviewing`), for people's eyes.

use sde_crds::AirlockReview;
use sde_crds::airlock_review::{ConflictOfInterest, ReviewDecision};

pub use sde_core::airlock::reviewing::{Decided, Known, plan};
use sde_core::refusal::Refusal;

use crate::error::CliError;
use crate::text::{Line, Paint, Tone, Tree};

/// What core says is missing, with the flags that give it.
pub fn with_flags(refusal: Refusal) -> CliError {
    match refusal {
        Refusal::Incomplete(text) => CliError::Usage(format!(
            "{text} (--seen, --reason, --note, --refuse-file, --answer RULE=CODE: see kubectl sde airlock review --help)"
        )),
        other => other.into(),
    }
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
    if let Some(seen) = &of.seen {
        field("seen", seen.clone());
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
        ReviewDecision::Approve => format!(
            "It counts if the viewing code is yours, for what was found now. Votes are hidden until everybody needed has voted. {tail}"
        ),
        ReviewDecision::Return => {
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
