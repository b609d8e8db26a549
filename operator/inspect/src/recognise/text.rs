//! Whether bytes are text, and what its beginning says.

use crate::bytes::find;
use crate::kind::Kind;

/// UTF-16 byte order marks.
pub const UTF16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A kind of text; lines decide later between table, Markdown, code and text.
pub fn recognise(head: &[u8]) -> Option<Kind> {
    if UTF16.iter().any(|bom| head.starts_with(bom)) && head.len() >= 4 {
        return Some(Kind::Text);
    }
    if !is_text(head) {
        return None;
    }
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = start.trim_ascii_start();
    let lower: Vec<u8> = start
        .iter()
        .take(1024)
        .map(u8::to_ascii_lowercase)
        .collect();
    if lower.starts_with(b"<svg")
        || (lower.starts_with(b"<?xml") && find(&lower, b"<svg").is_some())
    {
        return Some(Kind::Svg);
    }
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Some(Kind::Html);
    }
    if start.starts_with(b"{") && notebook(head) {
        return Some(Kind::Notebook);
    }
    json(start).then_some(Kind::Json).or(Some(Kind::Text))
}

/// Keys that every notebook has (nbformat 4).
fn notebook(head: &[u8]) -> bool {
    find(head, b"\"cells\"").is_some()
        && (find(head, b"\"cell_type\"").is_some() || find(head, b"\"nbformat\"").is_some())
}

/// An object or array: a brace and a quoted key, or a bracket and a value.
fn json(start: &[u8]) -> bool {
    let Some((first, rest)) = start.split_first() else {
        return false;
    };
    let next = rest.trim_ascii_start().first();
    match first {
        b'{' => matches!(next, Some(b'"' | b'}')),
        b'[' => next
            .is_some_and(|b| matches!(b, b'{' | b'[' | b'"' | b'-' | b']') || b.is_ascii_digit()),
        _ => false,
    }
}

/// No NUL and hardly a control byte; UTF-8, or an older encoding that is mostly ASCII.
pub fn is_text(head: &[u8]) -> bool {
    let odd = head
        .iter()
        .filter(|b| matches!(b, 0x01..=0x08 | 0x0e..=0x1b | 0x7f))
        .count();
    if head.contains(&0) || odd * 50 > head.len() {
        return false;
    }
    match std::str::from_utf8(head) {
        Ok(_) => true,
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => true,
        Err(_) => head.iter().filter(|b| **b >= 0x80).count() * 8 < head.len() && odd == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_any_language() {
        assert!(is_text("Grüße, 世界\n".as_bytes()));
        assert!(is_text(b"caf\xe9 and more words in Latin-1\n"));
        assert!(!is_text(b"BAM\x01\0\0"));
        assert!(!is_text(&[0x9c, 0xe1, 0x88, 0x21, 0xf0]));
        assert_eq!(recognise(b"{\"a\": 1}"), Some(Kind::Json));
        assert_eq!(recognise(b"{x <- 1}"), Some(Kind::Text));
        assert_eq!(recognise(b"<?xml version='1.0'?>\n<svg>"), Some(Kind::Svg));
    }
}
