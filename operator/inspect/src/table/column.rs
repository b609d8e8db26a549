//! What the values of one column are, counted as they come.

use std::collections::HashSet;

use crate::bytes::hash;
use crate::text::{allele_pair, email, genotype, is_variant_key, person_code, postcode};

/// Distinct values kept.
const KEPT: usize = 512;
/// Genotypes in a column that are no accident.
const PERSON: u64 = 20;

/// One column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Cells that are not missing.
    pub values: u64,
    /// Whole numbers not below zero.
    pub whole: u64,
    /// Numbers.
    pub numbers: u64,
    /// Numbers below zero, or above two.
    pub outside: u64,
    /// Numbers above one.
    pub above_one: u64,
    /// Values 0, 1 or 2, and which of them (bits).
    pub doses: u64,
    /// Which of 0, 1 and 2 were seen.
    pub dose_set: u8,
    /// Genotype calls and pairs of alleles.
    pub genotypes: u64,
    /// Those of two equal alleles: pairs that only name a variant's alleles have none.
    pub equal: u64,
    /// Names of variants.
    pub variants: u64,
    /// Codes of people.
    pub codes: u64,
    /// E-mail addresses and postcodes.
    pub contacts: u64,
    /// Plausible dates of birth, the first and last year, and whether they only rise.
    pub dates: u64,
    /// First and last year.
    pub years: (u16, u16),
    /// Whether each date is after the one before.
    pub rising: bool,
    last_date: u32,
    /// Whole numbers above zero and below the threshold, and the first line with one.
    pub small: u64,
    /// First line with one.
    pub small_line: u64,
    /// Zeros.
    pub zeros: u64,
    /// Whole numbers that are no multiple of five.
    pub unrounded: u64,
    /// Cells that say that a number was suppressed.
    pub suppressed: u64,
    /// Bytes of all cells.
    pub bytes: u64,
    /// Whether whole numbers rise by one.
    pub index: bool,
    last: f64,
    /// Hashes of the first values.
    pub distinct: HashSet<u64>,
}

impl Column {
    /// One more cell.
    pub fn cell(&mut self, cell: &[u8], line: u64, small: u64, keep: bool) {
        if missing(cell) {
            return;
        }
        self.values += 1;
        self.bytes += cell.len() as u64;
        if keep && self.distinct.len() < KEPT {
            self.distinct.insert(hash(cell));
        }
        match number(cell) {
            Some(number) => self.number(number, line, small),
            None => self.word(cell),
        }
    }

    fn number(&mut self, number: f64, line: u64, small: u64) {
        self.numbers += 1;
        self.outside += u64::from(!(0.0..=2.0).contains(&number));
        self.above_one += u64::from(number > 1.0);
        if number >= 0.0 && number.fract() == 0.0 {
            self.whole += 1;
            self.index = self.whole == 1 || self.index && number == self.last + 1.0;
            self.zeros += u64::from(number == 0.0);
            self.unrounded += u64::from(number % 5.0 != 0.0);
            if number > 0.0 && number < small as f64 {
                if self.small == 0 {
                    self.small_line = line;
                }
                self.small += 1;
            }
            if number <= 2.0 {
                self.doses += 1;
                self.dose_set |= 1 << (number as u8);
            }
        } else {
            self.index = false;
        }
        // 20 and 1950 years as one number (19500131) are dates too.
        if (18_900_101.0..=20_301_231.0).contains(&number) && number.fract() == 0.0 {
            self.date(&format!("{number}"));
        }
        self.last = number;
    }

    fn word(&mut self, cell: &[u8]) {
        self.index = false;
        if suppressed(cell) {
            self.suppressed += 1;
        } else if genotype(cell) || allele_pair(cell) {
            self.genotypes += 1;
            self.equal += u64::from(cell.first() == cell.last());
        } else if is_variant_key(cell) {
            self.variants += 1;
        } else if person_code(cell).is_some() {
            self.codes += 1;
        } else if contact(cell) {
            self.contacts += 1;
        } else if let Ok(text) = std::str::from_utf8(cell) {
            self.date(text);
        }
    }

    fn date(&mut self, text: &str) {
        let Some((year, month, day)) = date(text) else {
            return;
        };
        let number = u32::from(year) * 10_000 + u32::from(month) * 100 + u32::from(day);
        self.rising = (self.dates == 0 || self.rising) && number > self.last_date;
        self.years = match self.dates {
            0 => (year, year),
            _ => (self.years.0.min(year), self.years.1.max(year)),
        };
        self.last_date = number;
        self.dates += 1;
    }

    /// Genotype calls or pairs of alleles.
    pub fn is_calls(&self) -> bool {
        self.nearly(self.genotypes)
    }

    /// Genotypes of one person: so many, and so many of two equal alleles, that they are nothing else.
    pub fn is_person(&self) -> bool {
        self.is_calls() && self.genotypes >= PERSON && self.equal * 5 >= self.genotypes
    }

    /// 0, 1 and 2 only.
    pub fn is_doses(&self) -> bool {
        self.nearly(self.doses)
    }

    /// All, but for one in ten: a header further down, a mark, a mistake.
    fn nearly(&self, some: u64) -> bool {
        some > 0 && (self.values - some) * 10 <= self.values
    }

    /// Numbers from 0 to 2, with some above 1: imputed dosages.
    pub fn is_dosages(&self) -> bool {
        self.values > 0 && self.numbers == self.values && self.outside == 0 && self.above_one > 0
    }

    /// Whole numbers only, apart from what is suppressed.
    pub fn is_whole(&self) -> bool {
        self.whole > 0 && self.whole + self.suppressed == self.values
    }

    /// Numbers only.
    pub fn is_numbers(&self) -> bool {
        self.numbers > 0 && self.numbers == self.values
    }

    /// Whether at least half of the values are names of variants.
    pub fn is_variants(&self) -> bool {
        self.variants > 0 && self.variants * 2 >= self.values
    }
}

/// A number, with a comma for thousands or decimals.
pub fn number(cell: &[u8]) -> Option<f64> {
    let first = cell.first()?;
    if cell.len() > 40 || !(first.is_ascii_digit() || b"+-.".contains(first)) {
        return None;
    }
    let text = std::str::from_utf8(cell).ok()?;
    let number = match text.parse::<f64>() {
        Ok(number) => number,
        Err(_) if text.contains(',') => {
            let (whole, rest) = text.split_once(',')?;
            let thousands = rest.split(',').all(|p| p.len() == 3) && whole.len() <= 3;
            let plain = if thousands {
                text.replace(',', "")
            } else {
                text.replace(',', ".")
            };
            plain.parse().ok()?
        }
        Err(_) => return None,
    };
    number.is_finite().then_some(number)
}

/// What stands for no value.
pub fn missing(cell: &[u8]) -> bool {
    const NAMES: [&[u8]; 10] = [
        b"", b"NA", b"N/A", b"na", b"NaN", b"nan", b"null", b"NULL", b"None", b".",
    ];
    NAMES.contains(&cell)
}

/// What stands for a suppressed number.
pub fn suppressed(cell: &[u8]) -> bool {
    const NAMES: [&[u8]; 10] = [
        b"*",
        b"**",
        b"[c]",
        b"c",
        b"x",
        b"suppressed",
        b"redacted",
        b"[REDACTED]",
        b"[suppressed]",
        b"S",
    ];
    let below = cell
        .strip_prefix(b"<")
        .or_else(|| cell.strip_prefix("≤".as_bytes()));
    NAMES.contains(&cell) || below.is_some_and(|n| number(n.trim_ascii()).is_some())
}

fn contact(cell: &[u8]) -> bool {
    let mut parts = cell.split(|b| *b == b' ');
    let two = match (parts.next(), parts.next(), parts.next()) {
        (Some(outward), Some(inward), None) => postcode(outward, inward),
        _ => false,
    };
    two || email(cell)
}

/// Year, month and day of a full date in 1890 to 2030: `1950-01-31`, `31/01/1950`, `19500131`, with a time or without.
pub fn date(text: &str) -> Option<(u16, u16, u16)> {
    let text = text.split(['T', ' ']).next()?;
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let (year, month, day) = match parts.as_slice() {
        [y, m, d] if y.len() == 4 => (y.parse().ok()?, m.parse().ok()?, d.parse().ok()?),
        [d, m, y] if y.len() == 4 => (y.parse().ok()?, m.parse().ok()?, d.parse().ok()?),
        [all] if all.len() == 8 => (
            all.get(..4)?.parse().ok()?,
            all.get(4..6)?.parse().ok()?,
            all.get(6..)?.parse().ok()?,
        ),
        _ => return None,
    };
    // Which of the two is the month is not known.
    let plausible = (1890..=2030).contains(&year)
        && ((1..=12).contains(&month) && (1..=31).contains(&day)
            || (1..=12).contains(&day) && (1..=31).contains(&month));
    plausible.then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_what_is_none() {
        assert_eq!(number(b"1,234"), Some(1234.0));
        assert_eq!(number(b"1,5"), Some(1.5));
        assert_eq!(number(b"5e-8"), Some(5e-8));
        assert_eq!(number(b"inf"), None);
        assert_eq!(number(b"0/1"), None);
        assert!(suppressed(b"<10") && suppressed(b"*") && !suppressed(b"10"));
        assert_eq!(date("31/01/1950"), Some((1950, 1, 31)));
        assert_eq!(date("19500131"), Some((1950, 1, 31)));
        assert_eq!(date("1.2.3"), None);
    }
}
