//! Every check can fail, and what failed is named; the verified text is pinned.

use super::*;
use crate::fixtures::{attestation, key, other_key, public_pem};

fn changed(bundle: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(bundle.contains(from), "{from} is not in the bundle");
    bundle.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_good_attestation_is_verified() {
    let a = attestation();
    let v = verify(
        a.bundle_json.as_bytes(),
        a.evidence_json.as_bytes(),
        &public_pem(&key()),
    );
    assert!(v.verified, "{:?}", v.error);
    insta::assert_snapshot!(render(&v, Paint(false)));
    let json = serde_json::to_value(&v).unwrap();
    assert_eq!(json["checks"].as_array().unwrap().len(), CHECKS.len());
    assert_eq!(
        json["statement"]["_type"],
        "https://in-toto.io/Statement/v1"
    );
}

#[test]
fn what_failed_is_named_and_nothing_after_it_is_claimed() {
    let a = attestation();
    let (bundle, evidence, pem) = (
        a.bundle_json.as_bytes(),
        a.evidence_json.as_bytes(),
        public_pem(&key()),
    );
    let mut more = a.evidence_json.clone().into_bytes();
    more.push(b' ');
    let cases = [
        (0, verify(bundle, evidence, "no key")),
        (1, verify(b"{}", evidence, &pem)),
        (
            2,
            verify(
                &changed(&a.bundle_json, "application/vnd.in-toto+json", "text/plain"),
                evidence,
                &pem,
            ),
        ),
        (3, verify(bundle, evidence, &public_pem(&other_key()))),
        (7, verify(bundle, &more, &pem)),
    ];
    for (at, v) in cases {
        assert!(!v.verified);
        assert_eq!(v.checks[at].result, CheckResult::Failed, "{:?}", v.error);
        assert!(
            v.checks[..at]
                .iter()
                .all(|c| c.result == CheckResult::Passed)
        );
        assert!(
            v.checks[at + 1..]
                .iter()
                .all(|c| c.result == CheckResult::NotReached)
        );
        assert!(render(&v, Paint(false)).contains("NOT VERIFIED: "));
        assert!(v.statement.is_none() && v.summary.is_empty());
    }
}

#[test]
fn a_changed_byte_of_the_statement_fails_the_signature() {
    let a = attestation();
    let mut bundle: serde_json::Value = serde_json::from_str(&a.bundle_json).unwrap();
    let payload = bundle["dsseEnvelope"]["payload"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = if payload.as_bytes()[8] == b'A' {
        "B"
    } else {
        "A"
    };
    bundle["dsseEnvelope"]["payload"] = format!("{}{other}{}", &payload[..8], &payload[9..]).into();
    let v = verify(
        bundle.to_string().as_bytes(),
        a.evidence_json.as_bytes(),
        &public_pem(&key()),
    );
    assert_eq!(v.checks[4].result, CheckResult::Failed);
}

#[test]
fn a_receipt_is_verified_without_evidence() {
    let key = sde_evidence::SigningKey::generate(|bytes| bytes.fill(7)).unwrap();
    let public = key.verifying_key().to_spki_pem().unwrap();
    let pseudonyms = sde_evidence::PseudonymKey::new(&[9; 32]).unwrap();
    let receipt: sde_evidence::Receipt = serde_json::from_value(serde_json::json!({
        "event": "Rejected", "at": "2027-03-02T10:00:00Z", "reason": "Rejected",
        "request": {
            "project": "prj-4f2c", "projectUID": "11111111-1111-4111-8111-111111111111", "name": "penetrance-tables",
            "uid": "33333333-3333-4333-8333-333333333333", "direction": "Export", "requester": pseudonyms.pseudonym("u-7c1e"),
        },
        "content": {"digest": sde_evidence::sha256(b"manifest"), "files": 4, "bytes": 48213},
        "processDigest": sde_evidence::sha256(b"process"),
        "reviews": [{
            "reviewer": pseudonyms.pseudonym("checker-a"), "role": "OutputChecker", "decision": "Reject",
            "reason": "SmallCounts", "review": "uid-1",
        }],
    }))
    .unwrap();
    let bundle = sde_evidence::sign_receipt(receipt, &key)
        .unwrap()
        .bundle_json;
    let verified = verify_receipt(bundle.as_bytes(), &public);
    assert!(verified.verified, "{:?}", verified.error);
    insta::assert_snapshot!(render(&verified, Paint(false)));
    let changed = bundle.replacen("payload\":\"e", "payload\":\"f", 1);
    assert_ne!(changed, bundle);
    let refused = verify_receipt(changed.as_bytes(), &public);
    assert!(render(&refused, Paint(false)).contains("NOT VERIFIED"));
}
