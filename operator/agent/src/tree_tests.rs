//! Manifests of real directories.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::symlink;
use std::process::Command;

fn manifest(root: &Path) -> Result<(String, Summary), TreeError> {
    let mut lines = Vec::new();
    let summary = hash_tree(root, &mut lines, &mut |_, _| {})?;
    Ok((String::from_utf8_lossy(&lines).into_owned(), summary))
}

fn write(root: &Path, relative: &str, content: &[u8]) {
    let path = root.join(relative);
    fs::create_dir_all(path.parent().expect("parent")).expect("directories");
    fs::write(path, content).expect("file");
}

fn paths(lines: &str) -> Vec<&str> {
    lines
        .lines()
        .map(|l| l.splitn(3, "  ").nth(2).expect("three fields"))
        .collect()
}

#[test]
fn lines_are_canonical_and_hash_to_the_digest() {
    let dir = tempfile::tempdir().expect("tempdir");
    write(dir.path(), "b.txt", b"hello\n");
    write(dir.path(), "a/empty", b"");
    fs::create_dir(dir.path().join("empty-directory")).expect("directory");
    let (lines, summary) = manifest(dir.path()).expect("manifest");
    // The hashes are sha256sum's of the empty string and of "hello\n".
    assert_eq!(
        lines,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  0  a/empty\n\
         5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  6  b.txt\n"
    );
    let whole = hex::encode(Sha256::digest(lines.as_bytes()));
    assert_eq!(
        summary,
        Summary {
            digest: format!("sha256:{whole}"),
            files: 2,
            bytes: 6
        }
    );
}

#[test]
fn order_is_by_the_bytes_of_the_whole_path() {
    let dir = tempfile::tempdir().expect("tempdir");
    for path in ["a/b", "a.txt", "a0", "a/", "B", "é", "a/b.c/d", "a/b-c"] {
        if !path.ends_with('/') && path != "a/b" {
            write(dir.path(), path, b"x");
        }
    }
    let (lines, _) = manifest(dir.path()).expect("manifest");
    assert_eq!(paths(&lines), ["B", "a.txt", "a/b-c", "a/b.c/d", "a0", "é"]);
}

#[test]
fn a_changed_byte_a_new_name_and_a_moved_byte_change_the_digest() {
    let dir = tempfile::tempdir().expect("tempdir");
    write(dir.path(), "x", b"12");
    write(dir.path(), "y", b"34");
    let digest = || manifest(dir.path()).expect("manifest").1.digest;
    let first = digest();
    assert_eq!(first, digest());
    write(dir.path(), "x", b"13");
    let changed = digest();
    write(dir.path(), "x", b"12");
    assert_eq!(first, digest());
    fs::rename(dir.path().join("x"), dir.path().join("z")).expect("rename");
    let renamed = digest();
    write(dir.path(), "z", b"1");
    write(dir.path(), "y", b"234");
    let moved = digest();
    let all: std::collections::BTreeSet<_> = [first, changed, renamed, moved].into();
    assert_eq!(all.len(), 4);
}

#[test]
fn a_file_larger_than_the_buffer_is_hashed_whole() {
    let dir = tempfile::tempdir().expect("tempdir");
    let content: Vec<u8> = (0..BUFFER * 2 + 7).map(|i| (i % 251) as u8).collect();
    write(dir.path(), "big", &content);
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    hash_tree(dir.path(), &mut lines, &mut |files, bytes| {
        seen.push((files, bytes))
    })
    .expect("ok");
    let expected = hex::encode(Sha256::digest(&content));
    assert!(lines.starts_with(expected.as_bytes()));
    assert_eq!(seen.last(), Some(&(0, content.len() as u64)));
}

#[test]
fn links_and_special_files_are_refused_by_kind_and_publicly_without_their_name() {
    let dir = tempfile::tempdir().expect("tempdir");
    let path = |name: &str| dir.path().join(name);
    write(dir.path(), "file", b"x");
    let expect = |name: &str, public: &str| {
        let error = manifest(dir.path()).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.public(), public);
        fs::remove_file(path(name)).expect("remove");
        manifest(dir.path()).expect("good again");
    };
    symlink("file", path("secret-link")).expect("link");
    expect("secret-link", "a symbolic link is not allowed in a dataset");
    symlink("/nowhere", path("dangling")).expect("link");
    expect("dangling", "a symbolic link is not allowed in a dataset");
    symlink(".", path("loop")).expect("link");
    expect("loop", "a symbolic link is not allowed in a dataset");
    assert!(
        Command::new("mkfifo")
            .arg(path("pipe"))
            .status()
            .expect("mkfifo")
            .success()
    );
    expect("pipe", "a named pipe is not allowed in a dataset");
    let socket = std::os::unix::net::UnixListener::bind(path("sock")).expect("socket");
    expect("sock", "a socket is not allowed in a dataset");
    drop(socket);
    fs::write(path("new\nline"), b"x").expect("file");
    let error = manifest(dir.path()).expect_err("newline");
    assert!(!error.to_string().contains('\n'), "escaped in the log");
    assert_eq!(error.public(), "a file name has a control character");
}

#[test]
fn the_root_must_be_a_real_directory() {
    let dir = tempfile::tempdir().expect("tempdir");
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("d")).expect("directory");
    symlink("d", path("l")).expect("link");
    fs::write(path("f"), b"x").expect("file");
    assert!(matches!(manifest(&path("l")), Err(TreeError::Symlink(_))));
    assert!(matches!(manifest(&path("f")), Err(TreeError::Root(_))));
    assert!(matches!(
        manifest(&path("absent")),
        Err(TreeError::Read(..))
    ));
    assert_eq!(manifest(&path("d")).expect("empty").1.files, 0);
}

#[test]
fn names_that_are_no_utf8_are_kept_as_bytes() {
    let dir = tempfile::tempdir().expect("tempdir");
    fs::write(
        dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe")),
        b"",
    )
    .expect("file");
    let mut lines = Vec::new();
    hash_tree(dir.path(), &mut lines, &mut |_, _| {}).expect("manifest");
    assert!(lines.ends_with(b"  0  \xff\xfe\n"));
}

#[test]
fn a_file_that_grows_while_it_is_read_is_refused() {
    let dir = tempfile::tempdir().expect("tempdir");
    write(dir.path(), "log", b"first");
    let path = dir.path().join("log");
    let mut grow = |_, _| fs::write(&path, b"first and more").expect("write");
    let result = hash_tree(dir.path(), &mut Vec::new(), &mut grow);
    assert!(matches!(result, Err(TreeError::Changed(_))), "{result:?}");
}

#[test]
fn an_unwritable_output_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().expect("tempdir");
    write(dir.path(), "x", b"x");
    let result = hash_tree(dir.path(), &mut Full, &mut |_, _| {});
    assert!(matches!(result, Err(TreeError::Output(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The walk's order is that of a plain sort of all the paths.
    #[test]
    fn the_walk_sorts_like_a_sort(
        names in proptest::collection::btree_set("[ab.0-]{1,2}(/[ab.0-]{1,2}){0,2}", 1..20)
    ) {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut made = Vec::new();
        for name in names {
            if name.split('/').any(|part| part == "." || part == "..") {
                continue;
            }
            let path = dir.path().join(&name);
            let parents = path.parent().map(fs::create_dir_all);
            // A name may already be a directory, or its parent a file; such ones are left out.
            if matches!(parents, Some(Ok(()))) && fs::write(&path, name.as_bytes()).is_ok() {
                made.push(name);
            }
        }
        made.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        let (lines, summary) = manifest(dir.path()).expect("manifest");
        prop_assert_eq!(paths(&lines), made.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(summary.files, made.len() as u64);
    }
}
