//! Differencing inside one table: what a total gives back.

use super::block::Block;
use super::column::{number, suppressed};
use super::counts::counted;
use super::names::{Label, label};
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Looks at rows and columns that have a total.
pub fn judge(block: &Block, walk: &mut Walk<'_>, place: &Place) {
    if block.rows > block.kept.len() as u64 || block.rows < 2 {
        return;
    }
    let counts: Vec<usize> = block
        .labelled()
        .filter(|(_, l, c)| counted(*l) && *l != Label::Total && c.whole > 0)
        .map(|(index, _, _)| index)
        .collect();
    let numbers: Vec<usize> = block
        .labelled()
        .filter(|(_, l, c)| *l != Label::Total && c.whole > 0 && c.whole + c.suppressed == c.values)
        .map(|(index, _, _)| index)
        .collect();
    let total = block
        .labelled()
        .find(|(_, l, c)| *l == Label::Total && c.whole > 0)
        .map(|(index, _, _)| index);
    if let Some(total) = total {
        for (row, cells) in block.kept.iter().enumerate() {
            across(
                cells,
                total,
                &numbers,
                &counts,
                walk,
                &place.line(block.first + row as u64 + 1),
            );
        }
    }
    let last = block
        .kept
        .iter()
        .position(|row| row.first().is_some_and(|c| label(c) == Label::Total));
    if let Some(last) = last {
        for column in numbers.into_iter().chain(total) {
            down(block, last, column, walk, place);
        }
    }
}

fn value(cells: &[Vec<u8>], at: usize) -> Option<f64> {
    cells.get(at).and_then(|c| number(c))
}

/// One row: its total, its parts.
fn across(
    cells: &[Vec<u8>],
    total: usize,
    parts: &[usize],
    counts: &[usize],
    walk: &mut Walk<'_>,
    place: &Place,
) {
    let Some(all) = value(cells, total) else {
        return;
    };
    let hidden = |at: &&usize| cells.get(**at).is_some_and(|c| suppressed(c));
    if parts.iter().filter(hidden).count() == 1 && parts.len() >= 2 {
        let what = "one suppressed cell in a row that has a total";
        walk.findings.add(&rules::S007, place, what);
    }
    let small = walk.thresholds.small_count as f64;
    for part in counts {
        let rest = value(cells, *part).map(|n| all - n);
        if rest.is_some_and(|r| r > 0.0 && r < small) {
            let place = place.column(*part);
            let what = "a count that leaves few of its total";
            walk.findings.add(&rules::S007, &place, what);
        }
    }
}

/// One column: the row with its total, the others.
fn down(block: &Block, total: usize, column: usize, walk: &mut Walk<'_>, place: &Place) {
    let known = block.kept.get(total).and_then(|row| value(row, column));
    let rows = || {
        block
            .kept
            .iter()
            .enumerate()
            .filter(|(row, _)| *row != total)
    };
    let hidden = rows()
        .filter(|(_, cells)| cells.get(column).is_some_and(|c| suppressed(c)))
        .count();
    if known.is_some() && hidden == 1 {
        let place = place.line(block.first + total as u64 + 1).column(column);
        let what = "one suppressed cell in a column that has a total";
        walk.findings.add(&rules::S007, &place, what);
    }
}
