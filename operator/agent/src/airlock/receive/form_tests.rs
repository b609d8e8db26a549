//! Forms as browsers send them, cut anywhere, and forms that no browser sends.

use std::fs;
use std::path::Path;

use axum::http::header::CONTENT_TYPE;
use futures::stream;
use proptest::prelude::*;
use sde_crds::airlock_request::Direction;
use tempfile::TempDir;

use super::*;
use crate::airlock::chamber::Chamber;
use crate::airlock::receive::store::Limits;

const BOUNDARY: &str = "----WebKitFormBoundaryAbC123";

/// A form, part by part: name, file name, content.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map_or(String::new(), |f| format!("; filename=\"{f}\""));
        let header = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        form.extend(header.as_bytes());
        form.extend(*bytes);
        form.extend(b"\r\n");
    }
    form.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}

fn store(folder: &TempDir) -> Arc<Store> {
    let chamber = Chamber::at(folder.path(), Direction::Import);
    let limits = Limits {
        files: 5,
        bytes: 1 << 20,
    };
    Arc::new(Store::open(&chamber, limits).expect("a store"))
}

/// Takes a form that comes in such pieces.
async fn taken(store: &Arc<Store>, form: Vec<u8>, piece: usize) -> Result<Came, Broken> {
    let pieces: Vec<_> = form
        .chunks(piece.max(1))
        .map(|p| Ok::<_, std::io::Error>(Bytes::copy_from_slice(p)))
        .collect();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = Request::builder()
        .header(CONTENT_TYPE, kind)
        .body(Body::from_stream(stream::iter(pieces)));
    take(request.expect("a request"), store, &Activity::default()).await
}

fn there(folder: &TempDir, path: &str) -> Option<Vec<u8>> {
    fs::read(Path::new(folder.path()).join("upload").join(path)).ok()
}

fn refusals(came: &Came) -> Vec<(&str, &'static str)> {
    let word = |why: &Refused| match why {
        Refused::Name => "name",
        Refused::Files => "files",
        Refused::Bytes => "bytes",
        Refused::Clash => "clash",
        Refused::Folders | Refused::Io(_) => "else",
    };
    let refused = came.refused.iter();
    refused.map(|(n, why)| (n.as_str(), word(why))).collect()
}

#[tokio::test]
async fn each_file_stands_for_itself() {
    let folder = tempfile::tempdir().expect("tempdir");
    let store = store(&folder);
    let large = vec![b'x'; (1 << 20) + 1];
    let long = "n".repeat(256);
    let parts = [
        ("folder", None, b"panel/x".as_slice()),
        ("file", Some("a.csv"), b"a\r\n--b\r\n"),
        ("file", Some("../b"), b"up"),
        ("file", Some("large"), &large),
        ("else", None, b"whatever"),
        ("file", Some(&long), b""),
        ("file", Some("a.csv/c"), b"c"),
        ("file", None, b"no name"),
        ("file", Some(""), b""),
        ("folder", None, b""),
        ("file", Some("gr\u{f6}\u{df}e \u{65e5}"), b""),
        ("folder", None, b"\xff"),
        ("file", Some("d"), b"d"),
    ];
    let came = taken(&store, form(&parts), 5000).await.expect("taken");
    assert_eq!(came.kept, 2);
    let refused = [
        ("../b", "name"),
        ("large", "bytes"),
        (&long, "name"),
        ("a.csv/c", "clash"),
        ("", "name"),
        ("d", "name"),
    ];
    assert_eq!(refusals(&came), refused);
    assert_eq!(
        there(&folder, "panel/x/a.csv").as_deref(),
        Some(b"a\r\n--b\r\n".as_slice())
    );
    assert_eq!(there(&folder, "gr\u{f6}\u{df}e \u{65e5}"), Some(vec![]));
    assert_eq!(store.shown().bytes, 8);
}

#[tokio::test]
async fn what_is_no_form_with_files_breaks_off() {
    let folder = tempfile::tempdir().expect("tempdir");
    let store = store(&folder);
    let good = form(&[
        ("file", Some("a"), b"whole"),
        ("file", Some("b"), b"the other"),
    ]);
    // Anywhere before its last line: what was whole until then is there.
    for end in 0..good.len() - 4 {
        let cut = taken(&store, good[..end].to_vec(), 7).await;
        assert!(cut.is_err(), "{end}");
        assert_ne!(there(&folder, "a").as_deref(), Some(b"whol".as_slice()));
    }
    assert_eq!(there(&folder, "a").as_deref(), Some(b"whole".as_slice()));
    assert_eq!(taken(&store, good, 7).await.expect("the control").kept, 2);

    let endless = |begin: &str| [begin.as_bytes(), &vec![b'x'; 1 << 20]].concat();
    for bad in [
        vec![],
        endless(""),
        endless(&format!("--{BOUNDARY}\r\nContent-Disposition: ")),
        endless(&format!("--{BOUNDARY}")),
    ] {
        assert!(taken(&store, bad, 3000).await.is_err());
    }
    let plain = Request::builder()
        .body(Body::from("a=b"))
        .expect("a request");
    assert!(take(plain, &store, &Activity::default()).await.is_err());
}

#[tokio::test]
async fn side_by_side_they_do_not_mix() {
    let folder = tempfile::tempdir().expect("tempdir");
    let store = store(&folder);
    let of = |byte: u8| form(&[("file", Some("same"), &vec![byte; 200_000])]);
    let all = (b'a'..b'e').map(|byte| taken(&store, of(byte), 1000));
    for came in futures::future::join_all(all).await {
        assert_eq!(came.expect("taken").kept, 1);
    }
    let bytes = there(&folder, "same").expect("there");
    assert!(bytes.len() == 200_000 && bytes.iter().all(|b| *b == bytes[0]));
    assert_eq!(store.shown().bytes, 200_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Content that looks like the end of a part, cut into any pieces.
    #[test]
    fn what_is_sent_is_what_is_there(
        pieces in prop::collection::vec(prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b"\r\n--".to_vec()),
            Just(b"\r\n------WebKitFormBoundaryAbC12".to_vec()),
            Just(b"------WebKitFormBoundaryAbC123".to_vec()),
            Just(b"\r".to_vec()),
            prop::collection::vec(any::<u8>(), 0..40),
        ], 0..12),
        cut in 1_usize..60,
    ) {
        let content = pieces.concat();
        let end = format!("\r\n--{BOUNDARY}").into_bytes();
        prop_assume!(!content.windows(end.len()).any(|w| w == end));
        let folder = tempfile::tempdir().expect("tempdir");
        let parts = [("file", Some("a"), content.as_slice()), ("file", Some("b"), b"next")];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let came = runtime.expect("a runtime").block_on(taken(&store(&folder), form(&parts), cut));
        prop_assert_eq!(came.expect("taken").kept, 2);
        prop_assert_eq!(there(&folder, "a"), Some(content));
        prop_assert_eq!(there(&folder, "b"), Some(b"next".to_vec()));
    }
}
