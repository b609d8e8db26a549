//! GWAS summary statistics, and estimates of models.

use super::block::Block;
use super::column::number;
use super::names::Label;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Columns of numbers beside the usual ones that a table of summary statistics may have.
const OTHERS: usize = 12;

/// Columns of summary statistics, and what their rows said.
#[derive(Debug, Default)]
pub struct Gwas {
    /// Whether they are of a GWAS; else they are allele frequencies alone.
    pub tested: bool,
    people: Option<usize>,
    cases: Option<usize>,
    controls: Option<usize>,
    frequency: Option<usize>,
    minor: Option<usize>,
    alleles: Option<usize>,
    rows: Vec<Seen>,
}

/// What decides, once for each distinct question.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Minor-allele count, or what it takes to know it once the population is known.
    carriers: Carriers,
    line: u64,
    count: u64,
}

#[derive(Debug, Clone, Copy)]
enum Carriers {
    Few(f64),
    Frequency(f64),
    Unknown,
    Cases(f64),
    People(f64),
}

impl Gwas {
    /// Whether the names of columns are those of summary statistics: a variant, a P value and an effect, or a frequency or
    /// allele count, and nobody's id.
    pub fn of(labels: &[Label]) -> Option<Self> {
        let at = |label: Label| labels.iter().position(|l| *l == label);
        let variant = at(Label::Variant).is_some()
            || (at(Label::Chromosome).is_some() && at(Label::Position).is_some());
        let any = |list: &[Label]| list.iter().any(|l| at(*l).is_some());
        let tested = any(&[Label::P, Label::LogP]) && any(&[Label::Effect]);
        let frequencies = any(&[Label::Frequency, Label::MinorCount, Label::AlleleCount]);
        if !variant || !(tested || frequencies) || any(&[Label::Person]) {
            return None;
        }
        Some(Self {
            people: at(Label::People).or_else(|| at(Label::Total)),
            cases: at(Label::Cases),
            controls: at(Label::Controls),
            frequency: at(Label::Frequency),
            minor: at(Label::MinorCount),
            alleles: at(Label::AlleleCount),
            rows: Vec::new(),
            tested,
        })
    }

    /// One row.
    pub fn row(&mut self, cells: &[Vec<u8>], line: u64) {
        let value = |at: Option<usize>| cells.get(at?).and_then(|c| number(c));
        let (cases, controls) = (value(self.cases), value(self.controls));
        let groups = cases.zip(controls).map(|(a, b)| a + b);
        // Beside frequencies alone PLINK counts chromosomes under the same name.
        let halved = if self.tested { 1.0 } else { 2.0 };
        let people = value(self.people).or(groups).map(|n| n / halved);
        if let Some(fewest) = [cases, controls].into_iter().flatten().reduce(f64::min) {
            self.see(Carriers::Cases(fewest), line);
        }
        if let Some(people) = people {
            self.see(Carriers::People(people), line);
        }
        let minor = |frequency: f64| frequency.min(1.0 - frequency).max(0.0);
        let carriers = match (
            value(self.minor),
            value(self.alleles),
            value(self.frequency),
            people,
        ) {
            (Some(count), ..) => Carriers::Few(count),
            (None, Some(count), _, Some(people)) => Carriers::Few(count.min(2.0 * people - count)),
            (None, _, Some(frequency), Some(people)) => {
                Carriers::Few(2.0 * people * minor(frequency))
            }
            (None, _, Some(frequency), None) => Carriers::Frequency(minor(frequency)),
            _ => Carriers::Unknown,
        };
        self.see(carriers, line);
    }

    /// Keeps, of each sort, the row with the least, and how many rows there were.
    fn see(&mut self, carriers: Carriers, line: u64) {
        let same = |s: &&mut Seen| {
            std::mem::discriminant(&s.carriers) == std::mem::discriminant(&carriers)
        };
        let Some(seen) = self.rows.iter_mut().find(same) else {
            self.rows.push(Seen {
                carriers,
                line,
                count: 1,
            });
            return;
        };
        seen.count += 1;
        if carriers.least(seen.carriers) {
            (seen.carriers, seen.line) = (carriers, line);
        }
    }

    /// All rows are read.
    pub fn judge(&self, block: &Block, walk: &mut Walk<'_>, place: &Place) {
        let (least, people) = (
            walk.thresholds.minor_allele_count as f64,
            walk.thresholds.gwas_people as f64,
        );
        let declared = walk.declared.population.map(|p| p as f64);
        let small = walk.thresholds.small_count as f64;
        let mut known = declared;
        for seen in &self.rows {
            let place = place.line(seen.line);
            let what = match seen.carriers {
                Carriers::Few(count) if count < least => "a minor-allele count below the threshold",
                Carriers::Frequency(frequency) => match declared {
                    Some(n) if 2.0 * n * frequency >= least => continue,
                    Some(_) => "a minor-allele count below the threshold",
                    None => "no number of people, in a column or declared",
                },
                Carriers::Unknown => "rows without allele frequency or minor-allele count",
                Carriers::Cases(count) if count < small => "cases or controls below the threshold",
                Carriers::People(n) => {
                    known = Some(known.map_or(n, |k| k.max(n)));
                    if n >= people {
                        continue;
                    }
                    "few people"
                }
                _ => continue,
            };
            walk.findings.add(&rules::I012, &place, what);
        }
        if known.is_none_or(|n| n < people) {
            let what = "few people, or no number of people, in a column or declared";
            walk.findings
                .add(&rules::I012, &place.line(block.first), what);
        }
        let unknown = |(_, label, column): &(usize, Label, &super::column::Column)| {
            *label == Label::Other && column.is_numbers()
        };
        if block.labelled().filter(unknown).count() >= OTHERS {
            let what = "many columns beside those of summary statistics";
            walk.findings
                .add(&rules::I013, &place.line(block.first), what);
        }
        if block.rows > walk.thresholds.gwas_rows {
            let what = format!("{} rows of summary statistics", block.rows);
            walk.findings
                .add(&rules::S011, &place.line(block.first), what);
        }
    }
}

impl Carriers {
    /// Whether this says less than the other of its sort.
    fn least(self, other: Self) -> bool {
        match (self, other) {
            (Self::Few(a), Self::Few(b))
            | (Self::Frequency(a), Self::Frequency(b))
            | (Self::Cases(a), Self::Cases(b))
            | (Self::People(a), Self::People(b)) => a < b,
            _ => false,
        }
    }
}

/// Whether a table is one of estimates: an effect with its error or P value.
pub fn coefficients(block: &Block) -> bool {
    let has = |wanted: Label| block.labelled().any(|(_, label, _)| label == wanted);
    has(Label::Effect) && (has(Label::Error) || has(Label::P) || has(Label::LogP))
}
