//! Targets, reports and wire lines: validated, compact, and within their limits.

use super::tests::{UID, report, target, targets};
use super::*;

#[test]
fn the_largest_report_fits_a_termination_message() {
    let name = |i: usize| format!("{i:0>width$}", width = NAME_MAX);
    let report = Report {
        pod_uid: "u".repeat(64),
        rounds: u32::MAX,
        elapsed_ms: u64::MAX,
        results: (0..MAX_TARGETS)
            .map(|i| TargetResult {
                name: name(i),
                outcome: Outcome::Connected,
            })
            .collect(),
        ..report()
    };
    let message = report.to_message().expect("fits");
    assert!(
        message.len() <= TERMINATION_MESSAGE_MAX,
        "{}",
        message.len()
    );
    assert_eq!(Report::parse(&message), Ok(report));

    let mut too_long = Report::parse(&message).expect("parses");
    too_long.results.extend(too_long.results.clone());
    assert!(matches!(
        too_long.to_message(),
        Err(ReportError::TooLong(_))
    ));
}

#[test]
fn a_report_is_compact_and_an_unknown_version_is_refused() {
    let one = Report {
        results: report().results[..1].to_vec(),
        ..report()
    };
    let json = one.to_message().expect("fits");
    assert_eq!(
        json,
        format!(
            r#"{{"v":1,"uid":"{UID}","rounds":3,"ms":2400,"r":[{{"n":"sentinel-tcp","o":"Silent"}}],"ping":"Refused","raw":"Refused"}}"#
        )
    );
    assert_eq!(
        Report::parse(&json.replace("\"v\":1", "\"v\":2")),
        Err(ReportError::Version(2))
    );
    assert!(matches!(
        Report::parse(&json[..json.len() - 9]),
        Err(ReportError::Json(_))
    ));
    assert!(matches!(Report::parse(""), Err(ReportError::Json(_))));
}

#[test]
fn a_failed_report_is_short_whatever_it_is_told() {
    let report = Report::failed(&"x".repeat(9999), &"\u{1}\"é".repeat(9999));
    assert_eq!(report.pod_uid, "");
    assert!(report.to_message().expect("fits").len() < 1024);
    assert!(Report::failed(UID, "why").pod_uid == UID);
}

#[test]
fn targets_are_validated() {
    let ok = targets();
    let json = serde_json::to_string(&ok).expect("json");
    assert!(
        json.contains(r#""kind":"Sentinel","address":"10.0.0.7","port":7777,"protocol":"TCP""#)
    );
    assert_eq!(parse_targets(&json), Ok(ok.clone()));
    assert!(matches!(
        parse_targets("nonsense"),
        Err(TargetError::Json(_))
    ));
    assert_eq!(parse_targets("[]"), Err(TargetError::Empty));

    let change = |f: fn(&mut Target)| {
        let mut list = targets();
        f(&mut list[1]);
        validate_targets(&list)
    };
    let named = || "sentinel-udp".to_owned();
    assert_eq!(
        change(|t| t.name = String::new()),
        Err(TargetError::Name(1))
    );
    assert_eq!(change(|t| t.name = "a b".into()), Err(TargetError::Name(1)));
    assert_eq!(change(|t| t.name = "é".into()), Err(TargetError::Name(1)));
    assert_eq!(
        change(|t| t.name = "n".repeat(64)),
        Err(TargetError::Name(1))
    );
    assert_eq!(
        change(|t| t.name = "sentinel-tcp".into()),
        Err(TargetError::Duplicate("sentinel-tcp".into()))
    );
    assert_eq!(
        change(|t| t.address = "example.org".into()),
        Err(TargetError::Address(named()))
    );
    assert_eq!(
        change(|t| t.address = "10.0.0.7:80".into()),
        Err(TargetError::Address(named()))
    );
    assert_eq!(change(|t| t.port = 0), Err(TargetError::Port(named())));
    assert_eq!(change(|t| t.address = "fd00:ec2::254".into()), Ok(()));
    let many: Vec<_> = (0..=MAX_TARGETS)
        .map(|i| target(&format!("t{i}"), TargetKind::Canary, Protocol::TCP))
        .collect();
    assert_eq!(
        validate_targets(&many),
        Err(TargetError::TooMany(MAX_TARGETS + 1))
    );
    assert_eq!(validate_targets(&many[..MAX_TARGETS]), Ok(()));
}

#[test]
fn wire_lines() {
    let line = probe_line(UID, "sentinel-tcp");
    assert_eq!(line, format!("sde-probe/1 {UID} sentinel-tcp\n"));
    assert_eq!(
        parse_probe_line(line.as_bytes()),
        Some((UID, "sentinel-tcp"))
    );
    assert_eq!(parse_answer_line(answer_line("b1").as_bytes()), Some("b1"));
    for bad in [
        &b"sde-probe/1 a b"[..],
        b"sde-probe/2 a b\n",
        b"sde-probe/1 a\n",
        b"sde-probe/1  b\n",
        b"sde-probe/1 a \n",
        b"sde-probe/1 a b c\n",
        b"sde-probe/1 a/b c\n",
        b"\xff\xfe\n",
        b"",
    ] {
        assert_eq!(
            parse_probe_line(bad),
            None,
            "{}",
            String::from_utf8_lossy(bad)
        );
    }
    for bad in [
        &b"sde-sentinel/1 b1"[..],
        b"sde-sentinel/1 \n",
        b"HTTP/1.1 400\n",
        b"",
    ] {
        assert_eq!(parse_answer_line(bad), None);
    }
    let longest = probe_line(&"u".repeat(64), &"n".repeat(NAME_MAX));
    assert!(longest.len() <= MAX_LINE);
}

#[test]
fn dns_targets_get_a_dns_query_and_the_others_the_nonce() {
    let udp = payload(UID, &target("d", TargetKind::Dns, Protocol::UDP));
    assert_eq!(udp.len(), 17);
    assert_eq!(udp[4..6], [0, 1]);
    let tcp = payload(UID, &target("d", TargetKind::Dns, Protocol::TCP));
    assert_eq!((&tcp[..2], &tcp[2..]), (&[0, 17][..], &udp[..]));
    let line = payload(UID, &target("c", TargetKind::Canary, Protocol::UDP));
    assert_eq!(line, probe_line(UID, "c").into_bytes());
}

#[test]
fn an_old_sentinel_answer_without_complete_is_incomplete() {
    let json = r#"{"bootId":"b","podUid":"u","count":0,"first":null,"last":null}"#;
    let seen: Seen = serde_json::from_str(json).expect("parses");
    assert!(!seen.complete);
}
