//! Inboxes that are what was sealed, and inboxes that are not.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sde_core::airlock::JobKind;
use sde_core::airlock::report::Sealed;
use sde_core::airlock::task::Task;
use sde_crds::airlock_request::Direction;

use super::*;
use crate::airlock::fixture::{Site, import, task};
use crate::airlock::seal::seal;
use crate::airlock::verify::{there, verify};

fn seal_quietly(site: &Site, task: &Task) -> Result<Sealed, JobError> {
    let chamber = site.chamber_of(task.direction);
    seal(task, &site.source(), &chamber, &mut |_| {})
}

#[test]
fn whatever_changes_in_an_inbox_changes_the_digest() {
    let changed = |what: &str, change: &dyn Fn(&Site)| {
        let (site, task) = import();
        let digest = seal_quietly(&site, &task).expect("sealed").digest;
        let chamber = site.chamber_of(Direction::Import);
        assert_eq!(verify(&task, &chamber).expect("control"), digest);
        // As root on the node would.
        for folder in ["inbox", "inbox/panel"] {
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(site.root().join(folder), open).expect("mode");
        }
        change(&site);
        assert_ne!(verify(&task, &chamber).expect(what), digest, "{what}");
        let again = seal_quietly(&site, &task);
        assert!(matches!(again, Err(JobError::Chamber(_))), "{what}");
    };
    let inbox = |site: &Site, name: &str| site.root().join("inbox").join(name);
    let remove = |path: PathBuf| fs::remove_file(path).expect("removed");
    changed("a file less", &|s| remove(inbox(s, "b.txt")));
    changed("no inbox", &|s| {
        fs::remove_dir_all(s.root().join("inbox")).expect("removed");
    });
    changed("a copy", &|s| {
        remove(inbox(s, "b.txt"));
        fs::write(inbox(s, "b.txt"), b"B.\n").expect("the same bytes");
    });
    changed("a file more", &|s| {
        fs::write(inbox(s, "more"), b"").expect("written");
    });
    changed("an empty folder more", &|s| {
        fs::create_dir(inbox(s, "panel/more")).expect("made");
    });
    changed("another name", &|s| {
        fs::rename(inbox(s, "b.txt"), inbox(s, "c.txt")).expect("renamed");
    });
    changed("names swapped", &|s| {
        let (one, other) = (inbox(s, "b.txt"), inbox(s, "panel/a.csv"));
        fs::rename(&one, inbox(s, "x")).expect("renamed");
        fs::rename(&other, &one).expect("renamed");
        fs::rename(inbox(s, "x"), &other).expect("renamed");
    });
    changed("a name more", &|s| {
        fs::hard_link(inbox(s, "b.txt"), s.outside().join("x")).expect("linked");
    });
    changed("a name more inside", &|s| {
        fs::hard_link(inbox(s, "b.txt"), inbox(s, "x")).expect("linked");
    });
    changed("a name less", &|s| remove(s.content("000")));
    changed("a link", &|s| {
        remove(inbox(s, "b.txt"));
        symlink("../content/000", inbox(s, "b.txt")).expect("link");
    });
    changed("a folder that is a link", &|s| {
        fs::rename(inbox(s, "panel"), s.root().join("panel")).expect("moved");
        symlink("../panel", inbox(s, "panel")).expect("link");
    });
    changed("an inbox that is a link", &|s| {
        fs::rename(s.root().join("inbox"), s.root().join("else")).expect("moved");
        symlink("else", s.root().join("inbox")).expect("link");
    });
    changed("a pipe", &|s| {
        mknodat(CWD, inbox(s, "pipe"), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    });
}

/// One name each for an Export, two for an Import: a chamber of the one is none of the other.
#[test]
fn how_many_names_a_file_has_is_part_of_what_is_sealed() {
    for (site, task) in [(Site::filled(), task(JobKind::Seal)), import()] {
        let digest = seal_quietly(&site, &task).expect("sealed").digest;
        let there = |direction| there(&task, &site.chamber_of(direction)).expect("read").1;
        let (export, import) = (there(Direction::Export), there(Direction::Import));
        let importing = task.direction == Direction::Import;
        assert_eq!(
            (export == digest, import == digest),
            (!importing, importing)
        );
    }
}
