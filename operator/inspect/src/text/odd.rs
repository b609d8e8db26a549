//! Characters that cannot be seen, or that change the order of others (CVE-2021-42574).

use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// How many, and where first.
#[derive(Default)]
pub struct Odd {
    count: u64,
    first: u64,
}

impl Odd {
    /// One line, or a piece of one.
    pub fn line(&mut self, line: &[u8], number: u64) {
        let found = odd(line, number == 1);
        if found > 0 && self.count == 0 {
            self.first = number;
        }
        self.count += found;
    }

    /// All is read.
    pub fn finish(&self, walk: &mut Walk<'_>, place: &Place) {
        if self.count > 0 {
            let what = "characters that cannot be seen or that change the order of others";
            walk.findings
                .count(&rules::G010, &place.line(self.first), self.count, what);
        }
    }
}

/// Control characters but tab and form feed; zero-width, bidirectional, tag characters; selectors used to carry bytes.
fn odd(line: &[u8], first: bool) -> u64 {
    let line = if first {
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
    } else {
        line
    };
    let mut count = 0;
    for (at, byte) in line.iter().enumerate() {
        let next = |n: usize| line.get(at + n).copied().unwrap_or(0);
        let hit = match byte {
            0..=8 | 11 | 14..=31 | 127 => true,
            0xe2 => match (next(1), next(2)) {
                // A joiner between two emoji is how they are written.
                (0x80, 0x8d) => next(3) < 0xe2,
                (0x80, 0x8b..=0x8f | 0xaa..=0xae) | (0x81, 0xa0..=0xaf) => true,
                _ => false,
            },
            0xef => (next(1), next(2)) == (0xbb, 0xbf),
            0xe1 => (next(1), next(2)) == (0xa0, 0x8e),
            0xf3 => next(1) == 0xa0,
            _ => false,
        };
        count += u64::from(hit);
    }
    count
}

/// Whether a name or text holds any.
pub fn is_odd(text: &str) -> bool {
    odd(text.as_bytes(), false) > 0 || text.contains('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_counted() {
        assert_eq!(odd("plain\ttext é 世 👩‍🔬".as_bytes(), false), 0);
        assert_eq!(odd("a\u{200b}b\u{202e}c\u{feff}\u{7}".as_bytes(), false), 4);
        assert_eq!(odd("\u{feff}header".as_bytes(), true), 0);
        assert_eq!(odd("\u{e0041}\u{e0101}".as_bytes(), false), 2);
    }
}
