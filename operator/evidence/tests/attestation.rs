//! A whole attestation: its files are the same for ever, it verifies, and every way to be wrong has its own name.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::{attestation, key, other_key, public_pem};
use sde_evidence::*;
use serde_json::{Value, json};

fn pretty(json: &[u8]) -> String {
    serde_json::to_string_pretty(&serde_json::from_slice::<Value>(json).unwrap()).unwrap()
}

/// Signs any statement with the right key, as a dishonest controller could.
fn resigned(statement: &Value) -> String {
    let envelope = Envelope::sign(&serde_json::to_vec(statement).unwrap(), &key());
    serde_json::to_string(&Bundle::new(
        envelope,
        key().verifying_key().key_id().unwrap(),
    ))
    .unwrap()
}

fn check(bundle: &str, evidence: &str) -> Result<Verified, VerifyError> {
    verify(bundle.as_bytes(), evidence.as_bytes(), &public_pem(&key()))
}

fn refusal_of_statement(change: impl FnOnce(&mut Value)) -> VerifyError {
    let made = attestation();
    let mut statement: Value = serde_json::from_slice(&made.statement_json).unwrap();
    change(&mut statement);
    check(&resigned(&statement), &made.evidence_json).expect_err("a wrong statement was accepted")
}

fn refusal_of_bundle(change: impl FnOnce(&mut Value)) -> VerifyError {
    let made = attestation();
    let mut bundle: Value = serde_json::from_str(&made.bundle_json).unwrap();
    change(&mut bundle);
    check(&bundle.to_string(), &made.evidence_json).expect_err("a wrong bundle was accepted")
}

#[test]
fn golden_files() {
    let made = attestation();
    insta::assert_snapshot!("statement", pretty(&made.statement_json));
    insta::assert_snapshot!("evidence", pretty(made.evidence_json.as_bytes()));
    insta::assert_snapshot!("bundle", pretty(made.bundle_json.as_bytes()));
    insta::assert_snapshot!("summary", summary(&made.statement));
}

#[test]
fn it_verifies_and_signing_again_changes_nothing() {
    let made = attestation();
    let verified = check(&made.bundle_json, &made.evidence_json).unwrap();
    assert_eq!(verified.statement, made.statement);
    assert_eq!(verified.statement_json, made.statement_json);
    assert_eq!(verified.evidence, common::evidence());
    assert_eq!(verified.key_id, key().verifying_key().key_id().unwrap());
    assert!(verified.unchecked.is_empty());
    assert_eq!(attestation().bundle_json, made.bundle_json);
}

#[test]
fn the_public_statement_holds_nothing_in_clear_that_is_the_custodians() {
    let made = attestation();
    let statement = String::from_utf8(made.statement_json).unwrap();
    for secret in [
        "custodian-a@",
        "/var/local-path-provisioner",
        "node-1",
        "u-7c1e",
    ] {
        assert!(
            made.evidence_json.contains(secret),
            "the evidence lacks {secret}"
        );
        assert!(!statement.contains(secret), "the statement leaks {secret}");
    }
}

#[test]
fn the_raw_envelope_has_the_key_id_and_the_bundle_has_none() {
    let made = attestation();
    let bundle: Bundle = serde_json::from_str(&made.bundle_json).unwrap();
    let raw: Envelope = serde_json::from_str(&made.dsse_json).unwrap();
    assert!(!made.bundle_json.contains("keyid"));
    assert_eq!(
        raw,
        bundle
            .dsse_envelope
            .clone()
            .with_keyid(&bundle.verification_material.public_key.hint)
    );
}

#[test]
fn keys() {
    let made = attestation();
    let verify_with = |pem: &str| {
        verify(
            made.bundle_json.as_bytes(),
            made.evidence_json.as_bytes(),
            pem,
        )
        .unwrap_err()
    };
    assert!(matches!(
        verify_with(&public_pem(&other_key())),
        VerifyError::KeyIdMismatch { .. }
    ));
    assert!(matches!(
        verify_with("no key"),
        VerifyError::Key(KeyError::PublicPem(_))
    ));
    let hint = other_key().verifying_key().key_id().unwrap();
    let wrong_hint =
        refusal_of_bundle(|b| b["verificationMaterial"]["publicKey"]["hint"] = json!(hint));
    assert!(matches!(wrong_hint, VerifyError::KeyIdMismatch { .. }));
    let wrong_keyid =
        refusal_of_bundle(|b| b["dsseEnvelope"]["signatures"][0]["keyid"] = json!(hint));
    assert!(matches!(wrong_keyid, VerifyError::KeyIdMismatch { .. }));
    // Another key's signature under our hint.
    let forged = Envelope::sign(&made.statement_json, &other_key());
    let forged = refusal_of_bundle(|b| b["dsseEnvelope"] = serde_json::to_value(forged).unwrap());
    assert!(matches!(forged, VerifyError::Signature));
}

#[test]
fn bundles() {
    let version = refusal_of_bundle(|b| {
        b["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1")
    });
    assert!(matches!(version, VerifyError::MediaType(_)));
    assert!(matches!(
        refusal_of_bundle(|b| *b = json!([])),
        VerifyError::MediaType(_)
    ));
    let payload_type =
        refusal_of_bundle(|b| b["dsseEnvelope"]["payloadType"] = json!("text/plain"));
    assert!(matches!(payload_type, VerifyError::PayloadType(_)));
    let none = refusal_of_bundle(|b| b["dsseEnvelope"]["signatures"] = json!([]));
    assert!(matches!(none, VerifyError::SignatureCount(0)));
    let two = refusal_of_bundle(|b| {
        let one = b["dsseEnvelope"]["signatures"][0].clone();
        b["dsseEnvelope"]["signatures"] = json!([one, one]);
    });
    assert!(matches!(two, VerifyError::SignatureCount(2)));
    for (part, wrong) in [("payload", "not base64!"), ("payload", "YQ")] {
        assert!(matches!(
            refusal_of_bundle(|b| b["dsseEnvelope"][part] = json!(wrong)),
            VerifyError::Bundle(_)
        ));
    }
    assert!(matches!(
        check("{", "{}").unwrap_err(),
        VerifyError::Bundle(_)
    ));
}

#[test]
fn what_others_add_to_a_bundle_is_told_as_unchecked() {
    let made = attestation();
    let mut bundle: Value = serde_json::from_str(&made.bundle_json).unwrap();
    bundle["verificationMaterial"]["timestampVerificationData"] =
        json!({"rfc3161Timestamps": [{"signedTimestamp": "AA=="}]});
    bundle["verificationMaterial"]["tlogEntries"] = json!([{"logIndex": "1"}]);
    let verified = check(&bundle.to_string(), &made.evidence_json).unwrap();
    assert_eq!(
        verified.unchecked,
        ["transparency log entries", "timestamps"]
    );
}

#[test]
fn statements() {
    assert!(matches!(
        refusal_of_statement(|s| *s = json!("no statement")),
        VerifyError::StatementShape(_)
    ));
    let old = refusal_of_statement(|s| s["_type"] = json!("https://in-toto.io/Statement/v0.1"));
    assert!(matches!(old, VerifyError::StatementShape(_)));
    assert!(matches!(
        refusal_of_statement(|s| s["subject"] = json!([])),
        VerifyError::StatementShape(_)
    ));
    let other =
        refusal_of_statement(|s| s["predicateType"] = json!("https://slsa.dev/provenance/v1"));
    assert!(matches!(other, VerifyError::PredicateType { .. }));
    let outcome = refusal_of_statement(|s| s["predicate"]["outcome"] = json!("obliterated"));
    assert!(matches!(outcome, VerifyError::PredicateShape(_)));
    let subject =
        refusal_of_statement(|s| s["subject"][0]["digest"]["sha256"] = json!("00".repeat(32)));
    assert!(matches!(subject, VerifyError::SubjectDigest { .. }));
    let reference = refusal_of_statement(|s| s["predicate"]["evidence"]["bytes"] = json!(1));
    assert!(matches!(reference, VerifyError::EvidenceReference));
    let name = refusal_of_statement(|s| s["subject"][0]["name"] = json!("other.json"));
    assert!(matches!(name, VerifyError::EvidenceReference));
}

#[test]
fn signed_dishonesty_is_refused_by_the_verifier_too() {
    let refused =
        |change: fn(&mut Value)| match refusal_of_statement(|s| change(&mut s["predicate"])) {
            VerifyError::Predicate(error) => error,
            other => panic!("expected a contradiction, got {other}"),
        };
    assert_eq!(
        refused(|p| p["residuals"] = json!([])),
        PredicateError::NoResiduals
    );
    assert_eq!(
        refused(|p| p["keys"] = json!([{"action": "destroyed"}])),
        PredicateError::KeysRecorded
    );
    assert_eq!(
        refused(|p| p["claim"] = json!("purge-cryptographic-erase")),
        PredicateError::CryptographicEraseUnproven
    );
    assert_eq!(
        refused(|p| p["schemaVersion"] = json!(2)),
        PredicateError::SchemaVersion(2)
    );
    assert!(matches!(
        refused(|p| p["limitations"] = json!([])),
        PredicateError::LimitationMissing(_)
    ));
    let present = refused(|p| {
        p["media"][0]["verification"]["result"] = json!("present");
        p["media"][0]["destination"] = json!("unknown");
    });
    assert!(matches!(present, PredicateError::NotGone { .. }));
}

#[test]
fn signed_evidence_that_says_something_else_is_refused() {
    let made = attestation();
    let refused = |evidence: &[u8]| {
        let mut statement: Value = serde_json::from_slice(&made.statement_json).unwrap();
        let digest = sha256(evidence);
        statement["subject"][0]["digest"]["sha256"] = json!(digest.hex());
        statement["predicate"]["evidence"]["digest"] = json!(digest);
        statement["predicate"]["evidence"]["bytes"] = json!(evidence.len());
        verify(
            resigned(&statement).as_bytes(),
            evidence,
            &public_pem(&key()),
        )
        .unwrap_err()
    };
    assert!(matches!(refused(b"{}"), VerifyError::EvidenceShape(_)));
    let mut evidence = common::evidence();
    evidence.project.spec["title"] = json!("another project");
    let error = refused(&canonical_json(&evidence).unwrap());
    assert!(
        matches!(error, VerifyError::Disagreement(Disagreement::SpecDigest)),
        "{error}"
    );
}

#[test]
fn the_summary_cannot_be_used_to_forge_lines() {
    let mut facts = common::facts();
    facts.project.closure_reason = "done\n  Claim             purge\u{1b}[2J".into();
    let (_, reference) = common::evidence().seal().unwrap();
    let predicate = DestructionPredicate::new(facts, reference).unwrap();
    let statement = Statement {
        predicate,
        ..attestation().statement
    };
    let text = summary(&statement);
    assert_eq!(
        text.lines()
            .filter(|line| line.trim_start().starts_with("Claim "))
            .count(),
        1
    );
    assert!(!text.contains('\u{1b}'));
}
