//! Whether a table is of people: genotypes, ids, dates, free text, or simply as many rows as there are people.

use super::block::Block;
use super::column::Column;
use super::names::Label;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Rows and columns of numbers that no table of results has.
const WIDE: (u64, usize) = (1000, 20);
/// Rows of 0, 1 and 2 without any names that are no accident.
const DOSES: u64 = 20;
/// Rows and columns of a matrix without names that are more than a few traits.
const SQUARE: u64 = 15;
/// Dates of birth that are no accident.
const DATES: u64 = 3;
/// Years over which people are born and projects do not run.
const YEARS: u16 = 15;
/// Characters on average that make a column one of free text.
const FREE: u64 = 80;
/// Rows from which a share of the cohort says anything.
const SHARE: u64 = 50;

/// Every rule about people.
pub fn judge(block: &Block, strict: bool, walk: &mut Walk<'_>, place: &Place) {
    genotypes(block, strict, walk, place);
    identified(block, walk, place);
    births(block, walk, place);
    columns(block, strict, walk, place);
    if strict {
        cohort(block, walk, place);
    }
}

/// Genotypes, with variants or people in front of the rows or over the columns.
pub fn genotypes(block: &Block, strict: bool, walk: &mut Walk<'_>, place: &Place) {
    let place = place.line(block.first);
    let need = walk.thresholds.genotype_columns;
    let count = |test: fn(&Column) -> bool| block.columns.iter().filter(|c| test(c)).count();
    let unnamed = |test: fn(&Column) -> bool| {
        let columns = block
            .labelled()
            .filter(|(_, label, _)| *label == Label::Other);
        columns.filter(|(_, _, c)| test(c)).count()
    };
    let (calls, doses) = (count(Column::is_calls), unnamed(Column::is_doses));
    let genotyped = calls + unnamed(|c| c.is_doses() || c.is_dosages());
    let keyed = block
        .columns
        .iter()
        .any(|c| c.is_variants() || (c.codes >= 3 && c.codes * 2 > c.values))
        || block.header_variants >= need
        || block.header_codes >= need
        || block
            .labelled()
            .any(|(_, label, _)| matches!(label, Label::Variant | Label::Position | Label::Person));
    let variants = block.columns.iter().any(Column::is_variants);
    let person = variants && block.columns.iter().any(Column::is_person);
    if calls >= need && block.rows >= 2 || keyed && genotyped >= need || person {
        let what = format!("{} columns of genotypes", genotyped);
        walk.findings.add(&rules::I006, &place, what);
    } else if strict && block.rows >= DOSES && doses >= need && varied(block) {
        let what = format!("{doses} columns of 0, 1 and 2");
        walk.findings.add(&rules::I013, &place, what);
    } else if strict && square(block) {
        let what = format!(
            "{0} rows by {0} columns of numbers, without names",
            block.rows
        );
        walk.findings.add(&rules::I013, &place, what);
    } else if strict && block.rows >= WIDE.0 && count(Column::is_numbers) >= WIDE.1 {
        let what = format!(
            "{} rows by {} columns of numbers",
            block.rows,
            count(Column::is_numbers)
        );
        walk.findings.add(&rules::I013, &place, what);
    }
}

/// Whether as many numbers go across as down, and nothing says of what: distances and relationships look like this.
fn square(block: &Block) -> bool {
    block.header.is_none()
        && block.rows >= SQUARE
        && block.rows == block.width as u64
        && block.columns.iter().all(Column::is_numbers)
}

/// Whether columns of 0, 1 and 2 hold more than one of them.
fn varied(block: &Block) -> bool {
    let sets = block.columns.iter().filter(|c| c.is_doses());
    sets.filter(|c| c.dose_set.count_ones() >= 2).count() >= 3
}

/// Ids of people in a column, or in a row with that name.
fn identified(block: &Block, walk: &mut Walk<'_>, place: &Place) {
    let many = walk.thresholds.identifiers;
    for (index, label, column) in block.labelled() {
        let distinct = column.distinct.len() as u64;
        let unique = distinct * 10 >= column.values.min(512) * 9;
        let named = label == Label::Person && distinct >= 5 && unique;
        let formed = column.codes >= many && column.codes * 10 >= column.values * 8 && unique;
        if named || formed {
            let place = place.line(block.first).column(index);
            walk.findings
                .add(&rules::I008, &place, "a different id in each row");
        }
    }
    let over = block.header_codes as u64;
    if over >= many || (over >= 5 && block.label(0) == Label::Person) {
        let place = place.line(block.first);
        walk.findings
            .add(&rules::I008, &place, "ids as names of columns");
    }
    for (label, column, line) in &block.named_rows {
        let distinct = column.distinct.len() as u64;
        let formed = column.codes >= 5 && column.codes * 2 > column.values;
        if *label == Label::Person && distinct >= 5 && (formed || distinct == column.values) {
            let place = place.line(*line);
            walk.findings
                .add(&rules::I008, &place, "a row of different ids");
        }
    }
}

fn births(block: &Block, walk: &mut Walk<'_>, place: &Place) {
    for (index, label, column) in block.labelled() {
        let named = label == Label::Birth && column.dates >= DATES;
        let spread = column.years.1.saturating_sub(column.years.0) >= YEARS;
        let formed = column.values >= 10
            && column.dates * 10 >= column.values * 8
            && spread
            && !column.rising;
        if named || formed {
            let place = place.line(block.first).column(index);
            let what = format!(
                "{} full dates over {} years",
                column.dates,
                column.years.1 - column.years.0
            );
            walk.findings.add(&rules::P003, &place, what);
        }
    }
    for (label, column, line) in &block.named_rows {
        if *label == Label::Birth && column.dates >= DATES {
            let what = format!("{} full dates in a row", column.dates);
            walk.findings.add(&rules::P003, &place.line(*line), what);
        }
    }
}

/// Names, addresses, free text.
fn columns(block: &Block, strict: bool, walk: &mut Walk<'_>, place: &Place) {
    for (index, label, column) in block.labelled() {
        let place = place.line(block.first).column(index);
        if matches!(label, Label::Name | Label::Contact) && column.values >= 3 {
            walk.findings.add(
                &rules::P002,
                &place,
                "a column named as one of people's names or addresses",
            );
        }
        let long = column.values >= 10 && column.bytes > FREE * column.values;
        if strict
            && long
            && column.numbers == 0
            && column.genotypes == 0
            && column.distinct.len() > 5
        {
            let what = format!(
                "{} characters on average",
                column.bytes / column.values.max(1)
            );
            walk.findings.add(&rules::P005, &place, what);
        }
    }
}

/// As many rows or columns as there are people.
fn cohort(block: &Block, walk: &mut Walk<'_>, place: &Place) {
    let Some(cohort) = walk.declared.cohort.filter(|c| *c >= SHARE) else {
        return;
    };
    let place = place.line(block.first);
    let near = |n: u64| n.abs_diff(cohort) * 100 <= cohort;
    if near(block.rows) || near(block.width as u64) {
        walk.findings.add(
            &rules::I007,
            &place,
            "as many rows or columns as people in the data",
        );
    } else if block.rows >= SHARE && block.rows * 2 >= cohort {
        walk.findings.add(
            &rules::I008,
            &place,
            "half as many rows as people in the data, or more",
        );
    }
}
