//! Collecting through the door, and every way in which it breaks.

mod served;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sde_core::airlock::report::Said;
use sde_core::airlock::{Delivered, JobKind, Outcome};
use sde_ticket::{Act, Issuer, Ticket};
use served::{Answer, CONNECTIONS, Site, forged, now, signed, wait_until};
use sha2::{Digest, Sha256};

const COUNTS: &[u8] = b"group,cases,controls\na,120,135\nb,140,155\n";
const COMPLETE: &str = r#"sde_door_collections_total{outcome="complete"}"#;
const BROKEN: &str = r#"sde_door_collections_total{outcome="broken"}"#;

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// More than fits the buffers between the chamber and a browser that does not read.
fn large() -> Site {
    Site::sealed_with(|site| {
        site.put("a.csv", COUNTS);
        let file = fs::File::create(site.path("source/b.bin")).expect("file");
        file.set_len(32 << 20).expect("sparse");
        site.put("c.txt", b"the end");
    })
}

fn delivered(site: &Site) -> Delivered {
    match site.outcome(JobKind::Deliver) {
        Outcome::Delivered(delivered) => delivered,
        other => panic!("{other:?}"),
    }
}

fn names(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(answer.body.as_slice());
    let entries = archive.entries().expect("entries");
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let name = entry
                .path()
                .expect("path")
                .to_str()
                .expect("UTF-8")
                .to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("content");
            (name, bytes)
        })
        .collect()
}

#[test]
fn what_was_released_arrives_and_both_sides_counted_the_same() {
    let long = format!("{}/größe.csv", "folder".repeat(25));
    let site = Site::sealed(&[("a.csv", COUNTS), (&long, b"deep"), ("z.txt", b"")]);
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    let ticket = site.ticket(Act::Collect);
    let answer = site.client().post("/collect", &signed(&ticket));
    assert_eq!(answer.status, 200);
    assert!(answer.whole());
    let expected = [
        ("content-type", "application/x-tar"),
        (
            "content-disposition",
            "attachment; filename=\"prj-4f2c-results-1.tar\"",
        ),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), value);
    }
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none';")
    );
    let wanted = [("a.csv", COUNTS), (&long, b"deep"), ("z.txt", b"")];
    let wanted = wanted.map(|(n, b)| (n.to_owned(), b.to_vec()));
    assert_eq!(names(&answer), wanted);

    assert_eq!(
        job.output().status.code(),
        Some(0),
        "the job ends by itself"
    );
    let bytes = answer.body.len() as u64;
    let sha256 = hash(&answer.body);
    let said = Delivered {
        bytes,
        sha256: sha256.clone(),
        complete: true,
        door_bytes: Some(bytes),
        door_sha256: Some(sha256),
        ticket: Some(ticket.jti.clone()),
    };
    assert_eq!(delivered(&site), said);
    assert_eq!((site.counter(COMPLETE), site.counter(BROKEN)), (1, 0));
    assert_eq!(
        site.counter(r#"sde_door_bytes_total{act="Collect"}"#),
        bytes
    );

    // The job is gone: the same ticket opens nothing any more.
    let again = site.client().post("/collect", &signed(&ticket));
    assert_eq!(again.status, 502);
    assert!(again.text().contains("Go back to the portal"));
}

#[test]
fn while_one_collects_nobody_else_does() {
    let site = large();
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    let first = site.ticket(Act::Collect);
    let client = site.client();
    let under_way = client.begin("/collect", &signed(&first));
    assert_eq!(under_way.answer.status, 200);
    for other in [&first, &site.ticket(Act::Collect)] {
        let answer = client.post("/collect", &signed(other));
        assert_eq!(answer.status, 409);
        assert!(answer.text().contains("already begun"));
    }
    // Nor can another's ticket end it.
    let stranger = signed(&site.ticket(Act::Collect));
    let claim = site.at_job("POST", "/done", &stranger).expect("an answer");
    assert!(claim.status >= 400, "{}", claim.status);

    let answer = under_way.rest();
    assert!(answer.whole());
    assert_eq!(job.output().status.code(), Some(0));
    let said = delivered(&site);
    assert!(said.complete);
    assert_eq!(said.ticket, Some(first.jti));
    assert_eq!(said.sha256, hash(&answer.body));
}

#[test]
fn a_browser_that_goes_away_is_no_delivery() {
    let site = large();
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    let ticket = site.ticket(Act::Collect);
    let under_way = site.client().begin("/collect", &signed(&ticket));
    let length: u64 = under_way
        .answer
        .header("content-length")
        .parse()
        .expect("a length");
    drop(under_way);
    assert_eq!(job.output().status.code(), Some(0));
    let said = delivered(&site);
    assert!(!said.complete && said.bytes < length);
    assert!(said.door_bytes.is_some_and(|bytes| bytes <= said.bytes));
    assert_eq!(said.ticket, Some(ticket.jti));
    assert_eq!((site.counter(COMPLETE), site.counter(BROKEN)), (0, 1));
}

#[test]
fn a_job_that_is_killed_breaks_the_stream_for_all_to_see() {
    let site = large();
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    let under_way = site
        .client()
        .begin("/collect", &signed(&site.ticket(Act::Collect)));
    assert_eq!(under_way.answer.status, 200);
    job.signal("-KILL");
    let answer = under_way.rest();
    assert!(!answer.whole() && answer.body.len() < 32 << 20);
    wait_until("it is counted", || site.counter(BROKEN) == 1);
    assert_eq!(site.counter(COMPLETE), 0);
}

#[test]
fn a_file_that_changed_cuts_the_stream_off() {
    // More than is held back before a connection: else a browser would not even see an answer begin.
    let first = vec![b'1'; 2 << 20];
    let files = [
        ("a", first.as_slice()),
        ("b.csv", b"what was reviewed"),
        ("c", b"third"),
    ];
    let site = Site::sealed(&files);
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    // As root on the node would.
    let file = site.path("chamber/content/001");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("mode");
    fs::write(&file, b"what was swapped!").expect("as long");
    let answer = site
        .client()
        .post("/collect", &signed(&site.ticket(Act::Collect)));
    assert_eq!(answer.status, 200);
    assert!(!answer.whole(), "{}", answer.body.len());
    assert!(!answer.body.windows(5).any(|w| w == b"third"));
    assert_eq!(job.output().status.code(), Some(1));
    let Said::Failed(why) = site.report().result else {
        panic!("{:?}", site.report());
    };
    assert!(why.contains("not what was sealed"), "{why}");
    wait_until("it is counted", || site.counter(BROKEN) == 1);
}

#[test]
fn a_chamber_that_is_not_what_was_released_is_not_served() {
    let mut site = Site::sealed(&[("a.csv", COUNTS)]);
    site.content = format!("v1:sha256:{}", "0".repeat(64));
    for kind in [JobKind::Deliver, JobKind::View] {
        let output = site.command(kind).output().expect("agent");
        assert_eq!(output.status.code(), Some(1));
        assert!(matches!(site.report().result, Said::Failed(why) if why.contains("reviewed")));
    }
}

#[test]
fn only_the_right_ticket_opens_the_door_or_the_job() {
    type Change = fn(&mut Ticket);
    let site = Site::sealed(&[("a.csv", COUNTS)]);
    let (job, _door) = (site.job(JobKind::Deliver), site.door());
    let client = site.client();
    let good = site.ticket(Act::Collect);
    let ask = |token: &str| {
        let direct = site.at_job("GET", "/collect", token).expect("an answer");
        (client.post("/collect", token).status, direct.status)
    };
    let expired = Ticket {
        iat: now() - 601,
        exp: now() - 1,
        ..good.clone()
    };
    for token in [
        signed(&expired),
        forged(&good),
        String::new(),
        "a.b.c".into(),
    ] {
        assert_eq!(ask(&token), (401, 401));
    }
    // Signed by a portal, for something else: the job knows what.
    let changes: [Change; 6] = [
        |t| t.uid = t.pod.clone(),
        |t| t.pod = t.uid.clone(),
        |t| t.content.replace_range(12..13, "x"),
        |t| t.sub = "u-else".into(),
        |t| t.request = "results-2".into(),
        |t| t.project = "prj-else".into(),
    ];
    for change in changes {
        let mut other = good.clone();
        change(&mut other);
        assert_eq!(ask(&signed(&other)), (403, 403), "{other:?}");
    }
    // A viewer's ticket collects nothing.
    let view = Ticket {
        iss: Issuer::PortalDecide,
        act: Act::View,
        ..good.clone()
    };
    assert_eq!(ask(&signed(&view)), (403, 403));
    let tickets = r#"sde_door_refused_total{act="Collect",reason="ticket"}"#;
    let jobs = r#"sde_door_refused_total{act="Collect",reason="job"}"#;
    assert_eq!((site.counter(tickets), site.counter(jobs)), (5, 6));

    // The control.
    assert!(client.post("/collect", &signed(&good)).whole());
    assert!(job.output().status.success());
}

#[test]
fn when_nobody_comes_it_says_so() {
    let site = Site::sealed(&[("a.csv", COUNTS)]);
    let status = site
        .command(JobKind::Deliver)
        .env("SDE_PATIENCE_SECONDS", "1")
        .status();
    assert_eq!(status.expect("agent").code(), Some(0));
    let said = delivered(&site);
    assert_eq!((said.bytes, said.complete, said.ticket), (0, false, None));
}

#[test]
fn certificates_and_keys_are_followed() {
    let site = Site::sealed(&[("a.csv", COUNTS)]);
    let (certificate, key) = (
        site.path("tls/certificate"),
        site.path("keys/portal-request.pem"),
    );
    let kept = fs::read(&key).expect("a key");
    fs::remove_file(&certificate).expect("removed");
    fs::remove_file(&key).expect("removed");
    let door = site.door_not_ready();
    wait_until("it says what it waits for", || {
        let said = site.admin("/healthz");
        said.is_some_and(|a| {
            a.status == 503 && a.text() == "waiting for the certificate, portal-request\n"
        })
    });
    assert_eq!(site.admin("/livez").expect("an answer").status, 200);
    assert_eq!(site.client().certificate(), None);
    let first = site.certificate();
    fs::write(&key, kept).expect("a key");
    wait_until("it serves", || {
        site.client().certificate().as_ref() == Some(&first)
    });
    wait_until("it is ready", || {
        site.admin("/healthz").is_some_and(|a| a.status == 200)
    });

    let second = site.certificate();
    wait_until("the new one is shown", || {
        site.client().certificate().as_ref() == Some(&second)
    });
    fs::write(&certificate, "no certificate").expect("written");
    // A portal whose key is gone is not believed any more, whatever its certificate is.
    let token = signed(&site.ticket(Act::Collect));
    assert_eq!(site.client().post("/collect", &token).status, 502, "no job");
    fs::remove_file(&key).expect("removed");
    wait_until("it is refused", || {
        site.client().post("/collect", &token).status == 401
    });
    assert_eq!(site.client().certificate(), Some(second));

    door.signal("-TERM");
    assert_eq!(door.output().status.code(), Some(0));
}

#[test]
fn a_door_that_is_asked_to_end_finishes_what_is_under_way() {
    let site = large();
    let (job, door) = (site.job(JobKind::Deliver), site.door());
    let client = site.client();
    let under_way = client.begin("/collect", &signed(&site.ticket(Act::Collect)));
    door.signal("-TERM");
    wait_until("nobody new is let in", || client.certificate().is_none());
    assert!(under_way.rest().whole());
    assert_eq!(door.output().status.code(), Some(0));
    assert_eq!(job.output().status.code(), Some(0));
    assert!(delivered(&site).complete, "the job was told");
}

#[test]
fn what_people_send_and_how_many_they_are_is_bounded() {
    let site = Site::sealed(&[("a.csv", COUNTS)]);
    let _door = site.door();
    let client = site.client();
    let long = client.post("/collect", &"a".repeat(9 << 10));
    assert_eq!(long.status, 400);
    assert_eq!(
        client.post("/collect", &"a".repeat(7 << 10)).status,
        401,
        "the control"
    );
    let held: Vec<_> = (0..CONNECTIONS).map_while(|_| client.stream()).collect();
    assert_eq!(held.len(), CONNECTIONS);
    assert!(client.stream().is_none());
    drop(held);
    wait_until("there is room again", || client.stream().is_some());
}

#[test]
fn nothing_older_than_tls_1_3_is_spoken_and_plain_http_not_at_all() {
    let site = Site::sealed(&[("a.csv", COUNTS)]);
    let _door = site.door();
    let speaks = |version: &str| {
        let output = Command::new("openssl")
            .args([
                "s_client",
                "-connect",
                &format!("{}:8443", site.ip),
                version,
            ])
            .stdin(std::process::Stdio::null())
            .output();
        output.expect("openssl").status.success()
    };
    assert!(speaks("-tls1_3") && !speaks("-tls1_2"));
    let address = (std::net::IpAddr::from(site.ip), 8443).into();
    assert!(served::plain(address, "GET", "/", "").is_none());
    for (method, path) in [("GET", "/"), ("GET", "/collect"), ("POST", "/collect")] {
        let answer = site.client().request(method, path, "");
        assert!((400..500).contains(&answer.status), "{method} {path}");
        assert!(answer.text().contains("<html lang=\"en\">"));
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
    }
}
