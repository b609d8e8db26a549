//! Properties of the lock over generated proofs: knowing less never opens anything.

use super::tests::{UID, target};
use super::*;
use proptest::prelude::*;

fn any_outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::*;
    // Mostly closed, so that Yes is reached often enough to mean something.
    prop_oneof![
        1 => Just(Connected), 1 => Just(Answered), 4 => Just(Refused),
        12 => Just(Silent), 4 => Just(NoRoute), 1 => Just(Error),
    ]
}

fn any_socket() -> impl Strategy<Value = SocketResult> {
    use SocketResult::*;
    prop_oneof![12 => Just(Refused), 2 => Just(Silent), 1 => Just(Open), 1 => Just(Error)]
}

fn mostly(value: bool) -> impl Strategy<Value = bool> {
    prop_oneof![9 => Just(value), 1 => Just(!value)]
}

fn any_case() -> impl Strategy<Value = (Vec<Target>, Report, Control)> {
    use TargetKind::*;
    let kind = prop_oneof![
        Just(ApiServer),
        Just(Dns),
        Just(Metadata),
        Just(Kubelet),
        Just(Neighbour),
        Just(Canary)
    ];
    let protocol = prop_oneof![Just(Protocol::TCP), Just(Protocol::UDP)];
    let extra = proptest::collection::vec((kind, protocol, mostly(true)), 0..6);
    let sentinels = (mostly(true), mostly(true));
    let boots = (proptest::option::weighted(0.95, "b[12]{1}"), mostly(true));
    let answered = (mostly(true), mostly(true), mostly(true));
    let nonces = proptest::option::weighted(0.95, prop_oneof![9 => Just(0u64), 1 => 1..9u64]);
    let rest = (
        mostly(true),
        0..6u32,
        any_socket(),
        any_socket(),
        mostly(false),
    );
    (extra, sentinels, boots, answered, nonces, rest)
        .prop_flat_map(|(extra, sentinels, boots, answered, nonces, rest)| {
            let mut targets = Vec::new();
            let mut reachable = std::collections::BTreeMap::new();
            if sentinels.0 {
                targets.push(target("s-tcp", Sentinel, Protocol::TCP));
            }
            if sentinels.1 {
                targets.push(target("s-udp", Sentinel, Protocol::UDP));
            }
            for (i, (kind, protocol, reach)) in extra.into_iter().enumerate() {
                reachable.insert(format!("x{i}"), reach);
                targets.push(target(&format!("x{i}"), kind, protocol));
            }
            let control = Control {
                boot_id_after: if boots.1 {
                    boots.0.clone()
                } else {
                    Some("other".into())
                },
                boot_id_before: boots.0,
                sentinel_answered_tcp: answered.0,
                sentinel_answered_udp: answered.1,
                nonces_seen: nonces,
                nonces_complete: answered.2,
                reachable,
            };
            let outcomes = proptest::collection::vec(any_outcome(), targets.len());
            (
                Just(targets),
                Just(control),
                Just(rest),
                outcomes,
                mostly(true),
            )
        })
        .prop_map(|(targets, control, rest, outcomes, all)| {
            let mut results: Vec<_> = targets
                .iter()
                .zip(outcomes)
                .map(|(t, outcome)| TargetResult {
                    name: t.name.clone(),
                    outcome,
                })
                .collect();
            if !all {
                results.pop();
            }
            let report = Report {
                version: REPORT_VERSION,
                pod_uid: if rest.0 { UID.into() } else { "other".into() },
                rounds: rest.1,
                elapsed_ms: 1,
                results,
                ping: rest.2,
                raw: rest.3,
                error: rest.4.then(|| "e".to_owned()),
            };
            (targets, report, control)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    /// Yes implies every single part of the proof, stated here independently of `judge`.
    #[test]
    fn yes_needs_everything((targets, report, control) in any_case()) {
        let judgement = judge(UID, &targets, &report, &control);
        prop_assert_eq!(judgement.targets.len(), targets.len());
        if judgement.enforced == Enforced::Yes {
            prop_assert_eq!(report.pod_uid.as_str(), UID);
            prop_assert!(report.rounds >= 2 && report.error.is_none());
            prop_assert_eq!(report.raw, SocketResult::Refused);
            prop_assert!(matches!(report.ping, SocketResult::Refused | SocketResult::Silent));
            prop_assert!(control.boot_id_before.is_some());
            prop_assert_eq!(&control.boot_id_before, &control.boot_id_after);
            prop_assert!(control.sentinel_answered_tcp && control.sentinel_answered_udp);
            prop_assert_eq!(control.nonces_seen, Some(0));
            prop_assert!(control.nonces_complete);
            for protocol in [Protocol::TCP, Protocol::UDP] {
                prop_assert!(targets.iter().any(|t| t.kind == TargetKind::Sentinel
                    && t.protocol == protocol
                    && report.results.iter().any(|r| r.name == t.name
                        && matches!(r.outcome, Outcome::Silent | Outcome::Refused))));
            }
            for target in &targets {
                let results: Vec<_> =
                    report.results.iter().filter(|r| r.name == target.name).collect();
                prop_assert_eq!(results.len(), 1);
                let reached = control.reachable.get(&target.name) == Some(&true);
                match results[0].outcome {
                    Outcome::NoRoute => {}
                    Outcome::Silent => prop_assert!(
                        target.kind != TargetKind::ApiServer || reached),
                    Outcome::Refused => prop_assert!(
                        target.kind == TargetKind::Sentinel || reached),
                    other => prop_assert!(false, "{other:?} in a Yes"),
                }
            }
        }
    }

    /// No is said exactly when something was seen to be open, and names it.
    #[test]
    fn no_means_something_open((targets, report, control) in any_case()) {
        let ours = report.pod_uid == UID;
        let open = control.nonces_seen.is_some_and(|n| n > 0)
            || ours && (report.ping == SocketResult::Open
                || report.raw == SocketResult::Open
                || report.results.iter().any(|r| r.outcome.is_open()));
        match judge(UID, &targets, &report, &control).enforced {
            Enforced::No { open: names } => prop_assert!(open && !names.is_empty()),
            other => prop_assert!(!open, "{other:?}"),
        }
    }

    /// Knowing less, or a worse outcome, never turns anything into Yes.
    #[test]
    fn losing_evidence_never_helps((targets, report, control) in any_case(), which in 0..5usize) {
        let before = judge(UID, &targets, &report, &control);
        let mut control = control;
        let mut report = report;
        match which {
            0 => control.boot_id_after = None,
            1 => control.nonces_seen = None,
            2 => control.reachable.clear(),
            3 => { report.results.pop(); }
            _ => if let Some(r) = report.results.first_mut() { r.outcome = Outcome::Error },
        }
        let after = judge(UID, &targets, &report, &control);
        if before.enforced != Enforced::Yes {
            // Dropping an open result may hide that it is open, but cannot prove the lock.
            prop_assert!(after.enforced != Enforced::Yes);
        }
    }

    #[test]
    fn wire_parsers_take_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some((uid, name)) = parse_probe_line(&bytes) {
            let line = probe_line(uid, name).into_bytes();
            prop_assert_eq!(line, bytes.clone());
        }
        if let Some(id) = parse_answer_line(&bytes) {
            prop_assert_eq!(answer_line(id).into_bytes(), bytes);
        }
    }
}

/// The generator above reaches all three answers, so its properties are not empty.
#[test]
fn the_generator_reaches_every_answer() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = [0usize; 3];
    for _ in 0..4000 {
        let case = any_case().new_tree(&mut runner).expect("tree").current();
        match judge(UID, &case.0, &case.1, &case.2).enforced {
            Enforced::Yes => counts[0] += 1,
            Enforced::No { .. } => counts[1] += 1,
            Enforced::Inconclusive { .. } => counts[2] += 1,
        }
    }
    assert!(counts.iter().all(|c| *c > 20), "{counts:?}");
}
