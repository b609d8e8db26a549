//! One table under way: its header, its columns, its first rows.

use super::column::{Column, missing, number};
use super::gwas::Gwas;
use super::names::{Label, label};
use super::split::Signature;
use crate::limits::Thresholds;
use crate::text::{genotype, is_variant_key, person_code};

/// Columns that are counted one by one.
const COLUMNS: usize = 4096;
/// Columns whose distinct values are counted, and whose first rows are kept.
const NARROW: usize = 64;
/// Rows kept.
const ROWS: usize = 500;
/// Rows kept of a wide table.
const WIDE_ROWS: usize = 20;
/// Bytes kept of a cell.
const CELL: usize = 64;

/// One table.
pub struct Block {
    /// Index of the delimiter.
    pub delimiter: usize,
    /// Cells of a line.
    pub width: usize,
    /// Its first line.
    pub first: u64,
    /// Lines, the header too.
    pub lines: u64,
    /// Rows of data.
    pub rows: u64,
    /// What the names of columns say.
    pub header: Option<Vec<Label>>,
    /// The first names, in lower case.
    pub names: Vec<String>,
    /// Names that are those of variants.
    pub header_variants: usize,
    /// Names that are codes of people.
    pub header_codes: usize,
    /// What the columns hold.
    pub columns: Vec<Column>,
    /// The first rows.
    pub kept: Vec<Vec<Vec<u8>>>,
    /// GWAS summary statistics, when the header says so.
    pub gwas: Option<Gwas>,
    /// What rows with a name hold, when a table lies on its side: the name, and its values.
    pub named_rows: Vec<(Label, Column, u64)>,
    waiting: Option<(Vec<Vec<u8>>, u64)>,
    thresholds: Thresholds,
}

impl Block {
    /// Nothing in it yet.
    pub fn new(delimiter: usize, width: usize, thresholds: &Thresholds) -> Self {
        Self {
            delimiter,
            width,
            first: 0,
            lines: 0,
            rows: 0,
            header: None,
            names: Vec::new(),
            header_variants: 0,
            header_codes: 0,
            columns: vec![Column::default(); width.min(COLUMNS)],
            kept: Vec::new(),
            gwas: None,
            named_rows: Vec::new(),
            waiting: None,
            thresholds: thresholds.clone(),
        }
    }

    /// Whether a line has as many cells.
    pub fn fits(&self, signature: &Signature) -> bool {
        signature.width(self.delimiter) == self.width
    }

    /// A header without a name for the first column.
    pub fn header_short(&mut self, cells: &[Vec<u8>]) {
        if cells.iter().any(|c| number(c).is_some()) {
            return;
        }
        let mut full = vec![Vec::new()];
        full.extend_from_slice(cells);
        self.lines += 1;
        self.set_header(&full);
    }

    /// One row.
    pub fn row(&mut self, cells: &[Vec<u8>], line: u64) {
        if self.lines == 0 {
            self.first = line;
        }
        self.lines += 1;
        if rule(cells) {
            return;
        }
        if self.rows == 0 && self.header.is_none() && self.waiting.is_none() {
            self.waiting = Some((cells.to_vec(), line));
            return;
        }
        if let Some((first, first_line)) = self.waiting.take() {
            if is_header(&first, cells) {
                self.set_header(&first);
            } else {
                self.data(&first, first_line);
            }
        }
        self.data(cells, line);
    }

    /// No more rows.
    pub fn close(&mut self) {
        if let Some((cells, line)) = self.waiting.take() {
            self.data(&cells, line);
        }
    }

    fn set_header(&mut self, cells: &[Vec<u8>]) {
        let labels: Vec<Label> = cells.iter().map(|c| label(c)).collect();
        self.names = cells
            .iter()
            .take(NARROW)
            .map(|c| String::from_utf8_lossy(c).to_lowercase())
            .collect();
        self.header_variants = cells.iter().filter(|c| variant_name(c)).count();
        self.header_codes = cells.iter().filter(|c| person_code(c).is_some()).count();
        self.gwas = Gwas::of(&labels);
        self.header = Some(labels);
    }

    fn data(&mut self, cells: &[Vec<u8>], line: u64) {
        self.rows += 1;
        let (small, narrow) = (self.thresholds.small_count, self.width <= NARROW);
        for (cell, column) in cells.iter().zip(&mut self.columns) {
            column.cell(cell, line, small, narrow);
        }
        if let Some(gwas) = self.gwas.as_mut() {
            gwas.row(cells, line);
        }
        if self.gwas.as_ref().is_none_or(|gwas| !gwas.tested) {
            self.named_row(cells, line);
        }
        let room = if narrow { ROWS } else { WIDE_ROWS };
        if self.kept.len() < room {
            let cut = |c: &Vec<u8>| c.get(..c.len().min(CELL)).unwrap_or_default().to_vec();
            self.kept
                .push(cells.iter().take(COLUMNS).map(cut).collect());
        }
    }

    /// A row that begins with a name is a column that lies on its side.
    fn named_row(&mut self, cells: &[Vec<u8>], line: u64) {
        let Some((name, values)) = cells.split_first() else {
            return;
        };
        let name = label(name);
        if matches!(name, Label::Other | Label::Known)
            || values.len() < 3
            || self.named_rows.len() >= NARROW
        {
            return;
        }
        let mut column = Column::default();
        for value in values {
            column.cell(value, line, self.thresholds.small_count, true);
        }
        self.named_rows.push((name, column, line));
    }

    /// What the name of a column says.
    pub fn label(&self, column: usize) -> Label {
        let header = self.header.as_ref();
        header
            .and_then(|h| h.get(column))
            .copied()
            .unwrap_or(Label::Other)
    }

    /// Columns with what their names say.
    pub fn labelled(&self) -> impl Iterator<Item = (usize, Label, &Column)> {
        self.columns
            .iter()
            .enumerate()
            .map(|(index, column)| (index, self.label(index), column))
    }

    /// Whether half of the columns are numbers.
    pub fn numbers(&self) -> bool {
        self.columns.iter().filter(|c| c.is_numbers()).count() * 2 >= self.columns.len()
    }
}

/// The line under a header: of Markdown, or drawn.
fn rule(cells: &[Vec<u8>]) -> bool {
    let drawn = |c: &Vec<u8>| c.iter().all(|b| b"-=:+ ".contains(b));
    cells.iter().all(drawn) && cells.iter().any(|c| c.len() >= 2)
}

/// Whether the first row names the columns: words over numbers, or a word that is known. Years are names too.
fn is_header(first: &[Vec<u8>], second: &[Vec<u8>]) -> bool {
    let year =
        |c: &Vec<u8>| number(c).is_some_and(|n| n.fract() == 0.0 && (1900.0..2100.0).contains(&n));
    let years =
        first.iter().skip(1).all(year) && first.first().is_some_and(|c| number(c).is_none());
    let names = first
        .iter()
        .all(|c| c.is_empty() || (number(c).is_none() && !genotype(c) && !missing(c)));
    let empty = first.iter().all(Vec::is_empty);
    let known = first.iter().any(|c| label(c) != Label::Other);
    let over = second.iter().any(|c| number(c).is_some() || genotype(c));
    let keys = first.iter().filter(|c| variant_name(c)).count() >= 3;
    !empty && (years || names && (known || over || keys))
}

/// A variant's name, as PLINK writes it over a column too (`rs699_A`).
fn variant_name(cell: &[u8]) -> bool {
    let cut = cell.iter().rposition(|b| *b == b'_');
    is_variant_key(cell) || cut.and_then(|c| cell.get(..c)).is_some_and(is_variant_key)
}
