//! What airlock jobs say: golden, within a termination message at its largest, and nothing else counts.

use proptest::prelude::*;
use sde_core::airlock::malware::Unscanned;
use sde_core::airlock::report::{
    MAX_FILES, MAX_RULES, Matched, Refusal, Report, ReportError, Said, Scanned, Sealed, parse,
    salted_digest,
};
use sde_core::airlock::{Delivered, JobKind, Outcome};
use sde_core::lock::TERMINATION_MESSAGE_MAX;
use sde_crds::airlock_status::Severity;

const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";
const KINDS: [JobKind; 6] = JobKind::ALL;

fn digest(digit: char) -> String {
    format!("v1:sha256:{}", String::from(digit).repeat(64))
}

fn sealed() -> Said {
    Said::Sealed(Sealed {
        recipient: None,
        fingerprints: Vec::new(),
        digest: digest('a'),
        files: 3,
        bytes: 4711,
    })
}

fn scanned(rules: usize) -> Scanned {
    Scanned {
        digest: digest('b'),
        content_digest: digest('a'),
        policy_digest: digest('c'),
        rules: (0..rules)
            .map(|i| Matched {
                rule: format!("AL-G{i:03}"),
                severity: Severity::HoldSenior,
                files: MAX_FILES,
                certain: false,
            })
            .collect(),
    }
}

fn message(result: Said) -> String {
    Report::new(UID, result).to_message().unwrap()
}

#[test]
fn reports_are_as_agreed() {
    let one = |s: &str| format!(r#"{{"version":1,"podUid":"{UID}","result":{s}}}"#);
    let (a, b, c) = (digest('a'), digest('b'), digest('c'));
    assert_eq!(
        message(sealed()),
        one(&format!(
            r#"{{"sealed":{{"digest":"{a}","files":3,"bytes":4711}}}}"#
        ))
    );
    assert_eq!(
        message(Said::Refused(Refusal::SymbolicLink)),
        one(r#"{"refused":"SymbolicLink"}"#)
    );
    assert_eq!(
        message(Said::Scanned(scanned(1))),
        one(&format!(
            r#"{{"scanned":{{"digest":"{b}","contentDigest":"{a}","policyDigest":"{c}","rules":[{{"r":"AL-G000","s":"HoldSenior","n":50,"c":false}}]}}}}"#
        ))
    );
    assert_eq!(
        message(Said::Verified(a.clone())),
        one(&format!(r#"{{"verified":"{a}"}}"#))
    );
    assert_eq!(
        message(Said::Failed("why".into())),
        one(r#"{"failed":"why"}"#)
    );
}

fn delivered() -> Delivered {
    Delivered {
        bytes: 10_240,
        sha256: "e".repeat(64),
        complete: true,
        door_bytes: Some(10_240),
        door_sha256: Some("e".repeat(64)),
        ticket: Some("0123456789abcdef".to_owned()),
    }
}

#[test]
fn each_kind_of_job_has_its_results_and_no_other_counts() {
    let says = [
        (sealed(), Some(JobKind::Seal)),
        (Said::Refused(Refusal::Changed), Some(JobKind::Seal)),
        (Said::Scanned(scanned(2)), Some(JobKind::Scan)),
        (
            Said::Unscanned(Unscanned::SignaturesTooOld),
            Some(JobKind::Scan),
        ),
        (Said::Verified(digest('d')), Some(JobKind::Verify)),
        (Said::Delivered(delivered()), Some(JobKind::Deliver)),
        (Said::Failed("no".into()), None),
    ];
    for (said, of) in says {
        let message = message(said);
        for kind in KINDS {
            let outcome = parse(message.as_bytes(), UID, kind);
            assert_eq!(outcome != Outcome::Lost, of == Some(kind), "{message}");
        }
    }
    let outcome = parse(message(sealed()).as_bytes(), UID, JobKind::Seal);
    let Outcome::Sealed(content) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (content.digest, content.files, content.bytes),
        (digest('a'), 3, 4711)
    );
    let outcome = parse(
        message(Said::Scanned(scanned(2))).as_bytes(),
        UID,
        JobKind::Scan,
    );
    let Outcome::Scanned(findings) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(findings.content_digest, digest('a'));
    assert_eq!(findings.policy_digest, digest('c'));
    assert_eq!(findings.rules[1].rule, "AL-G001");
    assert_eq!(findings.rules[1].severity, Severity::HoldSenior);
}

#[test]
fn the_largest_report_fits_a_termination_message() {
    let longest = "u".repeat(64);
    let report = Report::new(&longest, Said::Scanned(scanned(MAX_RULES)));
    let text = report.to_message().unwrap();
    assert!(text.len() <= TERMINATION_MESSAGE_MAX, "{}", text.len());
    assert_eq!(Report::parse(text.as_bytes(), &longest), Ok(report));

    let over = Report::new(&longest, Said::Scanned(scanned(MAX_RULES + 20)));
    assert!(matches!(over.to_message(), Err(ReportError::TooLong(_))));
    let one_more = message(Said::Scanned(scanned(MAX_RULES + 1)));
    assert_eq!(
        parse(one_more.as_bytes(), UID, JobKind::Scan),
        Outcome::Lost
    );
}

#[test]
fn a_failure_is_short_whatever_it_is_told() {
    let report = Report::failed(&"x".repeat(9999), &"\u{1}\"é".repeat(9999));
    assert_eq!(report.pod_uid, "");
    assert!(report.to_message().unwrap().len() < 1024);
    assert_eq!(Report::failed(UID, "why").pod_uid, UID);
}

#[test]
fn what_no_job_can_say_is_lost() {
    let lost = |message: &str, kind| {
        assert_eq!(
            parse(message.as_bytes(), UID, kind),
            Outcome::Lost,
            "{message}"
        );
    };
    let good = message(sealed());
    assert_ne!(parse(good.as_bytes(), UID, JobKind::Seal), Outcome::Lost);
    lost("", JobKind::Seal);
    lost(&good[..good.len() - 1], JobKind::Seal);
    lost(&format!("{good} {{}}"), JobKind::Seal);
    lost(
        &good.replace("\"version\":1", "\"version\":2"),
        JobKind::Seal,
    );
    lost(&good.replace("\"version\":1,", ""), JobKind::Seal);
    lost(&good.replace(UID, "another-pod"), JobKind::Seal);
    lost(&good.replace("\"files\":3", "\"files\":51"), JobKind::Seal);
    lost(&good.replace("\"files\":3", "\"files\":0"), JobKind::Seal);
    lost(
        &good.replace("\"files\":3", "\"files\":3,\"x\":1"),
        JobKind::Seal,
    );
    lost(
        &good.replace("\"files\":3", "\"files\":3,\"files\":3"),
        JobKind::Seal,
    );
    lost(&good.replace("4711", "9223372036854775808"), JobKind::Seal);
    lost(&good.replace("v1:sha256:a", "v1:sha256:A"), JobKind::Seal);
    lost(&good.replace("v1:sha256:a", "sha256:a"), JobKind::Seal);
    lost(
        &format!("{good}{}", " ".repeat(TERMINATION_MESSAGE_MAX)),
        JobKind::Seal,
    );
    // A fingerprint for each file, or none.
    let marked = |marks: usize, mark: &str| {
        message(Said::Sealed(Sealed {
            fingerprints: vec![mark.to_owned(); marks],
            digest: digest('a'),
            files: 3,
            bytes: 4711,
            recipient: None,
        }))
    };
    let mark = "A".repeat(32);
    let good_marks = marked(3, &mark);
    assert_ne!(
        parse(good_marks.as_bytes(), UID, JobKind::Seal),
        Outcome::Lost
    );
    lost(&marked(2, &mark), JobKind::Seal);
    lost(&marked(3, &mark[1..]), JobKind::Seal);
    lost(&marked(3, &"a".repeat(32)), JobKind::Seal);
    // Without a UID to compare with, no pod's word counts.
    let nameless = good.replace(UID, "");
    assert_eq!(parse(nameless.as_bytes(), "", JobKind::Seal), Outcome::Lost);

    let found = message(Said::Scanned(scanned(2)));
    assert_ne!(parse(found.as_bytes(), UID, JobKind::Scan), Outcome::Lost);
    lost(&found.replace("AL-G001", "AL-G000"), JobKind::Scan);
    lost(&found.replace("AL-G001", "AL-G01"), JobKind::Scan);
    lost(&found.replace("AL-G001", "al-g001"), JobKind::Scan);
    lost(&found.replace("\"n\":50", "\"n\":51"), JobKind::Scan);
    lost(&found.replace("\"n\":50", "\"n\":0"), JobKind::Scan);
    lost(&found.replace("HoldSenior", "Fine"), JobKind::Scan);
    lost(&found.replace(&digest('c'), ""), JobKind::Scan);
    lost(
        &message(Said::Verified("sha256:00".into())),
        JobKind::Verify,
    );
    // Nobody has confirmed it, nobody fetched it, and no hash.
    for wrong in [
        Delivered {
            door_bytes: None,
            ..delivered()
        },
        Delivered {
            ticket: None,
            ..delivered()
        },
        Delivered {
            sha256: "00".to_owned(),
            ..delivered()
        },
    ] {
        lost(&message(Said::Delivered(wrong)), JobKind::Deliver);
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let all = [
        Refusal::Empty,
        Refusal::SymbolicLink,
        Refusal::HardLink,
        Refusal::SpecialFile,
        Refusal::TooManyFiles,
        Refusal::TooManyBytes,
        Refusal::Name,
        Refusal::Unreadable,
        Refusal::Changed,
    ];
    for refusal in all {
        let advice = refusal.advice();
        assert!(advice.ends_with('.') && advice.len() < 160, "{advice}");
    }
}

#[test]
fn a_digest_is_salted_and_stock_tools_agree() {
    // printf 'a-uid\n{}' | sha256sum
    assert_eq!(
        salted_digest("a-uid", b"{}"),
        "v1:sha256:8f8b4ec4f60a4d33211d02780aec2d76f571b2e0ab2b9b09008ba06d99462507"
    );
    assert_ne!(salted_digest("a-uid", b"{}"), salted_digest("b-uid", b"{}"));
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![
        Severity::Info,
        Severity::Warn,
        Severity::Hold,
        Severity::HoldSenior,
        Severity::Block,
    ])
}

fn said() -> impl Strategy<Value = Said> {
    let digest = || "v1:sha256:[0-9a-f]{64}";
    let rules = prop::collection::btree_map(
        "AL-[A-Z][0-9]{3}",
        (severity(), 1..=MAX_FILES, any::<bool>()),
        0..=MAX_RULES,
    );
    prop_oneof![
        (digest(), 1..=MAX_FILES, 0..=i64::MAX as u64).prop_map(|(digest, files, bytes)| {
            Said::Sealed(Sealed {
                recipient: None,
                fingerprints: Vec::new(),
                digest,
                files,
                bytes,
            })
        }),
        (digest(), digest(), digest(), rules).prop_map(
            |(digest, content_digest, policy_digest, rules)| {
                let rules = rules
                    .into_iter()
                    .map(|(rule, (severity, files, certain))| Matched {
                        rule,
                        severity,
                        files,
                        certain,
                    });
                Said::Scanned(Scanned {
                    digest,
                    content_digest,
                    policy_digest,
                    rules: rules.collect(),
                })
            }
        ),
        digest().prop_map(Said::Verified),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_a_job_says_arrives(uid in "[a-z0-9-]{1,64}", said in said()) {
        let report = Report::new(&uid, said);
        let message = report.to_message().unwrap();
        prop_assert!(message.len() <= TERMINATION_MESSAGE_MAX);
        prop_assert_eq!(Report::parse(message.as_bytes(), &uid), Ok(report));
    }

    #[test]
    fn a_damaged_report_says_nothing_else(said in said(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = message(said).into_bytes();
        let at = at.index(bytes.len());
        bytes.truncate(at);
        for kind in KINDS {
            prop_assert_eq!(parse(&bytes, UID, kind), Outcome::Lost);
        }
        bytes.push(byte);
        let _ = parse(&bytes, UID, JobKind::Scan);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        for kind in KINDS {
            prop_assert_eq!(parse(&bytes, UID, kind), Outcome::Lost);
        }
    }
}
