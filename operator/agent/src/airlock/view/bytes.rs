//! The first bytes of a file, as hexadecimal digits.

use std::fmt::Write;

use maud::{Markup, html};

/// Bytes shown.
const SHOWN: usize = 1 << 10;
/// Bytes of a line.
const LINE: usize = 16;

/// The page.
pub fn show(head: &[u8]) -> Markup {
    let shown = &head[..head.len().min(SHOWN)];
    html! {
        @if shown.is_empty() {
            p { "Nothing." }
        } @else {
            p { "The first " (shown.len()) " bytes. If people cannot read the rest, ask for it in a form that they can." }
            div class="scroll" tabindex="0" role="region" aria-label="Bytes" {
                pre class="hex" { (dump(shown)) }
            }
        }
    }
}

fn dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (number, line) in bytes.chunks(LINE).enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{:08x} ", number * LINE);
        for byte in line {
            let _ = write!(out, " {byte:02x}");
        }
        let missing = (LINE - line.len()) * 3 + 2;
        out.extend(std::iter::repeat_n(' ', missing));
        out.extend(line.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        }));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_dump_is_read() {
        let padding = " ".repeat(12 * 3 + 2);
        assert_eq!(
            dump(b"<b>\0"),
            format!("00000000  3c 62 3e 00{padding}<b>.\n")
        );
        let page = show(&[b'<'; 5000]).into_string();
        assert!(page.contains("first 1024 bytes"));
        assert_eq!(page.matches("&lt;").count(), SHOWN);
    }
}
