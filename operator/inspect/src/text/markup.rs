//! What HTML, SVG, Markdown and JSON carry besides text: scripts, remote references, embedded files.

use crate::bytes::find;
use crate::kind::Kind;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Scripts, in lower case.
const SCRIPTS: [&[u8]; 5] = [
    b"<script",
    b"javascript:",
    b" onload=",
    b" onclick=",
    b"<foreignobject",
];

/// References that are loaded when the file is shown.
const REMOTE: [&[u8]; 6] = [
    b"src=\"http",
    b"src='http",
    b"href=\"http",
    b"@import",
    b"url(http",
    b"<iframe",
];

/// First lines of each.
#[derive(Default)]
pub struct Markup {
    data: Option<u64>,
    script: Option<u64>,
    remote: Option<u64>,
}

impl Markup {
    /// One line, or a piece of one.
    pub fn line(&mut self, line: &[u8], number: u64) {
        if find(line, b";base64,").is_some() && find(line, b"data:").is_some() {
            self.data.get_or_insert(number);
        }
        if !line.contains(&b'<') && !line.contains(&b'=') && !line.contains(&b'@') {
            return;
        }
        let lower = line.to_ascii_lowercase();
        let any = |list: &[&[u8]]| list.iter().any(|n| find(&lower, n).is_some());
        if any(&SCRIPTS) {
            self.script.get_or_insert(number);
        }
        if any(&REMOTE) {
            self.remote.get_or_insert(number);
        }
    }

    /// All is read. Scripts count where they would run.
    pub fn finish(&self, kind: Kind, walk: &mut Walk<'_>, place: &Place) {
        if let Some(line) = self.data {
            let what = "a file embedded as a data: URI";
            walk.findings.add(&rules::D002, &place.line(line), what);
        }
        if matches!(kind, Kind::Html | Kind::Svg) {
            if let Some(line) = self.script {
                walk.findings
                    .add(&rules::D005, &place.line(line), "a script");
            }
            if let Some(line) = self.remote {
                let what = "a remote reference";
                walk.findings.add(&rules::D005, &place.line(line), what);
            }
        }
    }
}
