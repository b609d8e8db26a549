//! Looking at what is under review, through the door: everything in the files and their names is hostile.

mod served;

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use sde_core::airlock::JobKind;
use sde_ticket::{Act, Ticket};
use served::{PERSON, Site, UID, signed};

const XSS: &str = "<script>alert(1)</script>";
const SECRET: &[u8] = b"participant-17,rs123,0/1";

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encoded");
    bytes.into_inner()
}

/// A small image whose header says that it is a large one.
fn boastful() -> Vec<u8> {
    let mut bytes = png(8, 8);
    bytes[16..20].copy_from_slice(&5000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&5000_u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

fn address(rest: &str) -> String {
    format!("/view/{UID}/{rest}")
}

/// Files in the order of their names: 0 table, 1 image with something behind it, 2 text, 3 bytes, 4 huge image.
fn site() -> Site {
    let mut table = format!("group,cases\n{XSS},12\n\"<img src=x onerror=alert(1)>\",13\n");
    for n in 0..10_000 {
        table.push_str(&format!("g{n},{}\n", 100 + n));
    }
    let mut image = png(64, 48);
    image.extend(SECRET);
    let text = format!("{XSS}\u{202e}\nA \"quoted\" line & more.\r\n");
    Site::sealed(&[
        ("0<script>alert(1)<script>.csv", table.as_bytes()),
        ("1.png", &image),
        ("2\" onmouseover=\"alert(1).txt", text.as_bytes()),
        ("3.bin", &[0, 1, 2, b'<', b'b', b'>', 0xff]),
        ("4.png", &boastful()),
    ])
}

#[test]
fn reviewers_see_every_file_and_nothing_of_it_acts() {
    let mut site = site();
    site.scan();
    let (job, _door) = (site.job(JobKind::View), site.door());
    let client = site.client();
    let token = signed(&site.ticket(Act::View));
    let entered = client.post("/view", &token);
    assert_eq!(entered.status, 303);
    assert_eq!(entered.header("location"), address(""));
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with(&format!("__Host-sde-view={token}; Path=/; Max-Age=")));
    for wanted in ["Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(wanted), "{cookie}");
    }

    let pages = [
        "",
        "files/0/",
        "files/0/?as=text",
        "files/1/",
        "files/1/?as=text",
        "files/2/",
        "files/3/",
        "files/3/?as=text",
        "files/4/",
    ];
    for page in pages {
        let answer = client.get(&address(page), &token);
        assert_eq!(answer.status, 200, "{page}");
        let text = answer.text();
        for bad in ["<script", "<img src=x", "onmouseover=\"", "\u{202e}"] {
            assert!(!text.contains(bad), "{page}: {bad}");
        }
        for wanted in ["<html lang=\"en\">", "<title>", "<h1>", "class=\"skip\""] {
            assert!(text.contains(wanted), "{page}: {wanted}");
        }
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let text = |page: &str| client.get(&address(page), &token).text();
    let list = text("");
    assert!(list.contains("0&lt;script&gt;alert(1)&lt;script&gt;.csv"));
    assert!(list.contains("2&quot; onmouseover=&quot;alert(1).txt"));
    // The scan's own words: what kind, and which rule.
    assert!(
        list.contains("<td>PNG</td>") && list.contains("AL-G"),
        "{list}"
    );
    let table = text("files/0/");
    assert!(table.contains("<th scope=\"col\">group</th>"));
    assert!(table.contains("<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>"));
    assert!(text("files/2/").contains("<mark>U+202E</mark>"));
    assert!(text("files/2/").contains("&amp; more.<mark>\\r</mark>"));
    assert!(text("files/3/").contains("00 01 02 3c 62 3e ff"));
    assert_eq!(
        client.get("/style.css", "").header("content-type"),
        "text/css; charset=utf-8"
    );

    job.signal("-TERM");
    let output = job.output();
    assert_eq!(output.status.code(), Some(0));
    assert!(!site.path("log").exists(), "nothing is to be said");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    let opened = log
        .lines()
        .filter(|l| l.contains("opened") && l.contains(PERSON));
    assert!(
        opened
            .clone()
            .any(|l| l.contains("file=3") && l.contains(UID)),
        "{log}"
    );
    assert!(opened.count() >= pages.len() - 1);
    for name in ["script", ".csv", ".png", "onmouseover", "quoted"] {
        assert!(!log.contains(name), "{name}: {log}");
    }
}

#[test]
fn pages_begin_and_end() {
    let site = site();
    let (_job, _door) = (site.job(JobKind::View), site.door());
    let (client, token) = (site.client(), signed(&site.ticket(Act::View)));
    let get = |page: &str| client.get(&address(page), &token);
    let (first, last) = (get("files/0/?page=0").text(), get("files/0/?page=2").text());
    assert!(
        first.contains("Page 1 of 4") && first.contains("Next page"),
        "{first}"
    );
    assert!(!first.contains("Page before"));
    assert!(last.contains("Page 3 of 4") && last.contains("Page before"));
    assert!(get("files/0/?page=3").text().contains(">g9999<"));
    for page in [
        "files/0/?page=4",
        "files/1/?page=1",
        "files/5/",
        "files/0/?page=-1",
        "files/0/?as=raw",
        "files/00x/",
        "files/3/image/",
    ] {
        assert_eq!(get(page).status, 404, "{page}");
    }
    let most = format!("files/0/?page={}", u64::MAX);
    assert_eq!(get(&most).status, 404);
}

#[test]
fn images_come_back_drawn_anew_or_not_at_all() {
    let site = site();
    let (_job, _door) = (site.job(JobKind::View), site.door());
    let (client, token) = (site.client(), signed(&site.ticket(Act::View)));
    let get = |page: &str| client.get(&address(page), &token);
    assert!(
        get("files/1/")
            .text()
            .contains("<img src=\"image\" alt=\"The content of file 1\">")
    );
    let drawn = get("files/1/image");
    assert_eq!(
        (drawn.status, drawn.header("content-type")),
        (200, "image/png")
    );
    assert!(!drawn.body.windows(SECRET.len()).any(|w| w == SECRET));
    let pixels = image::load_from_memory(&drawn.body)
        .expect("a PNG")
        .into_rgb8();
    assert_eq!(pixels.dimensions(), (64, 48));
    assert_eq!(pixels.get_pixel(3, 5), &image::Rgb([3, 5, 7]));
    assert_eq!(get("files/4/image").status, 413);
    assert_eq!(get("files/0/image").status, 422);
}

#[test]
fn nobody_looks_without_a_ticket_for_it() {
    let site = site();
    let (_job, _door) = (site.job(JobKind::View), site.door());
    let client = site.client();
    let good = site.ticket(Act::View);
    let other = Ticket {
        uid: good.pod.clone(),
        ..good.clone()
    };
    assert_eq!(
        client.get(&address(""), &signed(&good)).status,
        200,
        "the control"
    );
    assert_eq!(client.get(&address(""), "").status, 401);
    assert_eq!(client.get(&address(""), &served::forged(&good)).status, 401);
    assert_eq!(client.get(&address(""), &signed(&other)).status, 403);
    let theirs = format!("/view/{}/", other.uid);
    assert_eq!(
        client.get(&theirs, &signed(&other)).status,
        403,
        "the viewer says no"
    );
    let collect = signed(&site.ticket(Act::Collect));
    assert_eq!(client.get(&address(""), &collect).status, 403);
    assert_eq!(client.post("/view", &collect).status, 403);
    assert_eq!(
        client.request("POST", &address(""), &signed(&good)).status,
        405
    );
    for (token, status) in [(signed(&good), 200), (collect, 403), (String::new(), 401)] {
        let answer = site
            .at_job("GET", &address("files/2/"), &token)
            .expect("an answer");
        assert_eq!(answer.status, status);
    }
}

/// The code in a list of files.
fn shown(list: &str) -> Option<&str> {
    let rest = list.split("<p class=\"code\">").nth(1)?;
    rest.split('<').next()
}

#[test]
fn whoever_has_opened_every_file_is_shown_their_own_code() {
    let mut site = site();
    site.scan();
    let (_job, _door) = (site.job(JobKind::View), site.door());
    let client = site.client();
    let person = |name: &str| {
        let ticket = Ticket {
            sub: name.to_owned(),
            ..site.ticket(Act::View)
        };
        signed(&ticket)
    };
    let (a, b) = (person("checker-a"), person("checker-b"));
    let list = |token: &str| client.get(&address(""), token).text();
    let to_open = |list: &str| list.matches("<li><a href=\"files/").count();
    assert_eq!((to_open(&list(&a)), shown(&list(&a))), (5, None));
    // Neither a page that there is not, nor a header, nor what a page shows beside, nor being refused is opening.
    for page in ["files/0/?page=9", "files/5/", "files/1/image"] {
        client.get(&address(page), &a);
    }
    let head = client.request("HEAD", &address("files/0/"), &a);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(client.get(&address("files/0/"), "").status, 401);
    assert_eq!(to_open(&list(&a)), 5);
    for file in 0..5 {
        assert_eq!(shown(&list(&a)), None, "before file {file}");
        let page = client.get(&address(&format!("files/{file}/")), &a);
        assert!(page.status == 200 && page.whole());
        assert_eq!(to_open(&list(&a)), 4 - file);
    }
    let code = site.code("checker-a");
    assert_eq!(shown(&list(&a)), Some(code.as_str()));
    assert!(list(&a).contains("<strong>checker-a</strong>"));
    // What one has opened, another has not; and their code is another.
    assert_eq!((to_open(&list(&b)), shown(&list(&b))), (5, None));
    for file in [4, 2, 0, 1, 3, 3] {
        client.get(&address(&format!("files/{file}/?as=hex")), &b);
    }
    let theirs = site.code("checker-b");
    assert_eq!(shown(&list(&b)), Some(theirs.as_str()));
    assert_ne!(code, theirs);
    assert_eq!(shown(&list(&a)), Some(code.as_str()));
}

#[test]
fn beside_another_report_than_the_one_under_review_there_is_no_code() {
    for change in [true, false] {
        let mut site = Site::sealed(&[("table.csv", b"group,cases\nx,100\n")]);
        site.scan();
        if change {
            let report = site.path("chamber/report/findings.json");
            let mut text = std::fs::read(&report).expect("a report");
            text.push(b'\n');
            std::fs::remove_file(&report).expect("removed");
            std::fs::write(&report, text).expect("changed");
        }
        let (_job, _door) = (site.job(JobKind::View), site.door());
        let (client, token) = (site.client(), signed(&site.ticket(Act::View)));
        assert_eq!(client.get(&address("files/0/"), &token).status, 200);
        let list = client.get(&address(""), &token).text();
        assert_eq!(shown(&list).is_none(), change, "{list}");
        assert_eq!(list.contains("not the one under review"), change);
    }
}

#[test]
fn of_a_transfer_people_see_what_is_encrypted_and_get_their_code() {
    let vcf =
        b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG00096\n";
    let files: [(&str, &[u8]); 2] = [("cohort.vcf", vcf), ("codes.csv", SECRET)];
    let mut site = Site::transferring(&files);
    site.scan();
    let (_job, _door) = (site.job(JobKind::View), site.door());
    let (client, token) = (site.client(), signed(&site.ticket(Act::View)));
    let text = |page: &str| client.get(&address(page), &token).text();
    let list = text("");
    for wanted in [
        "codes.csv.age",
        "cohort.vcf.c4gh",
        "age (encrypted)",
        "Crypt4GH (encrypted)",
    ] {
        assert!(list.contains(wanted), "{wanted}: {list}");
    }
    assert_eq!(shown(&list), None, "nothing was opened");
    // As bytes, the magic of each; and nothing of what is inside.
    let (age, crypt4gh) = (text("files/0/?as=hex"), text("files/1/?as=hex"));
    assert!(age.contains("61 67 65 2d 65 6e 63 72"), "{age}");
    assert!(crypt4gh.contains("63 72 79 70 74 34 67 68"), "{crypt4gh}");
    for page in [
        age,
        crypt4gh,
        text("files/0/?as=text"),
        text("files/1/?as=text"),
    ] {
        for secret in ["participant", "HG00096", "fileformat"] {
            assert!(!page.contains(secret), "{secret}");
        }
    }
    assert_eq!(shown(&text("")), Some(site.code(PERSON).as_str()));
}
