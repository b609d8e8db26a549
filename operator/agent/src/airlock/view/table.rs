//! A part of a file as a table. The lines that begin within a page are its rows; nothing is left out but the ends of very long
//! lines, cells beyond very many and the ends of very long cells, all of which stand whole in the text.

use std::fs::File;
use std::io;

use maud::{Markup, html};
use sde_inspect::Delimiter;

use crate::airlock::view::opened::{WINDOW, read_at};
use crate::airlock::view::text::visible;

/// Bytes of a line that are read beyond the page it begins on.
const OVERHANG: u64 = 32 << 10;
/// Cells of a row.
const CELLS: usize = 200;
/// Bytes of a cell.
const CELL: usize = 200;

/// What separates the cells, found by the beginning of the file.
pub fn delimiter(head: &[u8]) -> Option<Delimiter> {
    // The last line may be cut.
    let end = head.iter().rposition(|b| *b == b'\n')?;
    Delimiter::of(head[..end].split(|b| *b == b'\n'))
}

/// One page.
pub struct Part {
    lines: Vec<Vec<u8>>,
    /// Whether the file begins here, with what may be a header.
    first: bool,
    /// Whether the last line goes on.
    cut: bool,
}

/// The lines that begin within a page.
pub fn part(file: &mut File, from: u64) -> io::Result<Part> {
    // From one byte before: a line that begins exactly here follows a line's end.
    let before = from.saturating_sub(1);
    let most = from - before + WINDOW + OVERHANG;
    let bytes = read_at(file, before, most)?;
    let all = (bytes.len() as u64) < most;
    let end_of = |at: usize| bytes[at..].iter().position(|b| *b == b'\n').map(|n| at + n);
    let window = usize::try_from(from - before + WINDOW).unwrap_or(usize::MAX);
    let mut at = match from {
        0 => 0,
        _ => end_of(0).map_or(bytes.len(), |end| end + 1),
    };
    let (mut lines, mut cut) = (Vec::new(), false);
    while at < window && at < bytes.len() {
        let end = end_of(at);
        lines.push(bytes[at..end.unwrap_or(bytes.len())].to_vec());
        cut = end.is_none() && !all;
        at = end.map_or(bytes.len(), |end| end + 1);
    }
    Ok(Part {
        lines,
        first: from == 0,
        cut,
    })
}

/// The page.
pub fn show(part: &Part, delimiter: Delimiter) -> Markup {
    let rows: Vec<Vec<Vec<u8>>> = part.lines.iter().map(|l| delimiter.cells(l)).collect();
    let wide = rows.iter().any(|row| row.len() > CELLS);
    let (head, body) = match rows.split_first() {
        Some((head, body)) if part.first => (Some(head), body),
        _ => (None, rows.as_slice()),
    };
    html! {
        @if rows.is_empty() {
            p { "No line begins on this page: it is the middle of a long one. Show it as text." }
        } @else {
            @if wide { p { "Only the first " (CELLS) " columns are shown. Show it as text to see all." } }
            @if part.cut { p { "The last line is cut. Show it as text to see all." } }
            div class="scroll" tabindex="0" role="region" aria-label="Table" {
                table {
                    caption { "Rows on this page: " (body.len()) }
                    @if let Some(head) = head {
                        thead { tr { @for cell in head.iter().take(CELLS) { th scope="col" { (shown(cell)) } } } }
                    }
                    tbody {
                        @for row in body {
                            tr { @for cell in row.iter().take(CELLS) { td { (shown(cell)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn shown(cell: &[u8]) -> Markup {
    html! {
        @match cell.get(..CELL) {
            Some(beginning) if cell.len() > CELL => { (visible(beginning)) mark { "cut" } },
            _ => (visible(cell)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn every_line_is_on_one_page() {
        let mut file = tempfile::tempfile().expect("file");
        let mut text = String::from("n,square\n");
        for n in 0_u64..20_000 {
            writeln!(text, "{n},{}", n * n).expect("written");
        }
        io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        let mut lines = Vec::new();
        for page in 0..(text.len() as u64).div_ceil(WINDOW) {
            let part = part(&mut file, page * WINDOW).expect("read");
            assert!(!part.cut);
            lines.extend(part.lines);
        }
        let wanted: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        assert_eq!(lines, wanted);
    }

    #[test]
    fn what_is_too_long_is_cut_and_said() {
        let mut file = tempfile::tempfile().expect("file");
        let long = vec![b'x'; 200_000];
        io::Write::write_all(&mut file, &long).expect("written");
        let first = part(&mut file, 0).expect("read");
        assert!(first.cut && first.lines[0].len() < 80_000);
        assert!(part(&mut file, WINDOW).expect("read").lines.is_empty());

        let delimiter = delimiter(b"a,b\n1,2\n3,4\n").expect("a table");
        let line = format!("{},{}", "1,".repeat(300), "y".repeat(300));
        let wide = Part {
            lines: vec![b"a,<b>".to_vec(), line.into_bytes(), b"z".repeat(201)],
            first: true,
            cut: false,
        };
        let page = show(&wide, delimiter).into_string();
        assert_eq!(page.matches("<td").count(), CELLS + 1);
        assert!(page.contains("<th scope=\"col\">&lt;b&gt;</th>"), "{page}");
        assert!(page.contains("z<mark>cut</mark>"));
        assert!(page.contains("Only the first 200 columns"));
    }
}
