//! Sealing real folders, while others change them, and killed at every step.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sde_core::airlock::JobKind;
use sde_core::airlock::viewing::ViewingSecret;
use sha2::{Digest, Sha256};

use super::*;
use crate::airlock::fixture::{COUNTS, Site, UID, dies, import, put, seal_quietly, task};
use crate::airlock::verify::verify;

fn sealed(site: &Site) -> Sealed {
    seal_quietly(site, &task(JobKind::Seal)).expect("sealed")
}

/// Why a good folder is not sealed when `meanwhile` happens at this point.
fn refused(at: Progress, meanwhile: impl Fn(&Site)) -> Refusal {
    let site = Site::filled();
    sealed(&site);
    let site = Site::filled();
    let mut happened = false;
    let mut hook = |progress| {
        if progress == at {
            happened = true;
            meanwhile(&site);
        }
    };
    let result = seal(
        &task(JobKind::Seal),
        &site.source(),
        &site.chamber(),
        &mut hook,
    );
    assert!(happened && !site.manifest().exists());
    match result {
        Err(JobError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_chamber_holds_what_its_manifest_says() {
    let site = Site::filled();
    let said = sealed(&site);
    let manifest = fs::read_to_string(site.manifest()).expect("manifest");
    let (a, b) = (
        hex::encode(Sha256::digest(b"A plot.\n")),
        hex::encode(Sha256::digest(COUNTS)),
    );
    assert_eq!(
        manifest,
        format!(
            r#"{{"files":[{{"number":0,"path":"figures/plot.txt","sha256":"{a}","size":8}},{{"number":1,"path":"table.csv","sha256":"{b}","size":41}}],"version":1}}"#
        )
    );
    let whole = hex::encode(Sha256::digest(format!("{UID}\n{manifest}")));
    assert_eq!(
        said,
        Sealed {
            digest: format!("v1:sha256:{whole}"),
            files: 2,
            bytes: 49,
            recipient: None,
            fingerprints: Vec::new(),
        }
    );
    assert_eq!(fs::read(site.content("000")).expect("file"), b"A plot.\n");
    assert_eq!(fs::read(site.content("001")).expect("file"), COUNTS);
    let mode = fs::metadata(site.content("001"))
        .expect("file")
        .permissions();
    assert_eq!(mode.mode() & 0o222, 0, "nobody writes it again");
    assert!(site.root().join("report").is_dir(), "the scan mounts it");

    let other = Task {
        salt: "another-request".into(),
        ..task(JobKind::Seal)
    };
    let other = seal_quietly(&site, &other).expect("sealed");
    assert_ne!(other.digest, said.digest, "digests are salted");
}

#[test]
fn later_changes_of_the_folder_change_nothing() {
    let site = Site::filled();
    let said = sealed(&site);
    site.put("table.csv", b"something else");
    site.put("more", b"more");
    assert_eq!(sealed(&site), said);
    fs::remove_dir_all(site.source()).expect("removed");
    assert_eq!(sealed(&site), said);
    assert_eq!(fs::read(site.content("001")).expect("file"), COUNTS);
}

#[test]
fn a_sparse_file_is_copied_as_what_it_reads_as() {
    let site = Site::new();
    let file = fs::File::create(site.source().join("sparse")).expect("file");
    file.set_len(3 << 20).expect("sparse");
    assert!(file.metadata().expect("file").blocks() < 8);
    assert_eq!(sealed(&site).bytes, 3 << 20);
    assert_eq!(
        fs::read(site.content("000")).expect("file"),
        vec![0; 3 << 20]
    );
}

#[test]
fn a_file_that_changes_while_it_is_copied_is_refused() {
    let table = |site: &Site| site.source().join("table.csv");
    // While the other file is copied, and while it is itself.
    for at in [Progress::Begun, Progress::Copying(1, 41)] {
        let grown = refused(at, |site| {
            fs::write(table(site), [COUNTS, b"more"].concat()).expect("grown");
        });
        assert_eq!(grown, Refusal::Changed);
        let shrunk = refused(at, |site| fs::write(table(site), "").expect("shrunk"));
        assert_eq!(shrunk, Refusal::Changed);
    }
    let rewritten = refused(Progress::Copying(1, 41), |site| {
        // Before Linux 6.13 a file's times move on with the timer's tick.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(table(site), COUNTS.to_ascii_uppercase()).expect("rewritten");
    });
    assert_eq!(rewritten, Refusal::Changed);
}

#[test]
fn a_path_that_is_swapped_wins_nothing() {
    let table = |site: &Site| site.source().join("table.csv");
    let secret = |site: &Site| put(&site.outside(), "secret/plot.txt", b"secret\n!");
    let to_link = refused(Progress::Listed, |site| {
        fs::remove_file(table(site)).expect("removed");
        symlink(secret(site), table(site)).expect("link");
    });
    assert_eq!(to_link, Refusal::SymbolicLink);
    let folder_to_link = refused(Progress::Listed, |site| {
        fs::remove_dir_all(site.source().join("figures")).expect("removed");
        let to = secret(site);
        symlink(to.parent().expect("parent"), site.source().join("figures")).expect("link");
    });
    assert_eq!(folder_to_link, Refusal::SymbolicLink);
    let to_hard_link = refused(Progress::Listed, |site| {
        fs::remove_file(table(site)).expect("removed");
        fs::hard_link(secret(site), table(site)).expect("link");
    });
    assert_eq!(to_hard_link, Refusal::HardLink);
    let to_another = refused(Progress::Listed, |site| {
        let other = put(&site.outside(), "other", COUNTS);
        fs::rename(other, table(site)).expect("renamed");
    });
    assert_eq!(to_another, Refusal::Changed);
    let to_pipe = refused(Progress::Listed, |site| {
        fs::remove_file(table(site)).expect("removed");
        mknodat(CWD, table(site), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    });
    assert_eq!(to_pipe, Refusal::SpecialFile);
    let gone = refused(Progress::Listed, |site| {
        fs::remove_file(table(site)).expect("removed");
    });
    assert_eq!(gone, Refusal::Changed);
}

#[test]
fn a_folder_without_files_is_not_sealed() {
    let site = Site::new();
    let empty = seal_quietly(&site, &task(JobKind::Seal));
    assert!(matches!(empty, Err(JobError::Refused(Refusal::Empty))));
}

#[test]
fn an_import_is_sealed_from_what_was_uploaded() {
    let (site, task) = import();
    let said = seal_quietly(&site, &task).expect("sealed");
    assert_eq!((said.files, said.bytes), (2, 44));
    assert_eq!(fs::read(site.content("001")).expect("file"), COUNTS);
    assert!(
        !site.root().join("upload").exists(),
        "nothing unsealed crosses"
    );
    let inbox = [
        ("", 0o555, None),
        ("b.txt", 0o444, Some(b"B.\n".to_vec())),
        ("panel", 0o555, None),
        ("panel/a.csv", 0o444, Some(COUNTS.to_vec())),
    ];
    let inbox = inbox.map(|(path, mode, bytes)| (path.to_owned(), (mode, bytes)));
    assert_eq!(tree(&site.root().join("inbox")), inbox.into());
    assert_eq!(seal_quietly(&site, &task).expect("again"), said);

    let nothing = seal_quietly(&Site::new(), &task);
    assert!(matches!(nothing, Err(JobError::Refused(Refusal::Empty))));
    let (site, task) = import();
    symlink("b.txt", site.root().join("upload/link")).expect("link");
    let linked = seal_quietly(&site, &task);
    assert!(matches!(
        linked,
        Err(JobError::Refused(Refusal::SymbolicLink))
    ));
}

/// What is in a folder, itself included: by path its mode, and the bytes of a file.
fn tree(root: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(what) = fs::symlink_metadata(&path) else {
            continue;
        };
        let bytes = what.is_file().then(|| fs::read(&path).expect("file"));
        if what.is_dir() {
            let entries = fs::read_dir(&path).expect("folder");
            left.extend(entries.map(|entry| entry.expect("entry").path()));
        }
        let name = path.strip_prefix(root).expect("below").to_str();
        let mode = what.permissions().mode() & 0o777;
        found.insert(name.expect("UTF-8").to_owned(), (mode, bytes));
    }
    found
}

#[test]
fn files_are_known_again_under_a_key() {
    let marks = |of: &str| {
        let site = Site::filled();
        let key = ViewingSecret::new(&[7; 32])
            .expect("a key")
            .fingerprints(of);
        let task = Task {
            fingerprints: Some(key.clone()),
            ..task(JobKind::Seal)
        };
        let first = seal_quietly(&site, &task).expect("sealed");
        assert_eq!(seal_quietly(&site, &task).expect("again"), first);
        let files = [&b"A plot.\n"[..], COUNTS].map(|f| key.of(&hex::encode(Sha256::digest(f))));
        assert_eq!(first.fingerprints, files);
        first.fingerprints
    };
    let (one, other) = (marks("p-1"), marks("p-2"));
    assert!(one.iter().zip(&other).all(|(one, other)| one != other));
}

/// Makes the folder of a file one that nobody adds to.
fn shut(file: &Path) {
    let folder = file.parent().expect("parent");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).expect("mode");
}

#[test]
fn killed_at_any_step_it_resumes_to_the_same() {
    type Make = fn() -> (Site, Task);
    // Listed, begun, two files twice, sealed; and two files laid.
    let makers: [(Make, usize); 2] = [(|| (Site::filled(), task(JobKind::Seal)), 7), (import, 9)];
    for (make, steps) in makers {
        let (site, task) = make();
        let whole = seal_quietly(&site, &task).expect("sealed");
        let inbox = tree(&site.root().join("inbox"));
        let mut deaths = 0;
        for nth in 0.. {
            let (site, task) = make();
            if !dies(&site, &task, nth) {
                break;
            }
            deaths += 1;
            // Whatever was being written when it died.
            if !site.manifest().exists() {
                put(&site.root(), "sealed/manifest.json.new", b"{\"files\":[");
                put(&site.root(), "content/000", b"torn");
                put(&site.root(), "content/017", b"of an earlier attempt");
                shut(&put(&site.root(), "inbox/old/x", b"of an earlier attempt"));
            }
            // It may die again on the way.
            let _ = dies(&site, &task, nth);
            let again = seal_quietly(&site, &task).expect("resumed");
            assert_eq!(again, whole, "after step {nth}");
            let verified = verify(&task, &site.chamber_of(task.direction));
            assert_eq!(verified.expect("verified"), whole.digest);
            assert_eq!(tree(&site.root().join("inbox")), inbox, "step {nth}");
        }
        assert_eq!(deaths, steps);
    }
}

#[test]
fn a_repeat_over_a_changed_chamber_has_no_result() {
    let site = Site::filled();
    sealed(&site);
    let content = site.content("001");
    fs::remove_file(&content).expect("removed");
    fs::write(&content, COUNTS.to_ascii_uppercase()).expect("changed");
    let result = seal_quietly(&site, &task(JobKind::Seal));
    assert!(matches!(result, Err(JobError::Chamber(_))), "{result:?}");
}

#[test]
fn whatever_changes_in_the_chamber_changes_the_digest() {
    let changed = |change: &dyn Fn(&Site)| {
        let site = Site::filled();
        let digest = sealed(&site).digest;
        let task = task(JobKind::Verify);
        assert_eq!(verify(&task, &site.chamber()).expect("control"), digest);
        change(&site);
        assert_ne!(verify(&task, &site.chamber()).expect("verified"), digest);
    };
    let replace = |site: &Site, with: &[u8]| {
        fs::remove_file(site.content("001")).expect("removed");
        fs::write(site.content("001"), with).expect("written");
    };
    changed(&|site| replace(site, b""));
    changed(&|site| replace(site, &COUNTS.to_ascii_uppercase()));
    changed(&|site| fs::remove_file(site.content("000")).expect("removed"));
    changed(&|site| fs::write(site.content("002"), "x").expect("written"));
    changed(&|site| fs::write(site.content("x"), "x").expect("written"));
    changed(&|site| fs::rename(site.content("001"), site.content("002")).expect("renamed"));
    changed(&|site| {
        let same = put(&site.outside(), "same", COUNTS);
        fs::remove_file(site.content("001")).expect("removed");
        symlink(same, site.content("001")).expect("link");
    });
    changed(&|site| {
        fs::remove_file(site.content("001")).expect("removed");
        mknodat(CWD, site.content("001"), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    });
    changed(&|site| {
        let manifest = fs::read_to_string(site.manifest()).expect("manifest");
        fs::remove_file(site.manifest()).expect("removed");
        fs::write(site.manifest(), manifest.replace("table", "tablE")).expect("written");
    });
    changed(&|site| {
        fs::remove_file(site.manifest()).expect("removed");
        fs::write(site.manifest(), "no manifest").expect("written");
    });

    let site = Site::filled();
    let nothing = verify(&task(JobKind::Verify), &site.chamber());
    assert!(matches!(nothing, Err(JobError::Chamber(_))));
}
