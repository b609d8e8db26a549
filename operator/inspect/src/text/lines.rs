//! Bytes into lines, however they end (LF, CR LF, CR), in bounded memory.

/// Bytes of a line that are kept together.
const MAX: usize = 1 << 20;

/// A line under way.
#[derive(Default)]
pub struct Lines {
    line: Vec<u8>,
    /// Whether pieces of this line have been given out.
    broken: bool,
    /// Whether the last byte was a CR, so that an LF belongs to it.
    carriage: bool,
}

impl Lines {
    /// Gives `each` every line that ends here; the flag is false for a further piece of a long line.
    pub fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8], bool)) {
        for part in bytes.split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            let (content, end) = match part.split_last() {
                Some((b'\n', rest)) => (rest, Some(b'\n')),
                Some((b'\r', rest)) => (rest, Some(b'\r')),
                _ => (part, None),
            };
            let after = std::mem::replace(&mut self.carriage, end == Some(b'\r'));
            if after && content.is_empty() && end == Some(b'\n') {
                continue;
            }
            for piece in content.chunks(MAX) {
                if self.line.len() + piece.len() > MAX {
                    self.give(each);
                    self.broken = true;
                }
                self.line.extend_from_slice(piece);
            }
            if end.is_some() {
                self.give(each);
                self.broken = false;
            }
        }
    }

    /// Gives the last line, if it did not end.
    pub fn end(&mut self, each: &mut impl FnMut(&[u8], bool)) {
        if !self.line.is_empty() {
            self.give(each);
        }
    }

    fn give(&mut self, each: &mut impl FnMut(&[u8], bool)) {
        each(&self.line, !self.broken);
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut each = |line: &[u8], first: bool| found.push(format!("{first} {}", line.len()));
        let mut lines = Lines::default();
        for piece in pieces {
            lines.push(piece, &mut each);
        }
        lines.end(&mut each);
        found
    }

    #[test]
    fn every_ending_ends_a_line_once() {
        assert_eq!(
            lines(&[b"a\r", b"\nbb\rc\n\nd"]),
            ["true 1", "true 2", "true 1", "true 0", "true 1"]
        );
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        let long = vec![b'x'; MAX + 10];
        assert_eq!(
            lines(&[&long, b"\ny"]),
            ["true 1048576", "false 10", "true 1"]
        );
    }
}
