use std::fs;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sde_core::airlock::manifest::{Manifest, SealedFile};
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::ticket;
use super::unpack::{Chunk, Received, Released, beside, unpack};
use crate::error::CliError;

const UID: &str = "8f14e45f-ceea-467f-9d3b-1c2a5d6e7f80";
const FILES: [(&str, &[u8]); 3] = [
    ("counts.csv", b"ancestry,n\nEUR,503\n"),
    ("figures/plot.png", b"\x89PNG\r\n"),
    ("notes.md", b""),
];

fn header(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size as u64);
    header
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = header(EntryType::Regular, bytes.len());
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// What is sealed and released of these files.
fn released(recipient: Option<&str>) -> Released {
    let files = (0..).zip(FILES).map(|(number, (path, bytes))| SealedFile {
        number,
        path: path.to_owned(),
        size: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    });
    let manifest = Manifest::new(files.collect()).to(recipient.map(str::to_owned));
    Released {
        uid: UID.to_owned(),
        content: manifest.digest(UID).unwrap(),
        recipient: manifest.recipient.clone(),
        bytes: i64::try_from(manifest.size()).unwrap(),
    }
}

/// The error of an archive that is not taken, of which nothing is left.
fn refused(archive: &[u8], released: &Released) -> String {
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().join("results");
    let error = unpack(archive, released, beside(&folder).unwrap(), &folder).unwrap_err();
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0, "{error}");
    assert_eq!(
        error.exit_code(),
        CliError::Refused(String::new()).exit_code()
    );
    error.to_string()
}

#[test]
fn what_was_released_is_there_whole_and_only_its_owner_opens_it() {
    use std::os::unix::fs::PermissionsExt as _;
    for recipient in [None, Some("sha256:1234")] {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("results");
        let files = unpack(
            archive(&FILES).as_slice(),
            &released(recipient),
            beside(&folder).unwrap(),
            &folder,
        )
        .unwrap();
        let names: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(names, FILES.map(|(path, _)| path));
        for (path, bytes) in FILES {
            assert_eq!(fs::read(folder.join(path)).unwrap(), bytes);
        }
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1);
    }
}

#[test]
fn anything_else_is_refused_and_nothing_of_it_kept() {
    let [first, second, third] = FILES;
    let changed: &[u8] = b"ancestry,n\nEUR,504\n";
    let more: (&str, &[u8]) = ("more.txt", b"");
    let others: [&[(&str, &[u8])]; 6] = [
        &[(first.0, changed), second, third],
        &[("other.csv", first.1), second, third],
        &[second, first, third],
        &[first, second],
        &[first, second, third, more],
        &[],
    ];
    for files in others {
        let said = refused(&archive(files), &released(None));
        assert!(
            said.contains("not what was reviewed and released"),
            "{said}"
        );
    }
    let of_other = Released {
        recipient: Some("sha256:5678".to_owned()),
        ..released(Some("sha256:1234"))
    };
    let said = refused(&archive(&FILES), &of_other);
    assert!(said.contains("its digest is another"), "{said}");
}

#[test]
fn more_bytes_than_were_released_are_not_written() {
    let large = vec![0; 1 << 20];
    let said = refused(&archive(&[("counts.csv", &large)]), &released(None));
    assert!(said.contains("it is larger"), "{said}");
}

#[test]
fn nothing_is_written_beside_the_folder() {
    let [(_, bytes), ..] = FILES;
    for path in ["../counts.csv", "/tmp/counts.csv", "a/../../counts.csv"] {
        let mut header = header(EntryType::Regular, bytes.len());
        let old = header.as_old_mut();
        (&mut old.name[..]).write_all(path.as_bytes()).unwrap();
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, bytes).unwrap();
        let said = refused(&builder.into_inner().unwrap(), &released(None));
        assert!(said.contains("something else than files"), "{path}: {said}");
    }
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::Fifo,
    ] {
        let mut builder = Builder::new(Vec::new());
        let mut header = header(kind, 0);
        if kind.is_symlink() || kind.is_hard_link() {
            builder
                .append_link(&mut header, "counts.csv", "/etc/passwd")
                .unwrap();
        } else {
            builder
                .append_data(&mut header, "counts.csv", &[][..])
                .unwrap();
        }
        let said = refused(&builder.into_inner().unwrap(), &released(None));
        assert!(
            said.contains("something else than files"),
            "{kind:?}: {said}"
        );
    }
}

#[test]
fn an_archive_that_ends_early_is_not_kept() {
    let whole = archive(&FILES);
    // The last file is empty: without its header nothing of it is there.
    for end in [1, 511, 520, 1024, 1500, 2048] {
        let said = refused(&whole[..end], &released(None));
        let known = ["cannot be read", "not what was reviewed"]
            .iter()
            .any(|words| said.contains(words));
        assert!(known, "{end}: {said}");
    }
}

#[tokio::test]
async fn chunks_are_read_in_their_order_and_to_their_end() {
    let (to, from) = mpsc::channel(2);
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().join("results");
    let unpacking = tokio::task::spawn_blocking(move || {
        unpack(
            Received::new(from),
            &released(None),
            beside(&folder)?,
            &folder,
        )
    });
    for chunk in archive(&FILES).chunks(100) {
        to.send(Chunk::copy_from_slice(chunk)).await.unwrap();
    }
    drop(to);
    assert_eq!(unpacking.await.unwrap().unwrap().len(), FILES.len());
}

fn signed(claims: &serde_json::Value) -> String {
    let part = |value: &str| URL_SAFE_NO_PAD.encode(value);
    format!(
        "{}.{}.{}",
        part("{}"),
        part(&claims.to_string()),
        part("signature")
    )
}

#[test]
fn a_ticket_is_for_this_request_and_to_collect() {
    let claims = |act: &str, uid: &str| json!({"act": act, "uid": uid, "project": "prj-4f2c", "request": "other", "exp": 1});
    let right = signed(&claims("Collect", UID));
    assert_eq!(ticket::of(&format!("  {right}\n"), UID).unwrap(), right);
    let said = |text: &str| ticket::of(text, UID).unwrap_err().to_string();
    assert!(said("\n").contains("no ticket"));
    assert!(said("eyJ0.eyJ1").contains("this is no ticket"));
    assert!(said(&format!("{right}.more")).contains("this is no ticket"));
    let other = said(&signed(&claims("Collect", "another")));
    assert!(
        other.contains("to collect request prj-4f2c other"),
        "{other}"
    );
    assert!(said(&signed(&claims("View", UID))).contains("to view request"));
}
