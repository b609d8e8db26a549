use std::fs;

use sde_core::airlock::JobKind;

use super::*;
use crate::airlock::fixture::{Site, task};
use crate::airlock::seal::seal;

/// A sealed chamber with these files.
fn sealed(files: &[(&str, &[u8])]) -> (Site, Manifest) {
    let site = Site::new();
    for (name, bytes) in files {
        site.put(name, bytes);
    }
    let chamber = site.chamber();
    seal(&task(JobKind::Seal), &site.source(), &chamber, &mut |_| {}).expect("sealed");
    let manifest = chamber.manifest().expect("read").expect("sealed");
    (site, manifest)
}

fn archive(site: &Site, manifest: &Manifest) -> (Vec<u8>, Result<(), TarError>) {
    let content = Folder::open(&site.chamber().content()).expect("content");
    let mut bytes = Vec::new();
    let written = write(manifest, &content, 1, &mut bytes);
    (bytes, written)
}

#[test]
fn it_is_as_long_as_was_said_and_holds_what_was_sealed() {
    let long = format!("{}/{}.csv", "folder-".repeat(20), "näme".repeat(30));
    let block = vec![b'x'; 512];
    let files = [
        ("a.csv", b"1,2\n".as_slice()),
        ("b/empty", b""),
        ("block", &block),
        (&long, b"deep"),
    ];
    let (site, manifest) = sealed(&files);
    let (bytes, written) = archive(&site, &manifest);
    written.expect("whole");
    assert_eq!(bytes.len() as u64, length(&manifest).expect("a length"));
    assert_eq!(archive(&site, &manifest).0, bytes, "always the same bytes");
    let mut read = tar::Archive::new(bytes.as_slice());
    let mut found = Vec::new();
    for entry in read.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let header = entry.header();
        assert_eq!(header.mode().expect("mode"), 0o644);
        assert_eq!(header.mtime().expect("time"), 0);
        assert_eq!(header.uid().expect("owner"), 0);
        let path = entry
            .path()
            .expect("path")
            .to_str()
            .expect("UTF-8")
            .to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("content");
        found.push((path, content));
    }
    let wanted: Vec<_> = files.map(|(n, b)| (n.to_owned(), b.to_vec())).into();
    assert_eq!(found, wanted);
}

#[test]
fn what_is_not_what_was_sealed_ends_it_before_its_end() {
    let files = [
        ("a", b"first".as_slice()),
        ("b", b"second"),
        ("c", b"third"),
    ];
    let changes: [fn(&Site); 5] = [
        |s| fs::write(s.content("001"), b"sEcond").expect("other bytes"),
        |s| fs::write(s.content("001"), b"secon").expect("shorter"),
        |s| fs::write(s.content("001"), b"second.").expect("longer"),
        |s| fs::hard_link(s.content("001"), s.content("x")).expect("a second name"),
        |s| {
            std::os::unix::fs::symlink(s.content("000"), s.content("y")).expect("link");
            fs::rename(s.content("y"), s.content("001")).expect("in its place");
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let (site, manifest) = sealed(&files);
        for entry in fs::read_dir(site.chamber().content()).expect("content") {
            let path = entry.expect("entry").path();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            fs::set_permissions(path, mode).expect("writable");
        }
        assert!(archive(&site, &manifest).1.is_ok(), "the control");
        change(&site);
        let (bytes, written) = archive(&site, &manifest);
        assert!(
            matches!(written, Err(TarError::Changed(1))),
            "{number}: {written:?}"
        );
        let whole = length(&manifest).expect("a length");
        assert!(
            bytes.len() as u64 <= whole - END - 2 * BLOCK,
            "{number}: {}",
            bytes.len()
        );
        assert!(!bytes.windows(5).any(|w| w == b"third"), "{number}");
    }
}

#[test]
fn a_last_file_that_changed_ends_it_before_its_end_too() {
    let (site, manifest) = sealed(&[("a", b"first")]);
    let path = site.content("000");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&path, mode).expect("writable");
    fs::write(&path, b"fIrst").expect("other bytes");
    let (bytes, written) = archive(&site, &manifest);
    assert!(matches!(written, Err(TarError::Changed(0))));
    assert!((bytes.len() as u64) < length(&manifest).expect("a length"));
}
