//! Columns, as wide as their widest cell.

use super::{Line, Paint, Tone};

/// Rows under a header; the last column is not padded. Every row has as many cells as the header.
pub fn table(paint: Paint, header: &[&str], rows: &[Vec<Line>]) -> String {
    let head: Vec<_> = header.iter().map(|h| Line::new(Tone::Strong, *h)).collect();
    let all: Vec<&Vec<Line>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(Line::width).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    for row in &all {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            line.push_str(&cell.painted(paint));
            if i + 1 < row.len() {
                let pad = widths
                    .get(i)
                    .copied()
                    .unwrap_or(0)
                    .saturating_sub(cell.width());
                line.push_str(&" ".repeat(pad + 3));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
