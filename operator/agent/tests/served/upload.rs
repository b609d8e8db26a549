//! Bringing files as a browser does, and what of them lies in the chamber.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use sde_core::airlock::JobKind;
use sde_ticket::Act;
use sha2::{Digest, Sha256};

use super::{Answer, Running, Secured, Site, UID, signed};

pub const BOUNDARY: &str = "----sde-boundary-7c1e";
/// What a browser says of a form on a page of the door.
pub const OWN: &str = "Sec-Fetch-Site: same-origin\r\n";

pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub fn address(rest: &str) -> String {
    format!("/upload/{UID}/{rest}")
}

/// The beginning of a part of a form.
pub fn part(name: &str, file: Option<&str>) -> String {
    let file = file.map_or(String::new(), |f| format!("; filename=\"{f}\""));
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
}

pub fn end() -> String {
    format!("--{BOUNDARY}--\r\n")
}

/// A form with files into a folder.
pub fn form(folder: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form = format!("{}{folder}\r\n", part("folder", None)).into_bytes();
    for (name, bytes) in files {
        form.extend(part("file", Some(name)).into_bytes());
        form.extend(*bytes);
        form.extend(b"\r\n");
    }
    form.extend(end().into_bytes());
    form
}

/// What a browser says of such a form, but its length.
pub fn lines(token: &str) -> String {
    format!(
        "Cookie: other=1; __Host-sde-upload={token}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{OWN}"
    )
}

pub fn add(site: &Site, token: &str, folder: &str, files: &[(&str, &[u8])]) -> Answer {
    let form = form(folder, files);
    site.client()
        .send("POST", &address("files"), &lines(token), &form)
}

/// Sends the beginning of a form with one file, and keeps the connection.
pub fn begin(site: &Site, token: &str, name: &str, bytes: &[u8]) -> Secured {
    let lines = format!("Content-Length: {}\r\n{}", 8 << 20, lines(token));
    let mut stream = site
        .client()
        .header("POST", &address("files"), &lines)
        .expect("a connection");
    let beginning = [part("file", Some(name)).as_bytes(), bytes].concat();
    stream.write_all(&beginning).expect("sent");
    stream.flush().expect("sent");
    stream
}

pub fn list(site: &Site, token: &str) -> Answer {
    let cookie = format!("Cookie: __Host-sde-upload={token}\r\n");
    site.client().send("GET", &address(""), &cookie, b"")
}

pub fn remove(site: &Site, token: &str, path: &str) -> Answer {
    let lines = format!(
        "Cookie: __Host-sde-upload={token}\r\nContent-Type: application/x-www-form-urlencoded\r\n{OWN}"
    );
    let body = format!("path={}", path.replace('<', "%3C").replace('/', "%2F"));
    let client = site.client();
    client.send("POST", &address("remove"), &lines, body.as_bytes())
}

/// All files below a folder, but what arrives.
pub fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_file() {
            let name = path.strip_prefix(root).expect("below").to_str();
            found.insert(
                name.expect("UTF-8").to_owned(),
                fs::read(&path).expect("file"),
            );
        } else if !path.ends_with(".sde-incoming") {
            let entries = fs::read_dir(&path).into_iter().flatten();
            left.extend(entries.map(|entry| entry.expect("entry").path()));
        }
    }
    found
}

pub fn there(site: &Site) -> BTreeMap<String, Vec<u8>> {
    files(&site.path("chamber/upload"))
}

/// Bytes that lie between arriving and being there.
pub fn arriving(site: &Site) -> Vec<u64> {
    let entries = fs::read_dir(site.path("chamber/upload/.sde-incoming"))
        .into_iter()
        .flatten();
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
    sizes.map(|what| what.len()).collect()
}

/// An Import, the job that takes its files, the door before it, and a ticket.
pub fn ready() -> (Site, Running, Running, String) {
    let site = Site::importing();
    let (job, door) = (site.job(JobKind::Receive), site.door());
    let token = signed(&site.ticket(Act::Upload));
    (site, job, door, token)
}
