//! `sde-agent manifest` from outside: what is printed is what is verified, with stock tools too.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn agent(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sde-agent"));
    command.args(args).env_clear();
    command
}

fn manifest(root: &Path, log: &Path, args: &[&str], digest: Option<&str>) -> Output {
    let mut command = agent(&["manifest"]);
    command
        .args(args)
        .env("SDE_ROOT", root)
        .env("SDE_TERMINATION_LOG", log);
    if let Some(digest) = digest {
        command.env("SDE_DIGEST", digest);
    }
    command.output().expect("manifest")
}

#[test]
fn a_printed_manifest_is_what_is_verified() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (root, log) = (dir.path().join("data"), dir.path().join("log"));
    std::fs::create_dir_all(root.join("chr13")).expect("directory");
    std::fs::write(root.join("chr13/a.vcf"), "variants").expect("file");
    std::fs::write(root.join("README"), "read me").expect("file");

    let printed = manifest(&root, &log, &["--print"], None);
    assert_eq!(printed.status.code(), Some(0));
    assert!(!log.exists(), "printing is for people");
    let mut sha = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha256sum");
    sha.stdin
        .take()
        .expect("stdin")
        .write_all(&printed.stdout)
        .expect("write");
    let stock = String::from_utf8(sha.wait_with_output().expect("sha256sum").stdout).expect("text");
    let digest = format!("sha256:{}", &stock[..64]);
    let said = String::from_utf8(printed.stderr).expect("text");
    assert!(
        said.contains(&format!("{digest}  2 files, 15 bytes")),
        "{said}"
    );

    assert_eq!(
        manifest(&root, &log, &[], Some(&digest)).status.code(),
        Some(0)
    );
    let message = || std::fs::read_to_string(&log).expect("log");
    assert_eq!(
        message(),
        format!(r#"{{"digest":"{digest}","files":2,"bytes":15}}"#)
    );

    std::fs::write(root.join("README"), "read mE").expect("file");
    assert_eq!(
        manifest(&root, &log, &[], Some(&digest)).status.code(),
        Some(1)
    );
    assert!(
        message().contains(r#""error":"the manifest has another digest""#),
        "{}",
        message()
    );

    std::os::unix::fs::symlink("README", root.join("participant-17")).expect("link");
    let output = manifest(&root, &log, &[], Some(&digest));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        message(),
        r#"{"error":"a symbolic link is not allowed in a dataset"}"#
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("participant-17"));
}

#[test]
fn a_manifest_needs_a_well_formed_digest_or_print() {
    let dir = tempfile::tempdir().expect("tempdir");
    let log = dir.path().join("log");
    let upper = format!("sha256:{}", "A".repeat(64));
    let short = format!("sha256:{}", "a".repeat(63));
    let bare = "a".repeat(64);
    for digest in [
        None,
        Some(""),
        Some(upper.as_str()),
        Some(&short),
        Some(&bare),
    ] {
        let _ = std::fs::remove_file(&log);
        let output = manifest(dir.path(), &log, &[], digest);
        assert_eq!(output.status.code(), Some(2), "{digest:?}");
        assert!(
            std::fs::read_to_string(&log)
                .expect("log")
                .starts_with(r#"{"error":""#)
        );
    }
}
