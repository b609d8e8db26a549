//! Published test vectors: what we compute is what every other implementation computes.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use p256::ecdsa;
use sde_evidence::*;
use serde_json::{Value, json};

fn canonical(text: &str) -> String {
    String::from_utf8(canonical_json(&serde_json::from_str::<Value>(text).unwrap()).unwrap())
        .unwrap()
}

#[test]
fn rfc8785_section_3_2_2_numbers_strings_and_literals() {
    let input = r#"{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"#;
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                    \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(canonical(input), expected);
}

#[test]
fn rfc8785_section_3_2_3_keys_sort_by_utf16_units() {
    let input = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
                    "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let sorted: Value = serde_json::from_str(&canonical(input)).unwrap();
    let values: Vec<&str> = sorted
        .as_object()
        .unwrap()
        .values()
        .map(|v| v.as_str().unwrap())
        .collect();
    let expected = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ];
    assert_eq!(values, expected);
}

#[test]
fn rfc8785_appendix_b_numbers() {
    let vectors: [(u64, &str); 12] = [
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x7fefffffffffffff, "1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0x4430000000000000, "295147905179352830000"),
        (0x44b52d02c7e14af5, "9.999999999999997e+22"),
        (0x44b52d02c7e14af6, "1e+23"),
        (0x444b1ae4d6e2ef50, "1e+21"),
        (0x3eb0c6f7a0b5ed8d, "0.000001"),
        (0x41b3de4355555553, "333333333.3333332"),
        (0xbecbf647612f3696, "-0.0000033333333333333333"),
    ];
    for (bits, text) in vectors {
        assert_eq!(
            canonical_json(&f64::from_bits(bits)).unwrap(),
            text.as_bytes(),
            "{bits:016x}"
        );
    }
}

#[test]
fn integers_that_a_double_cannot_hold_are_refused() {
    assert_eq!(
        canonical_json(&json!([9007199254740991u64, -9007199254740991i64])).unwrap(),
        b"[9007199254740991,-9007199254740991]"
    );
    for value in [
        json!({"a": [9007199254740992u64]}),
        json!(-9007199254740992i64),
        json!(u64::MAX),
    ] {
        assert!(
            matches!(
                canonical_json(&value),
                Err(CanonicalError::InexactInteger(_))
            ),
            "{value}"
        );
    }
}

#[test]
fn dsse_specification_example() {
    let body = b"hello world";
    let kind = "http://example.com/HelloWorld";
    assert_eq!(
        pae(kind, body),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    assert_eq!(
        pae("é", "✓".as_bytes()),
        "DSSEv1 2 é 3 ✓".as_bytes(),
        "lengths are bytes"
    );

    // protocol.md, "Test Vectors": deterministic RFC 6979, the signature written there as r||s.
    let scalar =
        hex::decode("d73ec437fd6346e3619c5ebfdfff0f6916804955ad32ac9ac492b0ede1f6ffb7").unwrap();
    let key = SigningKey::generate(|bytes| bytes.copy_from_slice(&scalar)).unwrap();
    let raw =
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
    let signature = ecdsa::Signature::from_slice(&STANDARD.decode(raw).unwrap()).unwrap();
    assert_eq!(key.sign(&pae(kind, body)), signature.to_der().as_bytes());
    assert!(
        key.verifying_key()
            .accepts(&pae(kind, body), signature.to_der().as_bytes())
    );
    assert!(
        !key.verifying_key()
            .accepts(&pae(kind, b"hello World"), signature.to_der().as_bytes())
    );
}

#[test]
fn rfc6979_p256_sha256_sample() {
    let der = common::key().sign(b"sample");
    let signature = ecdsa::Signature::from_der(&der).unwrap();
    let expected = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                    f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    assert_eq!(hex::encode(signature.to_bytes()), expected);
}

#[test]
fn rfc4231_case_1_is_the_pseudonym() {
    let key = PseudonymKey::new(&[0x0b; 20]).unwrap();
    assert_eq!(key.pseudonym("Hi There").as_str(), "p-b0344c61d8db38535ca8");
    assert_eq!(
        PseudonymKey::new(&[0; 15]).unwrap_err(),
        PseudonymError::ShortKey(15)
    );
    assert!(Pseudonym::parse("p-b0344c61d8db38535ca8").is_ok());
    for bad in [
        "jane.doe",
        "p-b0344c61d8db38535ca",
        "p-B0344c61d8db38535ca8",
        "b0344c61d8db38535ca8",
    ] {
        assert!(Pseudonym::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn ulid_specification_example() {
    // 01ARZ3NDEKTSV4RRFFQ69G5FAV, the specification's example: 1469922850259 ms.
    let at = jiff::Timestamp::from_millisecond(1_469_922_850_259).unwrap();
    assert_eq!(
        &AttestationId::new(at, [0; 10]).unwrap().as_str()[..10],
        "01ARZ3NDEK"
    );
    assert_eq!(
        &AttestationId::new(at, [0xff; 10]).unwrap().as_str()[10..],
        "ZZZZZZZZZZZZZZZZ"
    );
    assert!(AttestationId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").is_ok());
    for bad in [
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01arz3ndektsv4rrffq69g5fav",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "",
    ] {
        assert!(AttestationId::parse(bad).is_err(), "{bad}");
    }
    let before_1970 = jiff::Timestamp::from_millisecond(-1).unwrap();
    assert_eq!(
        AttestationId::new(before_1970, [0; 10]).unwrap_err(),
        IdError::TimeOutOfRange(before_1970)
    );
}

#[test]
fn digests_have_one_spelling() {
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(sha256(b"").to_string(), empty);
    assert_eq!(empty.parse::<Digest>().unwrap(), sha256(b""));
    for bad in [
        &empty.to_uppercase(),
        &empty[7..],
        &empty[..70],
        "sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
}

#[test]
fn the_spec_digest_is_of_uid_and_spec_without_lifecycle() {
    let spec =
        json!({"title": "t", "lifecycle": "Open", "people": [{"user": "u", "lifecycle": "kept"}]});
    let digest = spec_digest("uid-1", &spec).unwrap();
    let bytes =
        br#"{"spec":{"people":[{"lifecycle":"kept","user":"u"}],"title":"t"},"uid":"uid-1"}"#;
    assert_eq!(digest, format!("v1:{}", sha256(bytes)));
    let closed = json!({"people": [{"lifecycle": "kept", "user": "u"}], "lifecycle": "Closed", "title": "t"});
    assert_eq!(
        spec_digest("uid-1", &closed).unwrap(),
        digest,
        "neither order nor lifecycle matter"
    );
    assert_ne!(
        spec_digest("uid-2", &spec).unwrap(),
        digest,
        "the object matters"
    );
    assert_ne!(
        spec_digest("uid-1", &json!({"title": "u", "people": spec["people"]})).unwrap(),
        digest
    );
}

#[test]
fn keys_survive_pem_and_refuse_what_they_are_not() {
    let key = common::key();
    let pem = key.to_pkcs8_pem().unwrap();
    assert_eq!(
        SigningKey::from_pkcs8_pem(&pem).unwrap().sign(b"x"),
        key.sign(b"x")
    );
    let public = common::public_pem(&key);
    assert_eq!(
        VerifyingKey::from_spki_pem(&public).unwrap(),
        key.verifying_key()
    );
    assert!(matches!(
        VerifyingKey::from_spki_pem(&pem),
        Err(KeyError::PublicPem(_))
    ));
    assert!(matches!(
        SigningKey::from_pkcs8_pem(&public),
        Err(KeyError::PrivatePem(_))
    ));
    assert_eq!(
        format!("{key:?}"),
        "SigningKey(..)",
        "a key is never printed"
    );

    let mut asked = 0;
    let second = SigningKey::generate(|bytes| {
        asked += 1;
        bytes.fill(if asked == 1 { 0xff } else { 7 });
    });
    assert_eq!(
        second.unwrap().sign(b"x"),
        common::other_key().sign(b"x"),
        "an invalid scalar is skipped"
    );
    assert_eq!(
        SigningKey::generate(|bytes| bytes.fill(0)).unwrap_err(),
        KeyError::BadRandomness
    );
}
