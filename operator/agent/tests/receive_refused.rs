//! What is not taken of an Import's files, and from whom.

mod served;

use std::io::Write;

use sde_core::airlock::JobKind;
use sde_ticket::{Act, Issuer, Ticket};
use served::upload::{OWN, add, address, arriving, end, form, lines, list, ready, remove, there};
use served::{Site, answer, forged, now, signed};

#[test]
fn what_does_not_fit_is_refused_and_the_rest_is_kept() {
    let mut site = Site::importing();
    (site.max_files, site.max_bytes) = (3, 100_000);
    let (_job, _door) = (site.job(JobKind::Receive), site.door());
    let token = signed(&site.ticket(Act::Upload));
    let large = vec![b'x'; 3 << 20];
    let refused = add(
        &site,
        &token,
        "",
        &[("../up", b"u"), ("large", &large), ("b", b"B")],
    );
    assert_eq!(refused.status, 422);
    let said = refused.text();
    assert!(
        said.contains("../up</strong>: Its name cannot be used"),
        "{said}"
    );
    assert!(said.contains("large</strong>: It does not fit"), "{said}");
    assert!(said.contains("Files that were added: 1."), "{said}");
    for (folder, name) in [
        ("/etc", "x"),
        ("a/../..", "x"),
        ("a\u{7}b", "x"),
        ("b", "x"),
    ] {
        let answer = add(&site, &token, folder, &[(name, b"x")]);
        assert_eq!(answer.status, 422, "{folder} {name}");
    }
    let full = [("c", b"C".as_slice()), ("d", b"D"), ("e", b"E")];
    let refused = add(&site, &token, "", &full);
    assert_eq!(refused.status, 422);
    assert!(
        refused
            .text()
            .contains("e</strong>: There are as many files")
    );
    let none = site
        .client()
        .send("POST", &address("files"), &lines(&token), end().as_bytes());
    assert_eq!(none.status, 422);
    assert!(none.text().contains("The form held no file."));
    let wanted = [("b", "B"), ("c", "C"), ("d", "D")];
    let wanted = wanted.map(|(n, b)| (n.to_owned(), b.as_bytes().to_vec()));
    assert_eq!(there(&site), wanted.into());
    assert_eq!(arriving(&site), [0; 0]);
    assert!(
        list(&site, &token)
            .text()
            .contains("There is no room for more")
    );
    assert!(!site.path("chamber/up").exists() && !site.path("up").exists());
}

#[test]
fn only_its_requester_brings_files() {
    type Change = fn(&mut Ticket);
    let (site, _job, _door, token) = ready();
    let good = site.ticket(Act::Upload);
    let expired = Ticket {
        iat: now() - 3601,
        exp: now() - 1,
        ..good.clone()
    };
    let view = Ticket {
        iss: Issuer::PortalDecide,
        act: Act::View,
        content: "v1:sha256:aa".into(),
        ..good.clone()
    };
    let collect = Ticket {
        act: Act::Collect,
        exp: now() + 60,
        content: "v1:sha256:aa".into(),
        ..good.clone()
    };
    let changed = |change: Change| {
        let mut other = good.clone();
        change(&mut other);
        signed(&other)
    };
    let tokens = [
        (String::new(), 401),
        (signed(&expired), 401),
        (forged(&good), 401),
        (signed(&view), 403),
        (signed(&collect), 403),
        (changed(|t| t.sub = "u-else".into()), 403),
        (changed(|t| t.uid = t.pod.clone()), 403),
        (changed(|t| t.pod = t.uid.clone()), 403),
        (changed(|t| t.request = "results-2".into()), 403),
        (changed(|t| t.project = "prj-else".into()), 403),
    ];
    for (n, (token, status)) in tokens.iter().enumerate() {
        let answer = add(&site, token, "", &[("a", b"a")]);
        assert_eq!(answer.status, *status, "{n}");
        assert_eq!(list(&site, token).status, *status, "{n}");
        assert_eq!(remove(&site, token, "a").status, *status, "{n}");
        for (method, path) in [("GET", ""), ("POST", "files"), ("POST", "remove")] {
            let direct = site.at_job(method, &address(path), token);
            assert_eq!(direct.expect("an answer").status, *status, "{n}");
        }
    }
    for token in [signed(&view), signed(&collect)] {
        assert_eq!(site.client().post("/upload", &token).status, 403);
    }
    let view = site.client().post("/view", &token);
    assert_eq!(view.status, 403, "an upload shows nothing");
    assert!(there(&site).is_empty());
    assert_eq!(
        add(&site, &token, "", &[("a", b"a")]).status,
        303,
        "the control"
    );
}

#[test]
fn a_form_must_be_our_own_and_say_how_long_it_is() {
    let (site, _job, _door, token) = ready();
    let client = site.client();
    let refused = |reason: &str| {
        site.counter(&format!(
            r#"sde_door_refused_total{{act="Upload",reason="{reason}"}}"#
        ))
    };
    assert_eq!((refused("origin"), refused("length")), (0, 0));
    let good = lines(&token);
    let form = form("", &[("a", b"a")]);
    let others = [
        "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\n".into(),
        "Origin: https://portal.example\r\n".into(),
        "Origin: null\r\n".into(),
        String::new(),
    ];
    for other in &others {
        let lines = good.replace(OWN, other);
        for path in ["files", "remove"] {
            let answer = client.send("POST", &address(path), &lines, &form);
            assert_eq!(answer.status, 403, "{other}");
        }
    }
    assert_eq!(refused("origin"), 2 * others.len() as u64);
    let chunked = format!("Transfer-Encoding: chunked\r\n{good}");
    let mut stream = client
        .header("POST", &address("files"), &chunked)
        .expect("connected");
    stream.write_all(b"1\r\n-\r\n0\r\n\r\n").expect("sent");
    assert_eq!(answer(&mut stream).expect("an answer").status, 411);
    let long = format!(
        "Content-Length: {}\r\n{good}",
        (2_u64 << 30) + (1 << 20) + 1
    );
    let mut stream = client
        .header("POST", &address("files"), &long)
        .expect("connected");
    stream.conn.send_close_notify();
    let _ = stream.flush();
    stream
        .sock
        .shutdown(std::net::Shutdown::Write)
        .expect("shut");
    assert_eq!(answer(&mut stream).expect("an answer").status, 413);
    let long = client.send("POST", &address("remove"), &good, &vec![b'a'; 9 << 10]);
    assert_eq!((long.status, refused("length")), (413, 3));
    assert!(there(&site).is_empty());
    for (method, path, status) in [("GET", "files", 405), ("POST", "", 405), ("GET", "x", 404)] {
        assert_eq!(
            client.send(method, &address(path), &good, b"").status,
            status
        );
    }
    let broken = client.send("POST", &address("files"), &good, b"no form");
    assert_eq!(broken.status, 400);
    let ours = format!("Origin: https://{}:8443\r\n", site.ip);
    let answer = client.send("POST", &address("files"), &good.replace(OWN, &ours), &form);
    assert_eq!(answer.status, 303, "the control");
}
