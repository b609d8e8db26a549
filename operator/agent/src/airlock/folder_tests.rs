//! Real folders with real links, pipes and sockets in them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, mknodat};

use super::*;
use crate::airlock::fixture::Site;

const BYTES: u64 = 64 << 20;

fn list(site: &Site) -> Result<Vec<String>, Refusal> {
    within(site, 50, BYTES)
}

fn within(site: &Site, files: u64, bytes: u64) -> Result<Vec<String>, Refusal> {
    let folder = Folder::open(&site.source()).expect("folder");
    match folder.list(files, bytes) {
        Ok(found) => Ok(found.into_iter().map(|e| e.path).collect()),
        Err(JobError::Refused(why)) => Err(why),
        Err(other) => panic!("{other}"),
    }
}

/// A good folder, which is refused once `spoil` was done to it.
fn refused(spoil: impl FnOnce(&Site)) -> Refusal {
    let site = Site::filled();
    assert!(list(&site).is_ok(), "the control");
    spoil(&site);
    list(&site).expect_err("spoilt")
}

fn node(site: &Site, kind: FileType) -> Result<(), Errno> {
    mknodat(CWD, site.source().join("node"), kind, Mode::RUSR, 0x0103)
}

#[test]
fn files_are_listed_by_the_bytes_of_their_paths() {
    let site = Site::new();
    for path in ["b", "a/c", "a.txt", "a/b/d", "é", "B"] {
        site.put(path, path.as_bytes());
    }
    fs::create_dir(site.source().join("nothing-in-it")).expect("directory");
    let paths = list(&site).expect("good");
    assert_eq!(paths, ["B", "a.txt", "a/b/d", "a/c", "b", "é"]);
}

#[test]
fn links_are_refused() {
    let to = |target: &'static str| {
        move |site: &Site| symlink(target, site.source().join("link")).expect("link")
    };
    assert_eq!(refused(to("table.csv")), Refusal::SymbolicLink);
    assert_eq!(refused(to("figures")), Refusal::SymbolicLink);
    assert_eq!(refused(to("/etc/passwd")), Refusal::SymbolicLink);
    assert_eq!(refused(to("nowhere")), Refusal::SymbolicLink);
    let twice = refused(|site| {
        let (from, to) = (site.source().join("table.csv"), site.source().join("again"));
        fs::hard_link(from, to).expect("link");
    });
    assert_eq!(twice, Refusal::HardLink);
    let elsewhere = refused(|site| {
        let (from, to) = (site.source().join("table.csv"), site.outside().join("x"));
        fs::hard_link(from, to).expect("link");
    });
    assert_eq!(elsewhere, Refusal::HardLink);
}

#[test]
fn pipes_sockets_and_devices_are_refused() {
    let pipe = refused(|site| node(site, FileType::Fifo).expect("pipe"));
    assert_eq!(pipe, Refusal::SpecialFile);
    let socket = refused(|site| {
        UnixListener::bind(site.source().join("s")).expect("socket");
    });
    assert_eq!(socket, Refusal::SpecialFile);
    // Only root can make one, and not in every sandbox.
    let site = Site::filled();
    if node(&site, FileType::CharacterDevice).is_ok() {
        assert_eq!(list(&site), Err(Refusal::SpecialFile));
    }
}

#[test]
fn names_that_do_not_print_are_refused() {
    for name in [
        &b"a\xff"[..],
        b"a\nb",
        b"\x1b[2J",
        b"a\x7f",
        "a\u{85}b".as_bytes(),
    ] {
        let why = refused(|site| {
            fs::write(site.source().join(OsStr::from_bytes(name)), "x").expect("file");
        });
        assert_eq!(why, Refusal::Name, "{name:?}");
        let why = refused(|site| {
            fs::create_dir(site.source().join(OsStr::from_bytes(name))).expect("directory");
        });
        assert_eq!(why, Refusal::Name, "{name:?}");
    }
    let long = vec!["d".repeat(200); 6].join("/");
    let why = refused(|site| {
        site.put(&long, b"x");
    });
    assert_eq!(why, Refusal::Name);
}

#[test]
fn there_are_at_most_so_many_files() {
    let site = Site::new();
    for n in 0..50 {
        site.put(&format!("{}/{n}", n % 7), b"x");
    }
    assert_eq!(list(&site).map(|l| l.len()), Ok(50));
    site.put("one-more", b"x");
    assert_eq!(list(&site), Err(Refusal::TooManyFiles));
}

#[test]
fn there_are_at_most_so_many_bytes() {
    let site = Site::new();
    site.put("a", &[0; 60]);
    site.put("b", &[0; 40]);
    assert_eq!(within(&site, 50, 100).map(|l| l.len()), Ok(2));
    assert_eq!(within(&site, 50, 99), Err(Refusal::TooManyBytes));
    let sparse = fs::File::create(site.source().join("sparse")).expect("file");
    sparse.set_len(1 << 40).expect("sparse");
    assert_eq!(list(&site), Err(Refusal::TooManyBytes));
}

#[test]
fn folders_end() {
    let deep = |levels: usize| vec!["d"; levels].join("/");
    let site = Site::new();
    site.put(&format!("{}/x", deep(DEPTH_MAX)), b"x");
    assert_eq!(list(&site).map(|l| l.len()), Ok(1));
    site.put(&format!("{}/x", deep(DEPTH_MAX + 1)), b"x");
    assert_eq!(list(&site), Err(Refusal::TooManyFiles));

    let site = Site::new();
    for n in 1..FOLDERS_MAX {
        fs::create_dir(site.source().join(n.to_string())).expect("directory");
    }
    assert_eq!(list(&site).map(|l| l.len()), Ok(0));
    fs::create_dir(site.source().join("more")).expect("directory");
    assert_eq!(list(&site), Err(Refusal::TooManyFiles));
}

#[test]
fn nothing_outside_is_opened() {
    let site = Site::filled();
    crate::airlock::fixture::put(&site.outside(), "secret", b"secret");
    symlink(site.outside(), site.source().join("out")).expect("link");
    symlink("figures", site.source().join("in")).expect("link");
    let folder = Folder::open(&site.source()).expect("folder");
    assert!(folder.file("figures/plot.txt").is_ok(), "the control");
    for path in ["out/secret", "in/plot.txt"] {
        assert!(site.source().join(path).exists(), "a plain open would");
        assert_eq!(folder.file(path).expect_err(path), Errno::LOOP);
    }
    for path in ["../secret", "figures/../../secret", "/etc/passwd"] {
        assert_eq!(folder.file(path).expect_err(path), Errno::XDEV);
    }
    assert!(Folder::open(&site.source().join("out")).is_err());
}

#[test]
fn what_is_mounted_below_is_another_place_unless_it_is_asked_for() {
    // A mount that every container has.
    let (folder, mounted) = (Path::new("/"), "proc/version");
    let shut = Folder::open(folder).expect("folder").file(mounted);
    assert_eq!(shut.err(), Some(Errno::XDEV));
    let open = Folder::open_with_mounts(folder).expect("folder");
    assert!(open.file(mounted).is_ok());
    let link = open.file("proc/self/exe").err();
    assert_eq!(link, Some(Errno::LOOP), "links are none of those");
    assert_eq!(open.file("proc/../../etc/passwd").err(), Some(Errno::XDEV));
}
