//! Properties: nothing that was signed can be changed unnoticed, and canonical JSON does not depend on its writer.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{key, public_pem};
use proptest::prelude::*;
use sde_evidence::*;
use serde_json::{Map, Value};

static MADE: LazyLock<Attestation> = LazyLock::new(common::attestation);
static PUBLIC: LazyLock<String> = LazyLock::new(|| public_pem(&key()));

fn holds(bundle: &[u8], evidence: &[u8]) -> bool {
    verify(bundle, evidence, &PUBLIC).is_ok()
}

/// `bytes` with one byte, anywhere, made another.
fn flipped(bytes: &[u8], place: prop::sample::Index, change: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = place.index(bytes.len());
    bytes[place] ^= change;
    bytes
}

fn bundle_with(change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
    let mut bundle: Bundle = serde_json::from_str(&MADE.bundle_json).unwrap();
    change(&mut bundle.dsse_envelope);
    serde_json::to_vec(&bundle).unwrap()
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9007199254740991i64..=9007199254740991).prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no infinities", |n| n.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The same value with the members of every object in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .rev()
                .map(|(k, v)| (k.clone(), reversed(v)))
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

#[test]
fn the_untouched_attestation_holds() {
    assert!(holds(
        MADE.bundle_json.as_bytes(),
        MADE.evidence_json.as_bytes()
    ));
    assert!(holds(&bundle_with(|_| {}), MADE.evidence_json.as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_changed_byte_of_the_evidence_fails(place: prop::sample::Index, change in 1u8..) {
        let evidence = flipped(MADE.evidence_json.as_bytes(), place, change);
        prop_assert!(!holds(MADE.bundle_json.as_bytes(), &evidence));
    }

    #[test]
    fn a_changed_byte_of_the_payload_fails(place: prop::sample::Index, change in 1u8..) {
        let payload = flipped(&MADE.statement_json, place, change);
        let bundle = bundle_with(|envelope| envelope.payload = STANDARD.encode(payload));
        let error = verify(&bundle, MADE.evidence_json.as_bytes(), &PUBLIC).unwrap_err();
        prop_assert!(matches!(error, VerifyError::Signature), "{}", error);
    }

    #[test]
    fn a_changed_byte_of_the_signature_fails(place: prop::sample::Index, change in 1u8..) {
        let bundle = bundle_with(|envelope| {
            let signature = envelope.signatures[0].bytes().unwrap();
            envelope.signatures[0].sig = STANDARD.encode(flipped(&signature, place, change));
        });
        let error = verify(&bundle, MADE.evidence_json.as_bytes(), &PUBLIC).unwrap_err();
        prop_assert!(matches!(error, VerifyError::Signature), "{}", error);
    }

    #[test]
    fn a_changed_byte_of_the_bundle_file_fails(place: prop::sample::Index, change in 1u8..) {
        let bundle = flipped(MADE.bundle_json.as_bytes(), place, change);
        prop_assert!(!holds(&bundle, MADE.evidence_json.as_bytes()));
    }

    #[test]
    fn a_shortened_or_lengthened_evidence_fails(place: prop::sample::Index, extra in any::<u8>()) {
        let evidence = MADE.evidence_json.as_bytes();
        prop_assert!(!holds(MADE.bundle_json.as_bytes(), &evidence[..place.index(evidence.len())]));
        prop_assert!(!holds(MADE.bundle_json.as_bytes(), &[evidence, &[extra]].concat()));
    }
}

proptest! {
    #[test]
    fn canonical_json_is_stable(value in json()) {
        let bytes = canonical_json(&value).unwrap();
        prop_assert_eq!(&canonical_json(&reversed(&value)).unwrap(), &bytes, "order of members");
        let again: Value = serde_json::from_slice(&bytes).unwrap();
        // A double above 2^53 is written without a point and read back as an integer, which is refused, not changed.
        match canonical_json(&again) {
            Ok(same) => prop_assert_eq!(same, bytes, "reading it back"),
            Err(error) => prop_assert!(matches!(error, CanonicalError::InexactInteger(_))),
        }
    }
}
