//! Tables of the lock: nothing is enforced unless everything was proven.

use super::*;

pub(super) const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";

pub(super) fn target(name: &str, kind: TargetKind, protocol: Protocol) -> Target {
    Target {
        name: name.into(),
        kind,
        address: "10.0.0.7".into(),
        port: 7777,
        protocol,
    }
}

pub(super) fn targets() -> Vec<Target> {
    vec![
        target("sentinel-tcp", TargetKind::Sentinel, Protocol::TCP),
        target("sentinel-udp", TargetKind::Sentinel, Protocol::UDP),
        target("api", TargetKind::ApiServer, Protocol::TCP),
        target("dns-udp", TargetKind::Dns, Protocol::UDP),
        target("metadata", TargetKind::Metadata, Protocol::TCP),
    ]
}

pub(super) fn report() -> Report {
    let results = targets()
        .into_iter()
        .map(|t| TargetResult {
            name: t.name,
            outcome: Outcome::Silent,
        })
        .collect();
    Report {
        version: REPORT_VERSION,
        pod_uid: UID.into(),
        rounds: 3,
        elapsed_ms: 2400,
        results,
        ping: SocketResult::Refused,
        raw: SocketResult::Refused,
        error: None,
    }
}

fn control() -> Control {
    Control {
        boot_id_before: Some("b1".into()),
        boot_id_after: Some("b1".into()),
        sentinel_answered_tcp: true,
        sentinel_answered_udp: true,
        nonces_seen: Some(0),
        nonces_complete: true,
        reachable: [("api".to_owned(), true), ("dns-udp".to_owned(), true)].into(),
    }
}

fn with_outcome(name: &str, outcome: Outcome) -> Report {
    let mut report = report();
    for result in &mut report.results {
        if result.name == name {
            result.outcome = outcome;
        }
    }
    report
}

fn verdict_of(judgement: &Judgement, name: &str) -> Verdict {
    judgement
        .targets
        .iter()
        .find(|t| t.name == name)
        .expect("named")
        .verdict
}

fn is_inconclusive(judgement: &Judgement) -> bool {
    matches!(judgement.enforced, Enforced::Inconclusive { .. })
}

#[test]
fn everything_proven_is_yes() {
    let judgement = judge(UID, &targets(), &report(), &control());
    assert_eq!(judgement.enforced, Enforced::Yes);
    let verdicts: Vec<_> = judgement.targets.iter().map(|t| t.verdict).collect();
    use Verdict::{Blocked, Silent};
    assert_eq!(verdicts, [Blocked, Blocked, Blocked, Blocked, Silent]);
}

#[test]
fn every_outcome_with_and_without_a_control() {
    use Outcome::*;
    use TargetKind::*;
    let cases = [
        // kind, outcome, controlled, verdict, enforced as a whole
        (Canary, Connected, false, Verdict::Open, "no"),
        (Canary, Answered, true, Verdict::Open, "no"),
        (Canary, Refused, true, Verdict::Blocked, "yes"),
        (
            Canary,
            Refused,
            false,
            Verdict::Inconclusive,
            "inconclusive",
        ),
        (Canary, Silent, true, Verdict::Blocked, "yes"),
        (Canary, Silent, false, Verdict::Silent, "yes"),
        (Canary, NoRoute, true, Verdict::Absent, "yes"),
        (Canary, NoRoute, false, Verdict::Absent, "yes"),
        (Canary, Error, true, Verdict::Inconclusive, "inconclusive"),
        (Metadata, Silent, false, Verdict::Silent, "yes"),
        (Kubelet, Silent, false, Verdict::Silent, "yes"),
        (
            Neighbour,
            Refused,
            false,
            Verdict::Inconclusive,
            "inconclusive",
        ),
        (Dns, Silent, false, Verdict::Silent, "yes"),
        (ApiServer, Silent, true, Verdict::Blocked, "yes"),
        (ApiServer, Silent, false, Verdict::Silent, "inconclusive"),
        (ApiServer, Refused, true, Verdict::Blocked, "yes"),
        (
            ApiServer,
            Refused,
            false,
            Verdict::Inconclusive,
            "inconclusive",
        ),
        (ApiServer, NoRoute, false, Verdict::Absent, "yes"),
        (ApiServer, Connected, true, Verdict::Open, "no"),
    ];
    for (kind, outcome, controlled, expected, whole) in cases {
        let mut targets = targets();
        targets.push(target("x", kind, Protocol::TCP));
        let mut report = report();
        report.results.push(TargetResult {
            name: "x".into(),
            outcome,
        });
        let mut control = control();
        control.reachable.insert("x".into(), controlled);
        let judgement = judge(UID, &targets, &report, &control);
        assert_eq!(
            verdict_of(&judgement, "x"),
            expected,
            "{kind:?} {outcome:?} {controlled}"
        );
        let actual = match &judgement.enforced {
            Enforced::Yes => "yes",
            Enforced::No { open } => {
                assert_eq!(open, &["x"]);
                "no"
            }
            Enforced::Inconclusive { why } => {
                assert!(why.contains('x'), "{why}");
                "inconclusive"
            }
        };
        assert_eq!(actual, whole, "{kind:?} {outcome:?} {controlled}");
    }
}

#[test]
fn no_route_to_the_sentinel_is_not_enough() {
    for name in ["sentinel-tcp", "sentinel-udp"] {
        let report = with_outcome(name, Outcome::NoRoute);
        let judgement = judge(UID, &targets(), &report, &control());
        assert_eq!(verdict_of(&judgement, name), Verdict::Absent);
        assert!(is_inconclusive(&judgement), "{name}");
    }
}

#[test]
fn a_second_sentinel_address_may_be_absent_but_not_uncontrolled() {
    let mut targets = targets();
    targets.push(target("sentinel-v6", TargetKind::Sentinel, Protocol::TCP));
    for (outcome, reachable, yes) in [
        (Outcome::NoRoute, Some(false), true),
        (Outcome::Silent, Some(false), false),
        (Outcome::Silent, Some(true), true),
        (Outcome::Silent, None, true),
    ] {
        let mut report = report();
        report.results.push(TargetResult {
            name: "sentinel-v6".into(),
            outcome,
        });
        let mut control = control();
        if let Some(reachable) = reachable {
            control.reachable.insert("sentinel-v6".into(), reachable);
        }
        let judgement = judge(UID, &targets, &report, &control);
        assert_eq!(
            judgement.enforced == Enforced::Yes,
            yes,
            "{outcome:?} {reachable:?}"
        );
    }
}

/// Changes one thing of a perfect proof.
type Break = fn(&mut Vec<Target>, &mut Report, &mut Control);

#[test]
fn one_thing_missing_is_inconclusive() {
    let breaks: &[(&str, Break)] = &[
        ("no boot id before", |_, _, c| c.boot_id_before = None),
        ("no boot id after", |_, _, c| c.boot_id_after = None),
        ("boot id changed", |_, _, c| {
            c.boot_id_after = Some("b2".into())
        }),
        ("boot id empty", |_, _, c| {
            (c.boot_id_before, c.boot_id_after) = (Some(String::new()), Some(String::new()));
        }),
        ("no TCP answer", |_, _, c| c.sentinel_answered_tcp = false),
        ("no UDP answer", |_, _, c| c.sentinel_answered_udp = false),
        ("nonces unknown", |_, _, c| c.nonces_seen = None),
        ("sentinel forgot", |_, _, c| c.nonces_complete = false),
        ("nothing known", |_, _, c| *c = Control::default()),
        ("sentinel unreachable", |_, _, c| {
            c.reachable.insert("sentinel-tcp".into(), false);
        }),
        ("another pod", |_, r, _| r.pod_uid = "other".into()),
        ("no pod", |_, r, _| r.pod_uid = String::new()),
        ("version", |_, r, _| r.version = 2),
        ("error", |_, r, _| r.error = Some("x".into())),
        ("no rounds", |_, r, _| r.rounds = 0),
        ("one round", |_, r, _| r.rounds = 1),
        ("ping unknown", |_, r, _| r.ping = SocketResult::Error),
        ("raw unknown", |_, r, _| r.raw = SocketResult::Error),
        ("raw silent", |_, r, _| r.raw = SocketResult::Silent),
        ("result missing", |_, r, _| {
            r.results.pop();
        }),
        ("no results", |_, r, _| r.results.clear()),
        ("result twice", |_, r, _| {
            r.results.push(r.results[0].clone())
        }),
        ("result unasked", |_, r, _| {
            r.results.push(TargetResult {
                name: "zz".into(),
                outcome: Outcome::Silent,
            });
        }),
        ("no targets", |t, r, _| {
            t.clear();
            r.results.clear();
        }),
        ("no sentinel", |t, r, _| {
            t.drain(..2);
            r.results.drain(..2);
        }),
        ("no UDP sentinel", |t, r, _| {
            t.remove(1);
            r.results.remove(1);
        }),
        ("target twice", |t, _, _| t.push(t[0].clone())),
    ];
    for (name, break_it) in breaks {
        let (mut targets, mut report, mut control) = (targets(), report(), control());
        break_it(&mut targets, &mut report, &mut control);
        let judgement = judge(UID, &targets, &report, &control);
        assert!(
            is_inconclusive(&judgement),
            "{name}: {:?}",
            judgement.enforced
        );
        assert_eq!(judgement.targets.len(), targets.len());
    }
    let empty_uid = judge(
        "",
        &targets(),
        &Report {
            pod_uid: String::new(),
            ..report()
        },
        &control(),
    );
    assert!(is_inconclusive(&empty_uid));
}

#[test]
fn a_sign_of_openness_is_no_even_when_the_rest_is_missing() {
    let cases: &[(&str, Break)] = &[
        (OPEN_NONCE, |_, _, c| c.nonces_seen = Some(1)),
        (OPEN_NONCE, |_, _, c| {
            *c = Control {
                nonces_seen: Some(9),
                ..Control::default()
            }
        }),
        (OPEN_NONCE, |_, r, c| {
            r.pod_uid = "other".into();
            c.nonces_seen = Some(1);
        }),
        (OPEN_PING, |_, r, _| r.ping = SocketResult::Open),
        (OPEN_RAW, |_, r, c| {
            r.raw = SocketResult::Open;
            *c = Control::default();
        }),
        ("api", |_, r, c| {
            r.results[2].outcome = Outcome::Answered;
            *c = Control::default();
        }),
        ("zz", |_, r, _| {
            r.results.push(TargetResult {
                name: "zz".into(),
                outcome: Outcome::Connected,
            });
        }),
    ];
    for (open, break_it) in cases {
        let (mut targets, mut report, mut control) = (targets(), report(), control());
        break_it(&mut targets, &mut report, &mut control);
        let judgement = judge(UID, &targets, &report, &control);
        assert_eq!(
            judgement.enforced,
            Enforced::No {
                open: vec![(*open).to_owned()]
            }
        );
    }
}

#[test]
fn an_open_result_of_another_pod_proves_nothing_about_this_one() {
    let mut report = with_outcome("api", Outcome::Connected);
    report.pod_uid = "other".into();
    let judgement = judge(UID, &targets(), &report, &control());
    assert!(is_inconclusive(&judgement));
    assert!(
        judgement
            .targets
            .iter()
            .all(|t| t.verdict == Verdict::Inconclusive)
    );
}

#[test]
fn real_icmp_without_a_reply_is_accepted() {
    let report = Report {
        ping: SocketResult::Silent,
        ..report()
    };
    assert_eq!(
        judge(UID, &targets(), &report, &control()).enforced,
        Enforced::Yes
    );
}

#[test]
fn reasons_are_bounded() {
    let judgement = judge(
        UID,
        &targets(),
        &Report::failed("", "x"),
        &Control::default(),
    );
    let Enforced::Inconclusive { why } = judgement.enforced else {
        panic!("proven?")
    };
    assert!(why.contains("and ") && why.len() < 400, "{why}");
}
