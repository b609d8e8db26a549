//! Tables, whatever separates their cells: found in any text, split, counted column by column, and judged.

mod acro;
mod block;
mod column;
mod counts;
mod formats;
mod gwas;
mod json;
mod names;
mod people;
mod split;
mod survival;
mod totals;

use block::Block;
pub use column::number;
pub use json::Json;
pub use split::{DELIMITERS, Signature, cells, plausible};

use crate::kind::{Class, Kind};
use crate::limits::Thresholds;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Tables of one text that are kept apart.
const BLOCKS: usize = 12;
/// Columns of a table of results.
const COLUMNS: usize = 256;
/// Columns of whatever content from which people need their names.
const NAMED: usize = 30;
/// Lines of one shape that make a table.
const BEGIN: usize = 3;

/// All tables of a text.
pub struct Tables {
    thresholds: Thresholds,
    blocks: Vec<Block>,
    recent: Vec<(u64, Vec<u8>, Signature)>,
    lines: u64,
}

impl Tables {
    /// None yet.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            thresholds: thresholds.clone(),
            blocks: Vec::new(),
            recent: Vec::new(),
            lines: 0,
        }
    }

    /// One line.
    pub fn line(&mut self, line: &[u8], number: u64) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.lines += 1;
        let signature = Signature::of(line);
        if let Some(block) = self.blocks.iter_mut().find(|b| b.fits(&signature)) {
            block.row(&split::cells(line, block.delimiter), number);
            self.remember(line, number, signature);
            return;
        }
        self.remember(line, number, signature);
        self.begin();
    }

    fn remember(&mut self, line: &[u8], number: u64, signature: Signature) {
        if self.recent.len() > BEGIN {
            self.recent.remove(0);
        }
        self.recent.push((number, line.to_vec(), signature));
    }

    /// Begins a table when the last lines have one shape.
    fn begin(&mut self) {
        if self.blocks.len() >= BLOCKS || self.recent.len() < BEGIN {
            return;
        }
        let shapes = self.recent.len() - BEGIN;
        let Some(last) = self.recent.get(shapes..) else {
            return;
        };
        let same = |index: usize| {
            let widths: Vec<usize> = last.iter().map(|(_, _, s)| s.width(index)).collect();
            let width = widths.first().copied().unwrap_or(0);
            (width >= 2 && widths.iter().all(|w| *w == width)).then_some(width)
        };
        let found = (0..DELIMITERS.len()).find_map(|index| {
            let width = same(index)?;
            // The first may be a header, which is words in any table.
            let rows = last
                .iter()
                .skip(1)
                .map(|(_, line, _)| split::cells(line, index));
            split::plausible(index, rows).then_some((index, width))
        });
        let Some((delimiter, width)) = found else {
            return;
        };
        let mut block = Block::new(delimiter, width, &self.thresholds);
        // R writes a header without a name for the column of row names.
        let before = shapes
            .checked_sub(1)
            .and_then(|before| self.recent.get(before))
            .filter(|(_, _, s)| s.width(delimiter) + 1 == width);
        if let Some((_, line, _)) = before {
            block.header_short(&split::cells(line, delimiter));
        }
        for (number, line, _) in last {
            block.row(&split::cells(line, delimiter), *number);
        }
        self.blocks.push(block);
    }

    /// A row whose cells are known, from JSON.
    pub fn row(&mut self, cells: &[Vec<u8>], number: u64) {
        let width = cells.len();
        let known = self.blocks.iter().position(|b| b.width == width);
        if known.is_none() && self.blocks.len() < BLOCKS {
            self.blocks.push(Block::new(0, width, &self.thresholds));
        }
        let at = known.unwrap_or(self.blocks.len() - 1);
        if let Some(block) = self.blocks.get_mut(at).filter(|b| b.width == width) {
            block.row(cells, number);
        }
        self.lines += 1;
    }

    /// All is read: judges every table. `formats` is false when the text is known to be of another format by its lines.
    pub fn finish(
        mut self,
        described: Kind,
        formats: bool,
        walk: &mut Walk<'_>,
        place: &Place,
    ) -> Option<Kind> {
        // Few lines are a table too, if they are nothing else.
        if self.blocks.is_empty() && described == Kind::Text {
            self.short();
        }
        let rows: u64 = self.blocks.iter().map(|b| b.lines).sum();
        let mostly = rows * 10 >= self.lines * 6 && rows > 0;
        let is_table = mostly && matches!(described, Kind::Text | Kind::Json);
        let mut kind = None;
        for block in &mut self.blocks {
            block.close();
            let found = if formats {
                formats::recognise(block)
            } else {
                None
            };
            let judged = match found {
                Some(format) => {
                    let line = place.line(block.first);
                    if let Some(rule) = format.rule().filter(|_| !is_table) {
                        walk.findings.add(rule, &line, format.name());
                    }
                    format
                }
                None => judge(block, is_table, formats, walk, place),
            };
            kind = kind.max(Some((block.lines, judged)));
        }
        let kind = kind.map(|(_, kind)| kind).filter(|_| is_table);
        // JSON stays JSON, unless what it holds has rules of its own.
        kind.filter(|k| {
            described != Kind::Json || k.class() == Class::Individual || *k == Kind::GwasSummary
        })
    }

    /// One or two lines of one shape.
    fn short(&mut self) {
        let Some((_, line, signature)) = self.recent.last() else {
            return;
        };
        let found = (0..DELIMITERS.len()).find(|index| {
            let width = signature.width(*index);
            let same = self.recent.iter().all(|(_, _, s)| s.width(*index) == width);
            width >= 2
                && same
                && split::plausible(*index, std::iter::once(split::cells(line, *index)))
        });
        let Some(delimiter) = found else {
            return;
        };
        let mut block = Block::new(delimiter, signature.width(delimiter), &self.thresholds);
        for (number, line, _) in &self.recent {
            block.row(&split::cells(line, delimiter), *number);
        }
        self.blocks.push(block);
    }
}

/// Every rule of tables on one of them. `strict` when the text is that table, and not prose or code that holds one.
fn judge(block: &Block, strict: bool, formats: bool, walk: &mut Walk<'_>, place: &Place) -> Kind {
    let facts = &mut walk.findings.facts;
    facts.rows = facts.rows.max(block.rows);
    facts.columns = facts.columns.max(block.width as u64);
    if !formats {
        return Kind::Table;
    }
    if let Some(gwas) = block.gwas.as_ref() {
        if gwas.tested {
            people::genotypes(block, strict, walk, place);
        }
        gwas.judge(block, walk, place);
        if gwas.tested {
            return Kind::GwasSummary;
        }
    }
    let coefficients = gwas::coefficients(block);
    people::judge(block, strict, walk, place);
    counts::judge(block, strict && !coefficients, walk, place);
    totals::judge(block, walk, place);
    survival::judge(block, walk, place);
    if strict && block.rows > walk.thresholds.rows {
        let what = format!("{} rows", block.rows);
        walk.findings
            .add(&rules::S011, &place.line(block.first), what);
    }
    if strict && block.width > COLUMNS {
        let what = format!("{} columns", block.width);
        walk.findings
            .add(&rules::S011, &place.line(block.first), what);
    }
    let bare = block.header.is_none() && block.rows >= 3;
    if strict && bare && (block.numbers() || block.width > NAMED) {
        let what = "no names of columns";
        walk.findings
            .add(&rules::S014, &place.line(block.first), what);
    }
    if coefficients {
        Kind::Coefficients
    } else {
        Kind::Table
    }
}
