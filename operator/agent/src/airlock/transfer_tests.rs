//! Sealing what goes to another environment.

use std::fs;

use sde_core::airlock::transfer;
use sha2::{Digest, Sha256};

use super::*;
use crate::airlock::encrypt::Form;
use crate::airlock::encrypt::reader::Environment;
use crate::airlock::fixture::{COUNTS, Site, VCF, dies, seal_quietly, transfer_to};
use crate::airlock::verify::verify;
use crate::tree::hash_tree;

const ENCRYPTED: [(&str, Form); 4] = [
    ("a-b/cohort.txt.c4gh", Form::Crypt4gh),
    ("a.csv.age", Form::Age),
    ("a/empty.age", Form::Age),
    ("cohort.bed.c4gh", Form::Crypt4gh),
];

const BED: &[u8] = b"\x6c\x1b\x01\xdc\xdc";

/// A grant: genotypes under a name that does not say so, a table, nothing, and genotypes of PLINK.
fn granted() -> Site {
    let site = Site::new();
    site.put("a-b/cohort.txt", VCF);
    site.put("a.csv", COUNTS);
    site.put("a/empty", b"");
    site.put("cohort.bed", BED);
    site
}

fn registered(site: &Site) -> String {
    let summary = hash_tree(&site.source(), &mut io::sink(), &mut |_, _| {});
    summary.expect("manifest").digest
}

fn manifest(site: &Site) -> Manifest {
    let bytes = fs::read(site.manifest()).expect("manifest");
    Manifest::parse(&bytes).expect("a manifest")
}

/// What the environment makes of the chamber.
fn opened(site: &Site, environment: &Environment) -> Vec<Option<Vec<u8>>> {
    let bytes = (0..ENCRYPTED.len()).map(|n| fs::read(site.content(&format!("{n:03}"))));
    let forms = ENCRYPTED.iter().map(|(_, form)| *form);
    bytes
        .zip(forms)
        .map(|(bytes, form)| environment.open(form, &bytes.expect("file")))
        .collect()
}

#[test]
fn the_chamber_holds_what_only_the_environment_reads() {
    let (site, environment) = (granted(), Environment::new());
    let task = transfer_to(&environment, Some(registered(&site)));
    let said = seal_quietly(&site, &task).expect("sealed");
    let recipient = transfer::recipient(&environment.keys());
    assert!(recipient.is_some());
    assert_eq!((said.files, &said.recipient), (4, &recipient));
    let manifest = manifest(&site);
    assert_eq!(manifest.recipient, recipient);
    let paths: Vec<&str> = manifest.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ENCRYPTED.map(|(path, _)| path));
    for file in &manifest.files {
        let bytes = fs::read(site.content(&format!("{:03}", file.number))).expect("file");
        assert_eq!(file.size, bytes.len() as u64);
        assert_eq!(file.sha256, hex::encode(Sha256::digest(&bytes)));
        assert!(
            !bytes
                .windows(8)
                .any(|w| w == &VCF[..8] || w == &COUNTS[..8])
        );
    }
    let plain = [VCF, COUNTS, b"", BED].map(|plain| Some(plain.to_vec()));
    assert_eq!(opened(&site, &environment), plain);
    assert_eq!(opened(&site, &Environment::new()), [None, None, None, None]);
    let verified = verify(&task, &site.chamber_of(task.direction));
    assert_eq!(verified.expect("verified"), said.digest);
}

#[test]
fn for_whom_it_is_is_part_of_what_people_confirm() {
    let site = granted();
    let task = transfer_to(&Environment::new(), None);
    let digest = seal_quietly(&site, &task).expect("sealed").digest;
    let text = fs::read_to_string(site.manifest()).expect("manifest");
    let other = transfer::recipient(&Environment::new().keys()).expect("digest");
    let changed = text.replace(&manifest(&site).recipient.expect("recipient"), &other);
    assert_ne!(changed, text);
    fs::remove_file(site.manifest()).expect("removed");
    fs::write(site.manifest(), changed).expect("written");
    let verified = verify(&task, &site.chamber_of(task.direction));
    assert_ne!(verified.expect("verified"), digest);
}

#[test]
fn a_repeat_with_other_keys_says_whose_were_used() {
    let (site, environment) = (granted(), Environment::new());
    let said = seal_quietly(&site, &transfer_to(&environment, None)).expect("sealed");
    let later = transfer_to(&Environment::new(), None);
    assert_eq!(seal_quietly(&site, &later).expect("again"), said);
    assert!(opened(&site, &environment).iter().all(Option::is_some));

    // A chamber that is not encrypted, or encrypted and of something else, is not what this request sealed.
    let export = Task {
        direction: Direction::Export,
        ..later
    };
    let result = seal_quietly(&site, &export);
    assert!(matches!(result, Err(JobError::Chamber(_))), "{result:?}");
    let site = granted();
    seal_quietly(&site, &export).expect("sealed");
    let result = seal_quietly(&site, &transfer_to(&environment, None));
    assert!(matches!(result, Err(JobError::Chamber(_))), "{result:?}");
}

#[test]
fn only_what_was_registered_is_sealed() {
    let environment = Environment::new();
    let changed = |change: &dyn Fn(&Site)| {
        let site = granted();
        let task = transfer_to(&environment, Some(registered(&site)));
        change(&site);
        let result = seal_quietly(&site, &task);
        let refused = matches!(result, Err(JobError::Refused(Refusal::NotAsRegistered)));
        assert_eq!(refused, !site.manifest().exists(), "{result:?}");
        refused
    };
    assert!(!changed(&|_| {}), "the control");
    assert!(changed(&|site| drop(
        site.put("a.csv", &COUNTS.to_ascii_uppercase())
    )));
    assert!(changed(&|site| drop(site.put("more", b""))));
    assert!(changed(&|site| {
        let [from, to] = ["a.csv", "b.csv"].map(|name| site.source().join(name));
        fs::rename(from, to).expect("renamed");
    }));
    assert!(changed(&|site| {
        fs::remove_file(site.source().join("a/empty")).expect("removed");
    }));
}

#[test]
fn it_is_refused_like_any_folder() {
    let environment = Environment::new();
    let with = |change: &dyn Fn(&Site), limit: &dyn Fn(&mut Task)| {
        let site = granted();
        change(&site);
        let mut task = transfer_to(&environment, None);
        limit(&mut task);
        let mut hook = |progress| {
            // The second file, while it is read.
            if matches!(progress, Progress::Copying(1, _)) && site.source().join("grow").exists() {
                fs::write(site.source().join("a.csv"), [COUNTS, COUNTS].concat()).expect("grown");
            }
        };
        let chamber = site.chamber_of(task.direction);
        let result = seal(&task, &site.source(), &chamber, &mut hook);
        assert_eq!(result.is_ok(), site.manifest().exists());
        match result {
            Ok(_) => None,
            Err(JobError::Refused(why)) => Some(why),
            Err(other) => panic!("{other:?}"),
        }
    };
    let plain = (VCF.len() + COUNTS.len() + BED.len()) as u64;
    let exactly = |task: &mut Task| (task.max_files, task.max_bytes) = (4, plain);
    assert_eq!(with(&|_| {}, &exactly), None, "of the plain files");
    let bytes = |task: &mut Task| task.max_bytes = plain - 1;
    assert_eq!(with(&|_| {}, &bytes), Some(Refusal::TooManyBytes));
    let files = |task: &mut Task| task.max_files = 3;
    assert_eq!(with(&|_| {}, &files), Some(Refusal::TooManyFiles));
    let grows = |site: &Site| drop(site.put("grow", b"x"));
    assert_eq!(with(&grows, &|_| {}), Some(Refusal::Changed));
    // With the suffix the path is one byte too long for a manifest.
    let long = [
        "d".repeat(200),
        "d".repeat(200),
        "d".repeat(200),
        "d".repeat(200),
        "d".repeat(217),
    ];
    let long = long.join("/");
    let fits = |site: &Site| drop(site.put(&long[..1020], COUNTS));
    assert_eq!(with(&fits, &|_| {}), None);
    let too_long = |site: &Site| drop(site.put(&long, COUNTS));
    assert_eq!(with(&too_long, &|_| {}), Some(Refusal::Name));
}

#[test]
fn without_keys_that_can_be_used_nothing_is_written() {
    let site = granted();
    let mut task = transfer_to(&Environment::new(), None);
    if let Some(transfer) = &mut task.transfer {
        transfer.keys.crypt4gh = format!("{}=", "A".repeat(43));
    }
    let result = seal_quietly(&site, &task);
    assert!(matches!(result, Err(JobError::Unable(_))), "{result:?}");
    task.transfer = None;
    let result = seal_quietly(&site, &task);
    assert!(matches!(result, Err(JobError::Unable(_))), "{result:?}");
    assert!(!site.root().join("content").exists());
}

#[test]
fn killed_before_the_manifest_it_begins_anew_and_after_it_stays() {
    let plain = [VCF, COUNTS, b"", BED].map(|plain| Some(plain.to_vec()));
    let (mut before, mut after) = (0, 0);
    for nth in 0.. {
        let (site, old, new) = (granted(), Environment::new(), Environment::new());
        if !dies(&site, &transfer_to(&old, None), nth) {
            break;
        }
        let stood = fs::read(site.manifest()).ok();
        let said = seal_quietly(&site, &transfer_to(&new, None)).expect("resumed");
        // Never a file to one and a file to the other.
        let reader = if stood.is_some() { &old } else { &new };
        assert_eq!(said.recipient, transfer::recipient(&reader.keys()), "{nth}");
        assert_eq!(opened(&site, reader), plain, "{nth}");
        assert_eq!(
            seal_quietly(&site, &transfer_to(&new, None)).expect("again"),
            said
        );
        match stood {
            Some(stood) => {
                assert_eq!(stood, fs::read(site.manifest()).expect("manifest"));
                after += 1;
            }
            None => before += 1,
        }
    }
    // Listed, begun, four files (one is empty) twice; and sealed.
    assert_eq!((before, after), (9, 1));
}
