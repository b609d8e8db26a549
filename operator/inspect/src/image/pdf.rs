//! PDF: names of what it carries besides pages (ISO 32000), and what follows its end. Objects in compressed streams are not
//! opened, so a PDF is held in any case.

use std::io::{self, Read};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::trailing;
use crate::report::Place;
use crate::rules;
use crate::walk::{Input, Walk, Window};

/// Names that carry more than pages; the last is the end of the file.
const NAMES: [&[u8]; 7] = [
    b"/JavaScript",
    b"/JS",
    b"/EmbeddedFile",
    b"/Launch",
    b"/RichMedia",
    b"/XFA",
    b"%%EOF",
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(NAMES).ok());

/// Blanks that may follow the end.
const BLANKS: u64 = 64;
/// Bytes read at a time.
const CHUNK: u64 = 1 << 20;
/// Bytes that chunks overlap.
const OVERLAP: u64 = 16;

/// Looks for those names.
pub fn pdf(
    walk: &mut Walk<'_>,
    input: &mut dyn Input,
    length: u64,
    place: &Place,
) -> io::Result<()> {
    let mut end = None;
    let mut active = None;
    let mut at = 0;
    while at < length {
        let mut chunk = Vec::new();
        Window::new(input, at, CHUNK + OVERLAP).read_to_end(&mut chunk)?;
        for hit in FINDER.iter().flat_map(|f| f.find_iter(&chunk)) {
            let here = at + hit.start() as u64;
            if hit.pattern().as_usize() + 1 == NAMES.len() {
                let rest = chunk.get(hit.end()..).unwrap_or_default();
                let line = rest
                    .iter()
                    .take(2)
                    .take_while(|b| matches!(b, b'\r' | b'\n'));
                end = Some(at + (hit.end() + line.count()) as u64);
            } else if !chunk.get(hit.end()).is_some_and(u8::is_ascii_alphabetic) {
                active.get_or_insert(here);
            }
        }
        at += CHUNK;
    }
    if let Some(here) = active {
        let what = "a script, an attachment or an action";
        walk.findings.add(&rules::D004, &place.offset(here), what);
    }
    match end {
        Some(end) if end + BLANKS < length => trailing(walk, input, end, length, place),
        Some(_) => Ok(()),
        None => {
            walk.findings.unread(place, "the document is cut off");
            Ok(())
        }
    }
}
