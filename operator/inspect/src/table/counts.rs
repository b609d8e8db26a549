//! Small counts and what else numbers in a table disclose.

use super::block::Block;
use super::column::Column;
use super::names::Label;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Every rule about counts. `strict` when numbers without a known name count too.
pub fn judge(block: &Block, strict: bool, walk: &mut Walk<'_>, place: &Place) {
    for (index, label, column) in block.labelled() {
        let named =
            counted(label) && (column.is_whole() || column.whole > 0 && column.suppressed > 0);
        let crossed = strict
            && label == Label::Other
            && column.is_whole()
            && !column.index
            && !is_code(block, index, column);
        if !named && !crossed {
            other(label, column, walk, &place.line(block.first).column(index));
            continue;
        }
        walk.findings.facts.counts = true;
        small(column, walk, &place.column(index));
        if named && column.unrounded > 0 {
            let place = place.line(block.first).column(index);
            walk.findings.count(
                &rules::S008,
                &place,
                column.unrounded,
                "counts that are no multiple of 5",
            );
        }
    }
    for (label, column, line) in &block.named_rows {
        if counted(*label) && column.is_whole() {
            walk.findings.facts.counts = true;
            small(column, walk, &place.line(*line));
        }
    }
}

/// Names of counts.
pub fn counted(label: Label) -> bool {
    matches!(
        label,
        Label::Count
            | Label::Total
            | Label::People
            | Label::Cases
            | Label::Controls
            | Label::MinorCount
            | Label::AlleleCount
    )
}

/// Whole numbers that are codes: in the first of several columns, each another.
fn is_code(block: &Block, index: usize, column: &Column) -> bool {
    let first = index == 0 && block.columns.len() > 1;
    let distinct = column.distinct.len() as u64 == column.values;
    first && distinct && column.values > 1
}

fn small(column: &Column, walk: &mut Walk<'_>, place: &Place) {
    if column.small > 0 {
        let what = "counts above zero and below the threshold";
        walk.findings.count(
            &rules::S001,
            &place.line(column.small_line),
            column.small,
            what,
        );
    }
    if column.zeros > 0 {
        walk.findings
            .count(&rules::S002, place, column.zeros, "counts of zero");
    }
}

/// Columns whose names tell of something else that discloses.
fn other(label: Label, column: &Column, walk: &mut Walk<'_>, place: &Place) {
    if label == Label::End && column.numbers > 0 {
        walk.findings
            .add(&rules::S005, place, "a column of end points");
    }
    if label == Label::Dof && column.small > 0 {
        let what = "degrees of freedom below the threshold";
        walk.findings.count(&rules::S004, place, column.small, what);
    }
}
