//! For showing a file to people: what it begins like, and where the cells of its lines end. No findings come of this.

use crate::kind::Kind;
use crate::table::{DELIMITERS, Signature, cells, plausible};
use crate::walk::identify;

/// Lines that are looked at for a delimiter.
const LINES: usize = 64;
/// Of the lines, as many hundredths must have one width: a caption or a note may stand above a table.
const AGREEING: usize = 80;

/// What begins like this; `whole` when `head` is all there is. What text it is can only be said when it was read through.
#[must_use]
pub fn recognise(head: &[u8], whole: bool) -> Kind {
    identify(head, whole)
}

/// What separates the cells of a table's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(usize);

impl Delimiter {
    /// Found by the first lines of a text: most of them must have equally many cells, and hold what data is made of.
    #[must_use]
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let lines: Vec<(&[u8], Signature)> = lines
            .into_iter()
            .filter(|line| !line.trim_ascii().is_empty())
            .take(LINES)
            .map(|line| (line, Signature::of(line)))
            .collect();
        let found = (0..DELIMITERS.len()).find(|index| {
            let widths: Vec<usize> = lines.iter().map(|(_, s)| s.width(*index)).collect();
            let Some(usual) = usual(&widths).filter(|w| *w >= 2) else {
                return false;
            };
            // The first may be a header, which is words in any table.
            let rows = lines
                .iter()
                .skip(1)
                .filter(|(_, s)| s.width(*index) == usual);
            let agreeing = widths.iter().filter(|w| **w == usual).count();
            agreeing >= 2
                && agreeing * 100 >= widths.len() * AGREEING
                && plausible(*index, rows.map(|(line, _)| cells(line, *index)))
        });
        found.map(Self)
    }

    /// The cells of a line, without the quotes and blanks round them.
    #[must_use]
    pub fn cells(self, line: &[u8]) -> Vec<Vec<u8>> {
        cells(line, self.0)
    }
}

/// The number that occurs most.
fn usual(widths: &[usize]) -> Option<usize> {
    let mut sorted = widths.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| run.len())
        .and_then(|run| run.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<Vec<String>> {
        let delimiter = Delimiter::of(text.lines().map(str::as_bytes))?;
        let cells = delimiter.cells(text.lines().next().unwrap().as_bytes());
        Some(
            cells
                .into_iter()
                .map(|c| String::from_utf8(c).unwrap())
                .collect(),
        )
    }

    #[test]
    fn tables_are_split_by_what_separates_them() {
        let commas = "group,cases,controls\na,120,135\n\"b, c\",140,155\n";
        assert_eq!(first(commas).unwrap(), ["group", "cases", "controls"]);
        let tabs = "# made by somebody\nx\ty\n1\t2\n3\t4\n5\t6\n";
        assert_eq!(first(tabs).unwrap().len(), 1, "a note above the table");
        assert_eq!(first("x|y\n1|2\n").unwrap(), ["x", "y"]);
    }

    #[test]
    fn prose_and_code_are_no_tables() {
        assert_eq!(
            first("We looked at it.\nThere was nothing, of course.\n"),
            None
        );
        assert_eq!(first("let a = 1;\nfor x in y {\n    print(x)\n}\n"), None);
        assert_eq!(first(""), None);
    }

    #[test]
    fn a_head_is_recognised() {
        assert_eq!(recognise(b"", true), Kind::Empty);
        assert_eq!(
            recognise(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", false),
            Kind::Png
        );
    }
}
