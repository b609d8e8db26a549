//! Reviews amount to the same in whatever order and however often they come, and only ever to what people said.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sde_core::airlock::declared;
use sde_core::airlock::review::{Verdict, tally};
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::AirlockPhase;

use crate::airlock_sim::{Sim, digest};

use ReviewDecision::{Approve, Reject, Return, Revoke};
use ReviewRole::{Custodian, MachineLearning, OutputChecker, Senior};

const PEOPLE: [&str; 6] = [
    "checker-a",
    "checker-b",
    "checker-c",
    "custodian-a",
    "u-19ab",
    "u-7c1e",
];
const DECISIONS: [ReviewDecision; 4] = [Approve, Return, Reject, Revoke];
const ROLES: [ReviewRole; 4] = [OutputChecker, Senior, MachineLearning, Custodian];

/// Who decides what in which role, and whether for these findings.
type Vote = (usize, usize, usize, bool);

fn votes() -> impl Strategy<Value = Vec<Vote>> {
    let decision = prop_oneof![6 => Just(0usize), 1 => 1usize..4];
    let role = prop_oneof![4 => Just(0usize), 1 => 1usize..4];
    prop::collection::vec(
        (0..PEOPLE.len(), decision, role, prop::bool::weighted(0.8)),
        0..8,
    )
}

fn verdict(votes: &[Vote]) -> Verdict {
    let mut sim = Sim::new().confirmed();
    assert_eq!(sim.phase(), AirlockPhase::InReview);
    for (who, decision, role, now) in votes {
        let review = sim.review(PEOPLE[*who], ROLES[*role], DECISIONS[*decision]);
        if !now {
            review.spec.findings_digest = digest('9');
        }
    }
    tally(&sim.observed, sim.observed.policy.as_ref().unwrap()).verdict
}

/// What the example policy lets a person do.
fn holds(who: usize, role: usize) -> bool {
    match PEOPLE[who] {
        "checker-a" => role == 0,
        "checker-b" => role < 2,
        "checker-c" => role == 0 || role == 2,
        "custodian-a" => role == 3,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_and_repetition_do_not_matter(given in votes(), turn in 0usize..8, again in any::<prop::sample::Index>()) {
        let whole = verdict(&given);
        let mut other = given.clone();
        if !given.is_empty() {
            other.rotate_left(turn % given.len());
            other.push(given[again.index(given.len())]);
            other.reverse();
        }
        prop_assert_eq!(verdict(&other), whole);
    }

    #[test]
    fn a_verdict_is_what_people_who_may_have_said(given in votes()) {
        let may = || given.iter().filter(|(who, _, role, _)| holds(*who, *role));
        let voted = |decision: usize| -> BTreeSet<usize> {
            let of = may().filter(|(_, d, role, now)| *d == decision && *now && *role != 3);
            of.map(|(who, ..)| *who).collect()
        };
        let refused = may().any(|(_, d, ..)| *d >= 2);
        let (approve, back) = (voted(0), voted(1));
        let enough = approve.union(&back).count() >= 2;
        let wanted = match (refused, enough, back.is_empty()) {
            (true, ..) => Verdict::Rejected,
            (_, false, _) => Verdict::Waiting,
            (_, _, false) => Verdict::Returned,
            (_, _, true) => Verdict::Approved,
        };
        prop_assert_eq!(verdict(&given), wanted);
    }

    #[test]
    fn only_whole_declarations_have_no_problem(files in 0i64..8, named in prop::collection::vec(0i64..9, 1..8)) {
        let mut spec = Sim::new().observed.request.spec;
        let outputs = spec.outputs.as_mut().unwrap();
        outputs.truncate(1);
        outputs[0].counts_file = None;
        outputs[0].files.clone_from(&named);
        let once: BTreeSet<i64> = named.iter().copied().collect();
        let whole = once.len() == named.len() && once == (0..files).collect();
        prop_assert_eq!(declared::problems(&spec, files).is_empty(), whole);
    }
}
