//! The door or the job is killed in the middle of a collection: what is known is said, and the next one works.

mod served;

use std::fs;

use sde_core::airlock::{Delivered, JobKind, Outcome};
use sde_ticket::Act;
use served::{Running, Site, UnderWay, signed, wait_until};
use sha2::{Digest, Sha256};

const COMPLETE: &str = r#"sde_door_collections_total{outcome="complete"}"#;
const BROKEN: &str = r#"sde_door_collections_total{outcome="broken"}"#;

/// More than fits the buffers between the chamber and a browser that does not read.
fn large() -> Site {
    Site::sealed_with(|site| {
        let file = fs::File::create(site.path("source/a.bin")).expect("file");
        file.set_len(24 << 20).expect("sparse");
        site.put("b.csv", b"the end");
    })
}

fn begin(site: &Site) -> UnderWay {
    let under_way = site
        .client()
        .begin("/collect", &signed(&site.ticket(Act::Collect)));
    assert_eq!(under_way.answer.status, 200);
    under_way
}

/// The next delivery, by a job of its own.
fn collected(site: &Site, job: Running) -> Delivered {
    let answer = begin(site).rest();
    assert!(answer.whole());
    assert_eq!(job.output().status.code(), Some(0));
    let Outcome::Delivered(said) = site.outcome(JobKind::Deliver) else {
        panic!("not delivered");
    };
    assert!(said.complete);
    assert_eq!(said.sha256, hex::encode(Sha256::digest(&answer.body)));
    said
}

#[test]
fn when_the_door_is_killed_the_job_knows_that_not_all_went() {
    let site = large();
    let mut command = site.command(JobKind::Deliver);
    // For a count that nobody has made.
    command.env("SDE_DONE_SECONDS", "1");
    let (job, door) = (site.job_of(&mut command), site.door());
    let under_way = begin(&site);
    door.signal("-KILL");
    assert_eq!(door.output().status.code(), None);
    assert!(!under_way.rest().whole());
    assert_eq!(job.output().status.code(), Some(0));
    let Outcome::Delivered(said) = site.outcome(JobKind::Deliver) else {
        panic!("not delivered");
    };
    assert!(!said.complete && said.bytes < 24 << 20 && said.ticket.is_some());
    assert_eq!((&said.door_bytes, &said.door_sha256), (&None, &None));

    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    assert!(collected(&site, job).bytes > said.bytes);
}

#[test]
fn when_the_job_is_killed_nothing_is_said_and_the_next_one_delivers() {
    let site = large();
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    let under_way = begin(&site);
    job.signal("-KILL");
    assert_eq!(job.output().status.code(), None);
    assert!(!site.path("log").exists(), "it counts as all");
    assert!(!under_way.rest().whole());
    wait_until("it is counted", || site.counter(BROKEN) == 1);

    let job = site.job(JobKind::Deliver);
    let bytes = collected(&site, job).bytes;
    assert!(bytes > 24 << 20);
    assert_eq!((site.counter(COMPLETE), site.counter(BROKEN)), (1, 1));
}
