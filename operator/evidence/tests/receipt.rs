//! Receipts of the airlock: verified by whoever holds the key, refused when they say what their event cannot, or one byte differs.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::{key, public_pem};
use proptest::prelude::*;
use sde_evidence::*;

fn receipt() -> Receipt {
    let pseudonyms = PseudonymKey::new(&[9; 32]).unwrap();
    let review = |who: &str| Approver {
        reviewer: pseudonyms.pseudonym(who),
        role: "OutputChecker".to_owned(),
        decision: "Approve".to_owned(),
        reason: "SafeAsDeclared".to_owned(),
        review: format!("uid-{who}"),
    };
    Receipt {
        event: Event::Released,
        at: "2027-03-02T10:00:00Z".parse().unwrap(),
        reason: "Released".to_owned(),
        request: ReceiptRequest {
            project: "prj-4f2c".to_owned(),
            project_uid: "11111111-1111-4111-8111-111111111111".to_owned(),
            name: "penetrance-tables".to_owned(),
            uid: "33333333-3333-4333-8333-333333333333".to_owned(),
            direction: "Export".to_owned(),
            requester: pseudonyms.pseudonym("u-7c1e"),
            transfer: None,
        },
        content: Content {
            digest: sha256(b"a salted manifest"),
            files: 4,
            bytes: 48_213,
        },
        findings: Vec::new(),
        findings_digest: Some("v1:sha256:22".to_owned()),
        policy_digest: Some("v1:sha256:33".to_owned()),
        process_digest: sha256(b"the process"),
        reviews: vec![review("checker-a"), review("checker-b")],
        delivery: None,
    }
}

fn collected() -> Receipt {
    let archive = sha256(b"the archive");
    Receipt {
        event: Event::Collected,
        delivery: Some(Delivery {
            number: 1,
            outcome: "Complete".to_owned(),
            bytes: 11,
            sha256: Some(archive),
            door_bytes: Some(11),
            door_sha256: Some(archive),
        }),
        ..receipt()
    }
}

#[test]
fn a_receipt_is_verified_with_the_key_and_with_no_other() {
    for made in [receipt(), collected()] {
        let signed = sign_receipt(made.clone(), &key()).unwrap();
        assert_eq!(
            sign_receipt(made.clone(), &key()).unwrap().bundle_json,
            signed.bundle_json
        );
        let bundle = signed.bundle_json.as_bytes();
        let verified = verify_receipt(bundle, &public_pem(&key())).unwrap();
        assert_eq!(verified.statement.predicate, made);
        let other = SigningKey::generate(|bytes| *bytes = [3; 32]).unwrap();
        assert!(verify_receipt(bundle, &public_pem(&other)).is_err());
    }
}

#[test]
fn a_collection_names_what_was_handed_out() {
    let signed = sign_receipt(collected(), &key()).unwrap();
    let verified = verify_receipt(signed.bundle_json.as_bytes(), &public_pem(&key())).unwrap();
    let archive = &verified.statement.subject[1];
    assert_eq!(archive.digest.sha256, sha256(b"the archive").hex());
}

#[test]
fn a_destruction_attestation_is_no_receipt() {
    let made = common::attestation();
    let error = verify_receipt(made.bundle_json.as_bytes(), &public_pem(&key())).unwrap_err();
    assert!(matches!(error, VerifyError::PredicateType { .. }));
}

/// What no receipt may say.
#[test]
fn a_receipt_that_contradicts_itself_is_not_signed() {
    type Change = fn(&mut Receipt);
    let wrong: [(Change, &str); 6] = [
        (|r| r.delivery = collected().delivery, "nothing else"),
        (|r| r.event = Event::Collected, "nothing else"),
        (
            |r| {
                r.reviews.pop();
            },
            "fewer than two",
        ),
        (
            |r| r.reviews[1].reviewer = r.reviews[0].reviewer.clone(),
            "fewer than two",
        ),
        (
            |r| r.request.requester = r.reviews[0].reviewer.clone(),
            "own requester",
        ),
        (|r| r.findings_digest = None, "without a scan"),
    ];
    for (change, words) in wrong {
        let mut made = receipt();
        change(&mut made);
        let error = sign_receipt(made, &key()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let mut made = collected();
    made.delivery.as_mut().unwrap().door_bytes = Some(12);
    let error = sign_receipt(made, &key()).unwrap_err();
    assert!(
        error.to_string().contains("counted the same twice"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn one_byte_that_differs_is_seen(place in any::<prop::sample::Index>(), change in 1u8..) {
        let signed = sign_receipt(collected(), &key()).unwrap();
        let mut bytes = signed.bundle_json.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        prop_assert!(verify_receipt(&bytes, &public_pem(&key())).is_err());
    }
}
