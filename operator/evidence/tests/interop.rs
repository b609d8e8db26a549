//! Others read and verify what we write: the Sigstore types of another project, and openssl through a shell script.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::{attestation, key, other_key, public_pem};
use sde_evidence::*;
use serde_json::{Value, json};
use sigstore_types::{Bundle as SigstoreBundle, SignatureContent};
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/verify/verify.sh");

/// All that the script may use besides bash itself.
const TOOLS: [&str; 5] = ["openssl", "jq", "base64", "sha256sum", "dd"];

fn installed(tool: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(tool))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("this test needs {tool} on the PATH"))
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new(bundle: &str, evidence: &str, public: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        for tool in TOOLS {
            symlink(installed(tool), folder.path().join("bin").join(tool)).unwrap();
        }
        for (name, text) in [
            ("bundle.json", bundle),
            ("evidence.json", evidence),
            ("key.pem", public),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn verify(&self) -> Output {
        Command::new(installed("bash"))
            .arg(Path::new(SCRIPT))
            .args([
                self.path("key.pem"),
                self.path("bundle.json"),
                self.path("evidence.json"),
            ])
            .env_clear()
            .env("PATH", self.path("bin"))
            .output()
            .unwrap()
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn refused(bundle: &str, evidence: &str, public: &str, why: &str) {
    let output = Files::new(bundle, evidence, public).verify();
    let text = text(&output);
    assert!(!output.status.success(), "accepted:\n{text}");
    assert!(
        text.contains(why) && !text.contains("VERIFIED"),
        "expected {why:?} in:\n{text}"
    );
}

fn resigned(change: impl FnOnce(&mut Value)) -> String {
    let mut statement: Value = serde_json::from_slice(&attestation().statement_json).unwrap();
    change(&mut statement);
    let envelope = Envelope::sign(&serde_json::to_vec(&statement).unwrap(), &key());
    serde_json::to_string(&Bundle::new(
        envelope,
        key().verifying_key().key_id().unwrap(),
    ))
    .unwrap()
}

#[test]
fn the_sigstore_types_of_another_project_read_our_bundle() {
    let made = attestation();
    let bundle = SigstoreBundle::from_json(&made.bundle_json).unwrap();
    assert_eq!(bundle.media_type().as_str(), BUNDLE_MEDIA_TYPE);
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        panic!("no DSSE envelope")
    };
    assert_eq!(envelope.payload_type, PAYLOAD_TYPE);
    assert_eq!(envelope.payload.as_bytes(), made.statement_json);
    assert_eq!(envelope.pae(), pae(PAYLOAD_TYPE, &made.statement_json));
    assert!(
        key()
            .verifying_key()
            .accepts(&envelope.pae(), envelope.signature.sig.as_bytes())
    );
}

#[test]
fn openssl_verifies_what_we_sign() {
    let made = attestation();
    let output = Files::new(&made.bundle_json, &made.evidence_json, &public_pem(&key())).verify();
    let text = text(&output);
    assert!(
        output.status.success() && text.ends_with("VERIFIED\n"),
        "{text}"
    );
    for expected in [
        "outcome: destroyed, claim: delete-only",
        "medium m-1: PVC gone",
        "residual provider-media",
    ] {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
}

#[test]
fn openssl_makes_a_key_that_we_sign_with() {
    let output = Command::new(installed("openssl"))
        .args([
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .output()
        .unwrap();
    let theirs = SigningKey::from_pkcs8_pem(&String::from_utf8(output.stdout).unwrap()).unwrap();
    let made = attest(common::facts(), vec![], &common::evidence(), &theirs).unwrap();
    let output = Files::new(&made.bundle_json, &made.evidence_json, &public_pem(&theirs)).verify();
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn the_script_refuses_what_we_refuse() {
    let made = attestation();
    let (bundle, evidence, public) = (&made.bundle_json, &made.evidence_json, &public_pem(&key()));
    refused(
        bundle,
        &format!("{evidence} "),
        public,
        "digest of the evidence",
    );
    refused(bundle, evidence, &public_pem(&other_key()), "key id");
    refused(bundle, evidence, "no key", "is not a public key");
    refused("{}", evidence, public, "media type");

    let mut forged: Bundle = serde_json::from_str(bundle).unwrap();
    forged.dsse_envelope = Envelope::sign(&made.statement_json, &other_key());
    refused(
        &serde_json::to_string(&forged).unwrap(),
        evidence,
        public,
        "signature does not match",
    );

    let mut truncated: Bundle = serde_json::from_str(bundle).unwrap();
    truncated.dsse_envelope.payload.pop();
    refused(
        &serde_json::to_string(&truncated).unwrap(),
        evidence,
        public,
        "not base64",
    );

    refused(
        &resigned(|s| s["predicateType"] = json!("https://example.org/v1")),
        evidence,
        public,
        "predicate type",
    );
    refused(
        &resigned(|s| s["predicate"]["residuals"] = json!([])),
        evidence,
        public,
        "residuals are empty",
    );
    let present =
        resigned(|s| s["predicate"]["media"][0]["verification"]["result"] = json!("present"));
    refused(&present, evidence, public, "not every medium is gone");
    refused(
        &resigned(|s| s["predicate"]["claim"] = json!("purge-cryptographic-erase")),
        evidence,
        public,
        "claim",
    );
    let missing = resigned(|s| s["predicate"]["media"] = json!(null));
    refused(&missing, evidence, public, "media are missing");
    let kept = resigned(|s| {
        s["predicate"]["outcome"] = json!("retained-inaccessible");
        s["predicate"]["media"][0]["verification"]["result"] = json!("unknown");
    });
    refused(&kept, evidence, public, "gone or inaccessible");
    refused(
        &resigned(|s| s["predicate"]["outcome"] = json!("obliterated")),
        evidence,
        public,
        "unknown outcome",
    );
}
