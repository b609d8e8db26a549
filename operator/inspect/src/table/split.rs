//! Where cells end: the delimiters that are tried, and lines split by one.

/// Delimiters, likeliest first. Space stands for any run of blanks.
pub const DELIMITERS: [u8; 17] = [
    b'\t', b'|', b';', b',', 0x1f, 0x1e, 0x01, b'~', b'^', b'&', b'@', b'!', b'#', b' ', b'=',
    b':', b'/',
];

/// Index of the space.
const SPACE: usize = 13;
/// Index of the comma: it and those before it separate tables by convention.
const USUAL: usize = 3;

/// How many cells a line has, for each delimiter.
pub struct Signature([u32; DELIMITERS.len()]);

impl Signature {
    /// Counts delimiters outside quotes; runs of blanks once.
    pub fn of(line: &[u8]) -> Self {
        let mut counts = [1_u32; DELIMITERS.len()];
        let line = line.trim_ascii_end();
        let (mut quoted, mut blank) = (false, true);
        for byte in line {
            if *byte == b'"' {
                quoted = !quoted;
            }
            let space = matches!(byte, b' ' | b'\t');
            if !quoted {
                if space
                    && !blank
                    && let Some(count) = counts.get_mut(SPACE)
                {
                    *count += 1;
                }
                if *byte != b' '
                    && let Some(index) = index(*byte)
                    && let Some(count) = counts.get_mut(index)
                {
                    *count += 1;
                }
            }
            blank = space;
        }
        Self(counts)
    }

    /// Cells by one delimiter.
    pub fn width(&self, index: usize) -> usize {
        self.0.get(index).map_or(1, |c| *c as usize)
    }
}

fn index(byte: u8) -> Option<usize> {
    if byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' {
        return None;
    }
    DELIMITERS.iter().position(|d| *d == byte)
}

/// The cells of a line, without the quotes and blanks round them.
pub fn cells(line: &[u8], delimiter: usize) -> Vec<Vec<u8>> {
    let wanted = DELIMITERS.get(delimiter).copied().unwrap_or(b',');
    let line = line.trim_ascii_end();
    let mut cells = Vec::new();
    let mut cell = Vec::new();
    let mut quoted = false;
    let line = if delimiter == SPACE {
        line.trim_ascii_start()
    } else {
        line
    };
    for byte in line {
        let ends = *byte == wanted || (delimiter == SPACE && *byte == b'\t');
        if *byte == b'"' {
            quoted = !quoted;
        } else if ends && !quoted {
            if delimiter != SPACE || !cell.is_empty() {
                cells.push(clean(&cell));
            }
            cell.clear();
        } else {
            cell.push(*byte);
        }
    }
    cells.push(clean(&cell));
    cells
}

fn clean(cell: &[u8]) -> Vec<u8> {
    let cell = cell.trim_ascii();
    let quote = cell.first().filter(|q| matches!(q, b'\'' | b'`'));
    let inner = match (quote, cell) {
        (Some(quote), [_, inner @ .., last]) if last == quote => inner,
        _ => cell,
    };
    inner.to_vec()
}

/// Whether rows split like this are cells, and not words or code: by usual delimiters always, by others when half of the cells
/// are numbers or other values.
pub fn plausible(delimiter: usize, rows: impl Iterator<Item = Vec<Vec<u8>>>) -> bool {
    if delimiter < USUAL {
        return true;
    }
    let (mut all, mut values) = (0, 0);
    for cell in rows.flatten() {
        all += 1;
        values += usize::from(value(&cell));
    }
    // A comma separates clauses too.
    if delimiter == USUAL {
        values * 5 >= all
    } else {
        values * 2 >= all
    }
}

/// A number, nothing, or another short value that data is made of.
fn value(cell: &[u8]) -> bool {
    cell.is_empty()
        || super::column::number(cell).is_some()
        || super::column::missing(cell)
        || std::str::from_utf8(cell).is_ok_and(|c| super::column::date(c).is_some())
        || crate::text::genotype(cell)
        || crate::text::allele_pair(cell)
        || crate::text::is_variant_key(cell)
        || crate::text::person_code(cell).is_some()
        || matches!(cell, [b'A' | b'C' | b'G' | b'T'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str, delimiter: u8) -> Vec<String> {
        let index = index(delimiter).unwrap_or(SPACE);
        cells(line.as_bytes(), index)
            .into_iter()
            .map(|c| String::from_utf8(c).unwrap())
            .collect()
    }

    #[test]
    fn cells_lose_their_quotes_and_keep_what_is_quoted() {
        assert_eq!(split("a,\"b,c\",'d', e", b','), ["a", "b,c", "d", "e"]);
        assert_eq!(split("  1   2\t3 ", b' '), ["1", "2", "3"]);
        assert_eq!(Signature::of(b"a,\"b,c\",d").width(USUAL), 3);
        assert_eq!(Signature::of(b"  1   2\t3 ").width(SPACE), 3);
    }

    #[test]
    fn prose_is_no_table() {
        let rows = |text: &str| vec![cells(text.as_bytes(), SPACE)].into_iter();
        assert!(!plausible(SPACE, rows("the cat sat on the mat")));
        assert!(plausible(SPACE, rows("HG00096 0 1 2 2 1")));
    }
}
