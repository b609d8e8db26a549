//! A part of a file as text: every byte of it is there, and what cannot be seen is made visible.

use std::fs::File;
use std::io;

use maud::{Markup, html};

use crate::airlock::view::opened::{WINDOW, read_at};

/// Bytes of a UTF-8 character after its first.
const TAIL: u64 = 3;

/// Whether bytes look like text: a superset of ASCII, with few control characters.
pub fn is_text(head: &[u8]) -> bool {
    let odd = head
        .iter()
        .filter(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c))
        .count();
    !head.is_empty() && !head.contains(&0) && odd * 100 <= head.len()
}

/// The bytes of one page. A character that stands on the border belongs to the page on which it begins.
pub fn part(file: &mut File, from: u64) -> io::Result<Vec<u8>> {
    let before = from.saturating_sub(TAIL);
    let bytes = read_at(file, before, from - before + WINDOW + TAIL)?;
    let start = usize::try_from(from - before).unwrap_or(usize::MAX);
    let end = bytes
        .len()
        .min(start.saturating_add(usize::try_from(WINDOW).unwrap_or(usize::MAX)));
    let (start, end) = (border(&bytes, start), border(&bytes, end));
    Ok(bytes.get(start..end).unwrap_or_default().to_vec())
}

/// Where the character ends that stands on a border; the border itself when none does.
fn border(bytes: &[u8], at: usize) -> usize {
    for back in 1..=TAIL as usize {
        let Some(from) = at.checked_sub(back) else {
            break;
        };
        let Some(first) = bytes.get(from) else { break };
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => break,
        };
        let whole = bytes.get(from..from + length);
        if from + length > at && whole.is_some_and(|c| std::str::from_utf8(c).is_ok()) {
            return from + length;
        }
        break;
    }
    at
}

/// The page.
pub fn show(bytes: &[u8]) -> Markup {
    html! {
        @if bytes.is_empty() {
            p { "Nothing." }
        } @else {
            p { "Marked is what cannot be seen, or is no UTF-8." }
            div class="scroll" tabindex="0" role="region" aria-label="Text" {
                pre { (marked(bytes, |c| matches!(c, '\n' | '\t'))) }
            }
        }
    }
}

/// One line of text in which everything that cannot be seen is marked.
pub fn visible(bytes: &[u8]) -> Markup {
    marked(bytes, |_| false)
}

/// Text in which everything that cannot be seen is marked, but what works as it is.
fn marked(bytes: &[u8], works: fn(char) -> bool) -> Markup {
    let odd = |c: char| hidden(c) && !works(c);
    html! {
        @for chunk in bytes.utf8_chunks() {
            @for run in chunk.valid().split_inclusive(odd) {
                @match run.chars().next_back().filter(|c| odd(*c)) {
                    Some(last) => { (&run[..run.len() - last.len_utf8()]) mark { (code(last)) } },
                    None => (run),
                }
            }
            @for byte in chunk.invalid() { mark { (format!("\\x{byte:02x}")) } }
        }
    }
}

fn code(c: char) -> String {
    match c {
        '\r' => "\\r".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_ascii() => format!("\\x{:02x}", u32::from(c)),
        c => format!("U+{:04X}", u32::from(c)),
    }
}

/// Characters that leave no trace on a page or turn it round: controls, blanks that are no space, private use, and those that are
/// ignored by default (DerivedCoreProperties of Unicode, Default_Ignorable_Code_Point).
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xa0 | 0xad | 0x034f | 0x061c | 0x115f..=0x1160 | 0x1680 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164
            | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0x10_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_marked_and_what_is_markup_is_text() {
        let text = "a<b>&\"\t\u{202e}\u{200b}\r\n".as_bytes();
        let page = show(text).into_string();
        let wanted = "<pre>a&lt;b&gt;&amp;&quot;\t<mark>U+202E</mark><mark>U+200B</mark><mark>\\r</mark>\n</pre>";
        assert!(page.contains(wanted), "{page}");
        assert_eq!(
            visible(b"x\n\xff<").into_string(),
            "x<mark>\\n</mark><mark>\\xff</mark>&lt;"
        );
        assert_eq!(visible("Größe 日本".as_bytes()).into_string(), "Größe 日本");
    }

    fn pages(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut file = tempfile::tempfile().expect("file");
        io::Write::write_all(&mut file, bytes).expect("written");
        (0..(bytes.len() as u64).div_ceil(WINDOW))
            .map(|page| part(&mut file, page * WINDOW).expect("read"))
            .collect()
    }

    #[test]
    fn pages_together_are_the_whole_file() {
        let text = "aé日𝄞\n".repeat(20_000);
        let shown = pages(text.as_bytes());
        assert!(shown.iter().all(|p| std::str::from_utf8(p).is_ok()));
        assert_eq!(shown.concat(), text.as_bytes());
        // What only pretends to be characters is not lost either.
        for odd in [b"\x80".as_slice(), b"\xf0\x9d", b"\xe6\x97", b"\xff\xc3a"] {
            let bytes = odd.repeat(70_001 / odd.len());
            assert_eq!(pages(&bytes).concat(), bytes);
        }
    }

    #[test]
    fn text_is_known_from_bytes() {
        assert!(is_text("Größe\n".as_bytes()) && is_text(b"latin \xe9\n"));
        assert!(!is_text(b"") && !is_text(b"a\0b") && !is_text(b"\x01\x02\x03text"));
    }
}
