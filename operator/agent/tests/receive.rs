//! Bringing the files of an Import through the door, and every way in which it breaks.

mod served;

use std::io::Write;

use sde_core::airlock::{JobKind, Outcome};
use served::upload::{
    add, address, arriving, begin, end, files, hash, lines, list, part, ready, remove, there,
};
use served::{Site, answer, wait_until};
use sha2::{Digest, Sha256};

const TABLE: &[u8] = b"rsid,effect\nrs1,0.1\n";
const XSS: &str = "<script>alert(1)</script>.csv";
const BYTES: &str = r#"sde_door_bytes_total{act="Upload"}"#;
const COMPLETE: &str = r#"sde_door_uploads_total{outcome="complete"}"#;
const BROKEN: &str = r#"sde_door_uploads_total{outcome="broken"}"#;

#[test]
fn what_is_brought_is_what_is_sealed() {
    let (mut site, job, door, token) = ready();
    let entered = site.client().post("/upload", &token);
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, &*address(""))
    );
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with(&format!("__Host-sde-upload={token}; Path=/; Max-Age=")));
    for wanted in ["Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(wanted), "{cookie}");
    }
    let empty = list(&site, &token);
    assert_eq!(
        (empty.status, empty.header("cache-control")),
        (200, "no-store")
    );
    let policy = empty.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    for wanted in [
        "<html lang=\"en\">",
        "<h1>Files for results-1 of prj-4f2c</h1>",
        "No file has arrived yet.",
        "50 of 50 files",
        "1073741824 bytes (1.0 GiB)",
        "<label for=\"folder\">",
        "<label for=\"file\">",
        "enctype=\"multipart/form-data\"",
        "go back to the portal and seal",
    ] {
        assert!(empty.text().contains(wanted), "{wanted}: {}", empty.text());
    }

    let added = add(
        &site,
        &token,
        "panel/2026",
        &[("a.csv", TABLE), (XSS, b"x"), ("e", b"")],
    );
    assert_eq!(
        (added.status, added.header("location")),
        (303, &*address(""))
    );
    assert_eq!(added.header("set-cookie"), "");
    assert_eq!(add(&site, &token, "", &[("old", b"old")]).status, 303);
    assert_eq!(
        add(&site, &token, "", &[("old", b"new"), ("gone", b"1")]).status,
        303
    );
    assert_eq!(remove(&site, &token, "gone").status, 303);
    assert_eq!(remove(&site, &token, "gone").status, 303, "it is gone");
    let page = list(&site, &token).text();
    assert!(
        page.contains(&hash(TABLE)) && page.contains(&hash(b"new")),
        "{page}"
    );
    assert!(page.contains("panel/2026/&lt;script&gt;") && !page.contains("<script"));
    assert!(page.contains("46 of 50 files") && !page.contains(">gone<"));
    let escaped = format!("panel/2026/{XSS}");
    assert_eq!(remove(&site, &token, &escaped).status, 303);

    // Neither holds more of a large one than is under way.
    let (before, large) = ((job.memory(), door.memory()), 32 << 20);
    let head = part("file", Some("large.bin"));
    let tail = format!("\r\n{}", end());
    let length = head.len() + large + tail.len();
    let header = format!("Content-Length: {length}\r\n{}", lines(&token));
    let mut stream = site
        .client()
        .header("POST", &address("files"), &header)
        .expect("connected");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut hasher = Sha256::new();
    for n in 0..32_u8 {
        let mebibyte = vec![n; 1 << 20];
        hasher.update(&mebibyte);
        stream.write_all(&mebibyte).expect("sent");
    }
    stream.write_all(tail.as_bytes()).expect("sent");
    assert_eq!(answer(&mut stream).expect("an answer").status, 303);
    for (program, before) in [(&job, before.0), (&door, before.1)] {
        let more = program.memory().saturating_sub(before);
        assert!(more < 8 << 20, "{more} bytes");
    }
    let digest = hex::encode(hasher.finalize());
    assert!(list(&site, &token).text().contains(&digest));
    assert!(site.counter(BYTES) > length as u64);
    assert_eq!((site.counter(COMPLETE), site.counter(BROKEN)), (4, 0));

    job.signal("-TERM");
    let output = job.output();
    assert_eq!(output.status.code(), Some(0));
    assert!(!site.path("log").exists(), "nothing is to be said");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    for name in ["panel", ".csv", "script", "large", "old"] {
        assert!(!log.contains(name), "{name}: {log}");
    }
    let brought = there(&site);
    let names: Vec<_> = brought.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["large.bin", "old", "panel/2026/a.csv", "panel/2026/e"]
    );
    assert_eq!(brought["old"], b"new");
    assert_eq!(hash(&brought["large.bin"]), digest);
    site.seal();
    assert!(!site.path("chamber/upload").exists());
    assert!(files(&site.path("chamber/inbox")) == brought);
    let verified = Outcome::Verified(site.content.clone());
    assert_eq!(site.run(JobKind::Verify), verified);
    // Nothing comes to what is sealed.
    let output = site.command(JobKind::Receive).output().expect("agent");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn killed_in_the_middle_there_is_no_half_file() {
    let (site, job, door, token) = ready();
    assert_eq!(
        add(&site, &token, "x", &[("a", TABLE), ("b", b"old")]).status,
        303
    );
    let half = begin(&site, &token, "b", &vec![b'h'; 3 << 20]);
    wait_until("some of it is on the disk", || {
        arriving(&site).iter().sum::<u64>() > 1 << 20
    });
    let before = there(&site);
    job.signal("-KILL");
    assert_eq!(job.output().status.code(), None);
    wait_until("the door has seen it", || site.counter(BROKEN) == 1);
    drop(half);
    assert_eq!(there(&site), before);
    assert_eq!(arriving(&site).len(), 1, "nobody tidied up");

    let job = site.job(JobKind::Receive);
    assert_eq!((there(&site), arriving(&site)), (before, vec![]));
    wait_until("its hash is known again", || {
        list(&site, &token).text().contains(&hash(TABLE))
    });

    // The door in the middle: the job throws it away, and the next door takes the same ticket.
    let half = begin(&site, &token, "c", &vec![b'h'; 3 << 20]);
    wait_until("some of it is on the disk", || {
        arriving(&site).iter().sum::<u64>() > 1 << 20
    });
    door.signal("-KILL");
    drop(door);
    wait_until("it is thrown away", || arriving(&site).is_empty());
    drop(half);
    let _door = site.door();
    assert_eq!(add(&site, &token, "", &[("c", b"whole")]).status, 303);
    assert_eq!(there(&site)["c"], b"whole");

    // And a browser that goes away.
    let half = begin(&site, &token, "c", &vec![b'h'; 3 << 20]);
    wait_until("some of it is on the disk", || {
        arriving(&site).iter().sum::<u64>() > 1 << 20
    });
    drop(half);
    wait_until("it is thrown away", || arriving(&site).is_empty());
    wait_until("it is counted", || site.counter(BROKEN) == 1);
    assert_eq!(there(&site)["c"], b"whole");

    // Asked to end, it ends at once, whoever is bringing something.
    let half = begin(&site, &token, "c", &vec![b'h'; 3 << 20]);
    wait_until("some of it is on the disk", || {
        arriving(&site).iter().sum::<u64>() > 1 << 20
    });
    job.signal("-TERM");
    assert_eq!(job.output().status.code(), Some(0));
    drop(half);
    assert_eq!(there(&site)["c"], b"whole");
    assert_eq!(list(&site, &token).status, 502);
}

#[test]
fn two_at_once_do_not_mix() {
    let (site, _job, _door, token) = ready();
    let sizes = [(b'a', 3 << 20), (b'b', 2 << 20)];
    std::thread::scope(|scope| {
        for (byte, size) in sizes {
            let (site, token) = (&site, &token);
            scope.spawn(move || {
                let bytes = vec![byte; size];
                let own = (byte as char).to_string();
                let answer = add(site, token, "", &[("same", &bytes), (&own, &bytes)]);
                assert_eq!(answer.status, 303);
            });
        }
    });
    let there = there(&site);
    for (byte, size) in sizes {
        assert!(there[&(byte as char).to_string()] == vec![byte; size]);
    }
    let same = &there["same"];
    let whole = |(byte, size): (u8, usize)| *same == vec![byte; size];
    assert!(sizes.into_iter().any(whole), "{}", same.len());
    let page = list(&site, &token).text();
    assert!(page.contains(&hash(same)));
}

#[test]
fn it_ends_when_nobody_comes_any_more_and_takes_only_imports() {
    let site = Site::importing();
    let mut command = site.command(JobKind::Receive);
    let status = command.env("SDE_PATIENCE_SECONDS", "1").status();
    assert_eq!(status.expect("agent").code(), Some(0));
    assert!(!site.path("log").exists(), "nothing is to be said");
    let site = Site::sealed(&[("a.csv", TABLE)]);
    let output = site.command(JobKind::Receive).output().expect("agent");
    assert_eq!(output.status.code(), Some(1));
}
