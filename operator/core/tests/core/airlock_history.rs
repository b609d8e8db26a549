//! What stands out of a request against its project's others: each rule at its edge, frozen with the findings, and part of what
//! reviews bind to.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use sde_core::airlock::history::{self, Past, signals};
use sde_core::airlock::review::{Verdict, tally};
use sde_core::airlock::{Observed, Step, next};
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::{ReviewDecision, ReviewRole};
use sde_crds::airlock_status::{AirlockPhase as Phase, Severity, Signal, SignalUnit};
use serde_json::json;

use crate::airlock_sim::{Sim, digest, observed};
use crate::world;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const MIB: i64 = 1 << 20;
/// Who asks in the example.
const REQUESTER: &str = "u-7c1e";
/// What the example seals.
const USUAL: i64 = 48_213;

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(world::now().as_second() - seconds).unwrap()
}

/// One of somebody else's, released by two people.
fn release(seconds: i64) -> Past {
    Past {
        submitted: (ago(seconds), format!("uid-{seconds}")),
        requester: "u-19ab".to_owned(),
        direction: Direction::Export,
        bytes: USUAL,
        files: 4,
        phase: (Phase::Released, ago(seconds)),
        released: true,
        approvers: [format!("checker-{seconds}"), "checker-a".to_owned()].into(),
        fingerprints: Vec::new(),
        refused: BTreeSet::new(),
    }
}

/// A project that has released `number` requests, one every ten days.
fn past(number: i64) -> Vec<Past> {
    (1..=number).map(|n| release(10 * n * DAY)).collect()
}

/// The example, sealed and submitted now, with differences.
fn asking(history: Vec<Past>, change: impl FnOnce(&mut Observed)) -> Observed {
    let mut seen = observed();
    seen.request.status = Some(
        serde_json::from_value(json!({
            "phase": "Scanning", "submittedAt": world::now().to_string(),
            "content": {"digest": digest('1'), "files": 4, "bytes": USUAL},
        }))
        .unwrap(),
    );
    seen.history = history;
    change(&mut seen);
    seen
}

fn sized(history: Vec<Past>, bytes: i64, files: i64) -> Vec<Signal> {
    signals(&asking(history, |o| {
        let content = o.request.status.as_mut().unwrap().content.as_mut().unwrap();
        (content.bytes, content.files) = (bytes, files);
    }))
}

fn said(signals: &[Signal]) -> Vec<(&str, Severity, i64, i64)> {
    signals
        .iter()
        .map(|s| (s.rule.as_str(), s.severity, s.observed, s.usual))
        .collect()
}

#[test]
fn a_request_as_usual_does_not_stand_out() {
    assert_eq!(said(&sized(past(20), USUAL, 4)), []);
    // Smaller than usual gives nothing away.
    assert_eq!(said(&sized(past(20), 1, 1)), []);
    // Nor a little more, where all were equal.
    assert_eq!(said(&sized(past(20), 6 * USUAL, 12)), []);
}

#[test]
fn its_numbers_are_said_in_words() {
    let of = |unit, observed, usual| {
        history::words(&Signal {
            rule: "AL-G017".to_owned(),
            severity: Severity::Warn,
            unit,
            observed,
            usual,
        })
    };
    assert_eq!(of(SignalUnit::Bytes, 9 * MIB, 1024), "9 MiB, against 1 KiB");
    assert_eq!(
        of(SignalUnit::Bytes, 9 * MIB, 0),
        "9 MiB; nothing is usual yet"
    );
    assert_eq!(
        of(SignalUnit::Requests, 4, 3),
        "4 requests, against 3 requests"
    );
    assert_eq!(of(SignalUnit::Files, 40, 4), "40 files, against 4 files");
}

#[test]
fn a_young_project_is_warned_and_not_held() {
    let found = sized(past(4), 9 * MIB, 4);
    assert_eq!(said(&found)[0], ("AL-G017", Severity::Warn, 9 * MIB, USUAL));
    assert!(
        found.iter().all(|s| s.severity == Severity::Warn),
        "{found:?}"
    );
    assert_eq!(
        said(&sized(Vec::new(), 9 * MIB, 4)),
        [("AL-G017", Severity::Warn, 9 * MIB, 0)]
    );
    // The control: one release more, and the same is held.
    let found = sized(past(5), 9 * MIB, 4);
    assert!(
        found.iter().all(|s| s.severity == Severity::Hold),
        "{found:?}"
    );
}

#[test]
fn far_more_than_usual_is_held() {
    let of = |rule: &str, bytes, files| {
        let found = sized(past(20), bytes, files);
        found.into_iter().find(|s| s.rule == rule).map(|s| s.unit)
    };
    // 64 KiB is the least spread: 3.5 of them in units of 0.6745.
    let edge = USUAL + (3.5 / 0.6745 * 65_536.0) as i64;
    assert_eq!(of("AL-G017", edge, 4), None);
    assert_eq!(of("AL-G017", edge + 1, 4), Some(SignalUnit::Bytes));
    assert_eq!(of("AL-G017", USUAL, 14), None);
    assert_eq!(of("AL-G017", USUAL, 15), Some(SignalUnit::Files));
    assert_eq!(of("AL-A008", MIB, 4), None, "small in itself");
    assert_eq!(of("AL-A008", MIB + 1, 4), Some(SignalUnit::Bytes));
    // Where releases vary, more is usual.
    let mut varied = past(20);
    for (n, release) in (0i64..).zip(&mut varied) {
        release.bytes = n * MIB;
    }
    assert_eq!(said(&sized(varied.clone(), 30 * MIB, 4)), []);
    assert_eq!(
        said(&sized(varied, 40 * MIB, 4))[0],
        ("AL-G017", Severity::Hold, 40 * MIB, 9 * MIB)
    );
}

#[test]
fn a_day_of_exports_has_its_bytes() {
    let of = |hours: i64, phase: Phase, direction| {
        let mut day = past(20);
        day.push(Past {
            bytes: 256 * MIB - USUAL + 1,
            direction,
            released: false,
            phase: (phase, ago(HOUR)),
            ..release(hours * HOUR)
        });
        sized(day, USUAL, 4).iter().any(|s| s.rule == "AL-G004")
    };
    assert!(of(23, Phase::InReview, Direction::Export));
    assert!(
        !of(24, Phase::InReview, Direction::Export),
        "the day before"
    );
    assert!(!of(23, Phase::Withdrawn, Direction::Export), "never left");
    assert!(!of(23, Phase::InReview, Direction::Import), "came in");
}

#[test]
fn a_person_has_three_requests_a_day_and_a_project_ten_a_week() {
    let mine = |n: i64| Past {
        requester: REQUESTER.to_owned(),
        ..release(n * HOUR)
    };
    let with = |others: Vec<Past>| {
        let found = signals(&asking(
            others.into_iter().chain(past(20)).collect(),
            |_| {},
        ));
        let often = found.into_iter().find(|s| s.rule == "AL-G018");
        often.map(|s| (s.severity, s.observed, s.usual))
    };
    let held = |observed, usual| Some((Severity::Hold, observed, usual));
    assert_eq!(with(vec![mine(1), mine(2)]), None);
    assert_eq!(with(vec![mine(1), mine(2), mine(3)]), held(4, 3));
    assert_eq!(
        with(vec![mine(1), mine(2), mine(24)]),
        None,
        "the day before"
    );
    assert_eq!(
        with(vec![mine(1), mine(2), mine(-1)]),
        None,
        "submitted later"
    );
    let others = |n: i64| (1..=n).map(|n| release(n * 16 * HOUR)).collect::<Vec<_>>();
    assert_eq!(with(others(9)), None);
    assert_eq!(with(others(10)), held(11, 10));
}

#[test]
fn who_was_refused_again_and_again_is_looked_at_by_a_senior() {
    let of = |phases: &[Phase], requester: &str, days: i64| {
        let refused = (1i64..).zip(phases).map(|(n, phase)| Past {
            requester: requester.to_owned(),
            released: false,
            phase: (*phase, ago(days * DAY)),
            ..release((days + n) * DAY)
        });
        let found = signals(&asking(
            past(20).into_iter().chain(refused).collect(),
            |_| {},
        ));
        found
            .into_iter()
            .find(|s| s.rule == "AL-A009")
            .map(|s| (s.severity, s.observed))
    };
    use Phase::{Blocked, Rejected, Returned};
    let held = Some((Severity::HoldSenior, 3));
    assert_eq!(of(&[Blocked, Rejected, Blocked], REQUESTER, 1), held);
    assert_eq!(of(&[Blocked, Rejected], REQUESTER, 1), None);
    assert_eq!(
        of(&[Blocked, Rejected, Returned], REQUESTER, 1),
        None,
        "asked to change it"
    );
    assert_eq!(
        of(&[Blocked, Rejected, Blocked], "u-19ab", 1),
        None,
        "somebody else"
    );
    assert_eq!(
        of(&[Blocked, Rejected, Blocked], REQUESTER, 7),
        None,
        "long ago"
    );
}

#[test]
fn the_same_two_reviewers_are_flagged_and_never_deadlock() {
    let by = |who: fn(i64) -> [&'static str; 2]| -> Vec<Past> {
        let releases = (1i64..).zip(past(12));
        releases
            .map(|(n, release)| Past {
                approvers: who(n).map(str::to_owned).into(),
                ..release
            })
            .collect()
    };
    let same = by(|_| ["checker-a", "checker-b"]);
    let flagged = [("AL-R001", Severity::Warn, 10, 10)];
    assert_eq!(said(&sized(same.clone(), USUAL, 4)), flagged);
    // A pair that did not approve one of the last ten.
    assert_eq!(
        said(&sized(
            by(|n| if n == 10 {
                ["checker-a", "checker-c"]
            } else {
                ["checker-a", "checker-b"]
            }),
            USUAL,
            4
        )),
        []
    );
    assert_eq!(said(&sized(same[..9].to_vec(), USUAL, 4)), []);
    let mut sim = Sim::new();
    sim.observed.history = same;
    let mut sim = sim.confirmed();
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
}

#[test]
fn imports_are_compared_with_imports() {
    let import = |n: i64, bytes| Past {
        direction: Direction::Import,
        bytes,
        ..release(n * DAY)
    };
    let found = |history: Vec<Past>, bytes| -> Vec<(String, Severity)> {
        let seen = asking(history, |o| {
            o.request.spec.direction = Direction::Import;
            let content = o.request.status.as_mut().unwrap().content.as_mut().unwrap();
            content.bytes = bytes;
        });
        signals(&seen)
            .into_iter()
            .map(|s| (s.rule, s.severity))
            .collect()
    };
    let five: Vec<Past> = (8..13).map(|n| import(n, 4 * MIB)).collect();
    let rule = |rule: &str, severity| (rule.to_owned(), severity);
    assert_eq!(found(five.clone(), 4 * MIB), []);
    assert_eq!(
        found(five.clone(), 41 * MIB),
        [
            rule("AL-G017", Severity::Hold),
            rule("AL-N004", Severity::Hold)
        ]
    );
    assert_eq!(
        found(five[1..].to_vec(), 41 * MIB),
        [
            rule("AL-G017", Severity::Warn),
            rule("AL-N004", Severity::Warn)
        ]
    );
    assert_eq!(
        found(past(20), 41 * MIB),
        [rule("AL-G017", Severity::Warn)],
        "of exports"
    );
    let transfer = asking(five, |o| {
        o.request.spec.direction = Direction::TransferToSde
    });
    assert_eq!(signals(&transfer), []);
}

/// Three of the requester's within a day.
fn busy() -> Vec<Past> {
    let mine = (1..=3).map(|n| Past {
        requester: REQUESTER.to_owned(),
        ..release(n * HOUR)
    });
    past(20).into_iter().chain(mine).collect()
}

#[test]
fn what_stands_out_is_answered_for() {
    let mut sim = Sim::new();
    sim.observed.history = busy();
    let mut sim = sim.confirmed();
    assert_eq!(
        (sim.phase(), sim.status().reason.as_deref()),
        (Phase::InReview, Some("Held"))
    );
    assert_eq!(sim.status().reviews.unwrap().held_by, ["AL-G018"]);
    assert_ne!(sim.status().findings.unwrap().digest, digest('2'));
    sim.approve("checker-a");
    sim.approve("checker-b");
    sim.observed.reviews[1].spec.answers = None;
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
    assert_eq!(sim.status().reviews.unwrap().summary, "1 of 2");
    sim.approve("checker-b");
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
}

#[test]
fn a_senior_must_look_where_a_rule_says_so() {
    let refused = (1i64..=3).map(|n| Past {
        requester: REQUESTER.to_owned(),
        released: false,
        phase: (Phase::Rejected, ago(DAY)),
        ..release((n + 1) * DAY)
    });
    let mut sim = Sim::new();
    sim.observed.history = past(20).into_iter().chain(refused).collect();
    let mut sim = sim.confirmed();
    sim.approve("checker-a");
    sim.approve("checker-c");
    sim.run();
    assert_eq!(sim.phase(), Phase::InReview);
    assert_eq!(
        sim.status().reviews.unwrap().missing_roles,
        [ReviewRole::Senior]
    );
    sim.review("checker-b", ReviewRole::Senior, ReviewDecision::Approve);
    sim.run();
    assert_eq!(sim.phase(), Phase::Released);
}

#[test]
fn it_is_frozen_with_the_findings_and_seen_anew_with_them() {
    let mut sim = Sim::new();
    sim.observed.history = busy();
    let mut sim = sim.confirmed();
    let first = sim.status();
    sim.observed.history.clear();
    sim.run();
    assert_eq!(sim.status().signals, first.signals);
    sim.observed.policy.as_mut().unwrap().approved_days += 1;
    sim.step();
    assert_eq!((sim.phase(), sim.status().signals), (Phase::Scanning, None));
    sim.run();
    assert_eq!(sim.status().submitted_at, first.submitted_at);
    let rules: Vec<String> = sim
        .status()
        .signals
        .unwrap()
        .into_iter()
        .map(|s| s.rule)
        .collect();
    assert_eq!(rules, ["AL-G017"]);
    assert_eq!(sim.status().reviews.unwrap().held_by, Vec::<String>::new());
}

#[test]
fn what_is_blocked_shows_it_too() {
    let mut sim = Sim::new();
    sim.observed.history = busy();
    sim.found = serde_json::from_value(
        json!([{"rule": "AL-G014", "severity": "Block", "files": 1, "certain": false}]),
    )
    .unwrap();
    let sim = sim.confirmed();
    assert_eq!(sim.phase(), Phase::Blocked);
    assert_eq!(sim.status().signals.unwrap()[0].rule, "AL-G018");
    assert!(matches!(next(&sim.observed), Step::Wait(_)));
}

#[test]
fn a_file_that_was_refused_is_known_again() {
    let marks = ["A", "B", "C"].map(|c| c.repeat(32));
    let of = |refused: &[usize], direction, asked: &[&String]| {
        let earlier = Past {
            fingerprints: marks.to_vec(),
            refused: refused.iter().copied().collect(),
            direction,
            ..release(DAY)
        };
        let found = signals(&asking(vec![earlier], |o| {
            let content = o.request.status.as_mut().unwrap().content.as_mut().unwrap();
            content.fingerprints = Some(asked.iter().map(|f| (*f).clone()).collect());
        }));
        let again = found.into_iter().find(|s| s.rule == "AL-G011");
        again.map(|s| (s.severity, s.unit, s.observed))
    };
    let [a, b, c] = &marks;
    let held = |files| Some((Severity::HoldSenior, SignalUnit::Files, files));
    assert_eq!(of(&[1], Direction::Export, &[a, b]), held(1));
    assert_eq!(of(&[0, 1], Direction::Export, &[a, b, b]), held(3));
    assert_eq!(
        of(&[1], Direction::Export, &[a, c]),
        None,
        "beside a refused one"
    );
    assert_eq!(
        of(&[], Direction::Export, &[a, b, c]),
        None,
        "nothing was refused"
    );
    assert_eq!(
        of(&[7], Direction::Export, &[a, b, c]),
        None,
        "no such file"
    );
    assert_eq!(of(&[1], Direction::Import, &[b]), None, "it came in");
}

#[test]
fn refused_is_all_that_was_rejected_and_what_was_named_when_it_was_returned() {
    let refused = |decision, files: Option<Vec<i64>>| {
        let mut sim = Sim::new().confirmed();
        let status = sim.observed.request.status.as_mut().unwrap();
        let marks = ["A", "B", "C", "D"].map(|c| c.repeat(32));
        status.content.as_mut().unwrap().fingerprints = Some(marks.to_vec());
        for reviewer in ["checker-a", "checker-b"] {
            sim.review(reviewer, ReviewRole::OutputChecker, decision);
            sim.observed.reviews.last_mut().unwrap().spec.refused_files = files.clone();
        }
        sim.run();
        let past = history::past(&sim.observed.request, &sim.observed.reviews).unwrap();
        (sim.phase(), past.refused.into_iter().collect::<Vec<_>>())
    };
    let rejected = refused(ReviewDecision::Reject, None);
    assert_eq!(rejected, (Phase::Rejected, vec![0, 1, 2, 3]));
    let returned = refused(ReviewDecision::Return, Some(vec![2]));
    assert_eq!(returned, (Phase::Returned, vec![2]));
}

#[test]
fn what_is_remembered_is_of_what_was_submitted() {
    let mut sim = Sim::new().confirmed();
    sim.approve("checker-a");
    sim.approve("checker-b");
    let mut draft = sim.observed.request.clone();
    draft.status.as_mut().unwrap().submitted_at = None;
    assert_eq!(history::past(&draft, &sim.observed.reviews), None);
    let undecided = history::past(&sim.observed.request, &sim.observed.reviews).unwrap();
    assert!(!undecided.released && undecided.approvers.is_empty());
    sim.run();
    let approvers = BTreeSet::from(["checker-a".to_owned(), "checker-b".to_owned()]);
    let released = history::past(&sim.observed.request, &sim.observed.reviews).unwrap();
    assert_eq!((released.released, &released.approvers), (true, &approvers));
    assert_eq!((released.bytes, released.files), (USUAL, 4));
    sim.later(30);
    sim.run();
    assert_eq!(sim.phase(), Phase::Expired);
    let over = history::past(&sim.observed.request, &sim.observed.reviews).unwrap();
    assert_eq!((over.released, over.approvers), (true, approvers));
}

fn histories() -> impl Strategy<Value = Vec<Past>> {
    let one = (1i64..40, prop::bool::ANY, 0usize..4, 1i64..400, 0usize..3);
    prop::collection::vec(one, 0..14).prop_map(|all| {
        let mut n = 0;
        all.into_iter()
            .map(|(hours, mine, phase, mib, pair)| {
                n += 1;
                let phase = [
                    Phase::Released,
                    Phase::Rejected,
                    Phase::InReview,
                    Phase::Withdrawn,
                ][phase];
                Past {
                    submitted: (ago(hours * 5 * HOUR), format!("uid-{n}")),
                    requester: if mine { REQUESTER } else { "u-19ab" }.to_owned(),
                    bytes: mib * MIB / 4,
                    phase: (phase, ago(hours * HOUR)),
                    released: phase == Phase::Released,
                    approvers: BTreeSet::from([
                        "checker-a".to_owned(),
                        format!("checker-{}", ["b", "b", "c"][pair]),
                    ]),
                    ..release(0)
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The order in which requests are read, and those that came later, change nothing; each rule is there once.
    #[test]
    fn it_depends_on_what_was_before(given in histories(), later in histories(), turn in 0usize..14) {
        let whole = signals(&asking(given.clone(), |_| {}));
        let mut other = given.clone();
        if !given.is_empty() {
            other.rotate_left(turn % given.len());
        }
        other.extend(later.into_iter().map(|p| Past { submitted: (ago(-HOUR), p.submitted.1), ..p }));
        prop_assert_eq!(&signals(&asking(other, |_| {})), &whole);
        let rules: BTreeSet<&str> = whole.iter().map(|s| s.rule.as_str()).collect();
        prop_assert_eq!(rules.len(), whole.len());
        for signal in &whole {
            let known = history::RULES.iter().find(|(rule, _)| *rule == signal.rule);
            prop_assert!(known.is_some_and(|(_, gravest)| signal.severity <= *gravest && signal.severity >= Severity::Warn));
        }
    }

    /// A policy that changes and changes back gives the same report. Reviews of before count only if just the same stands out.
    #[test]
    fn a_review_counts_for_what_stood_out_when_it_was_made(first in histories(), second in histories(), same in prop::bool::ANY) {
        let second = if same { first.clone() } else { second };
        let mut sim = Sim::new();
        sim.observed.history = first;
        let mut sim = sim.confirmed();
        let before = sim.status().signals;
        // More roles than any signal asks for.
        sim.review("checker-b", ReviewRole::Senior, ReviewDecision::Approve);
        sim.approve("checker-a");
        let reviews = std::mem::take(&mut sim.observed.reviews);
        sim.observed.policy.as_mut().unwrap().minimum_count += 1;
        sim.run();
        sim.observed.history = second;
        sim.observed.policy.as_mut().unwrap().minimum_count -= 1;
        sim.run();
        prop_assert_eq!(sim.phase(), Phase::InReview);
        sim.observed.reviews = reviews;
        let counts = tally(&sim.observed, sim.observed.policy.as_ref().unwrap()).verdict;
        let wanted = if sim.status().signals == before { Verdict::Approved } else { Verdict::Waiting };
        prop_assert_eq!(counts, wanted);
    }
}
