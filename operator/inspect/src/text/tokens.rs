//! Words of a text, whatever separates them: genotypes, identifiers and codes show in any order and either way round.

use std::collections::{BTreeMap, HashSet};

use super::patterns::{
    allele_pair, email, genotype, national_insurance, nhs_number, person_code, postcode, telephone,
};
use crate::bytes::{find, hash};
use crate::kind::{Class, Kind};
use crate::limits::Thresholds;
use crate::report::Place;
use crate::rules::{self, Rule};
use crate::walk::Walk;

/// Genotypes in a text that are no accident.
const GENOTYPES: u64 = 100;
/// Values 0, 1 and 2 that are no accident, when hardly anything else is there.
const DOSES: u64 = 1000;
/// Distinct values kept of each sort.
const KEPT: usize = 4096;
/// E-mail addresses and the like that are more than an author's.
const CONTACTS: usize = 5;

/// What was counted.
pub struct Tokens {
    all: u64,
    genotypes: Seen,
    pairs: Seen,
    doses: u64,
    digits: u64,
    bases: u64,
    ten_digits: u64,
    nhs: Distinct,
    nhs_word: bool,
    postcodes: Distinct,
    contacts: Distinct,
    codes: BTreeMap<u64, Distinct>,
    identifiers: usize,
}

/// How many, and where first.
#[derive(Default)]
struct Seen {
    count: u64,
    first: u64,
}

impl Seen {
    fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
    }
}

/// How many different ones, and where first.
#[derive(Default)]
struct Distinct {
    values: HashSet<u64>,
    first: u64,
}

impl Distinct {
    fn add(&mut self, value: &[u8], line: u64) {
        if self.values.is_empty() {
            self.first = line;
        }
        if self.values.len() < KEPT {
            self.values.insert(hash(value));
        }
    }
}

impl Tokens {
    /// Nothing counted yet.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            all: 0,
            genotypes: Seen::default(),
            pairs: Seen::default(),
            doses: 0,
            digits: 0,
            bases: 0,
            ten_digits: 0,
            nhs: Distinct::default(),
            nhs_word: false,
            postcodes: Distinct::default(),
            contacts: Distinct::default(),
            codes: BTreeMap::new(),
            identifiers: usize::try_from(thresholds.identifiers).unwrap_or(usize::MAX),
        }
    }

    /// One line, or a piece of one.
    pub fn line(&mut self, line: &[u8], number: u64) {
        self.nhs_word |= find(line, b"nhs").is_some() || find(line, b"NHS").is_some();
        let (mut before, mut last): (&[u8], &[u8]) = (b"", b"");
        for token in line.split(|b| separator(*b)).filter(|t| !t.is_empty()) {
            // `0|1|2|0` is a table, `0|1` a genotype.
            if token.iter().filter(|b| **b == b'|').count() > 1 {
                token
                    .split(|b| *b == b'|')
                    .filter(|t| !t.is_empty())
                    .for_each(|t| self.token(t, number));
            } else {
                self.token(token, number);
            }
            self.pair(before, last, token, number);
            (before, last) = (last, token);
        }
    }

    fn token(&mut self, token: &[u8], line: u64) {
        self.all += 1;
        match token {
            [b'0'..=b'2' | b'A' | b'C' | b'G' | b'T'] => self.doses += 1,
            [_] => {}
            [_, _] | [_, _, _] => {
                if genotype(token) {
                    self.genotypes.add(line);
                } else if allele_pair(token) {
                    self.pairs.add(line);
                }
            }
            _ => self.long(token, line),
        }
    }

    fn long(&mut self, token: &[u8], line: u64) {
        let first = token.first().copied().unwrap_or(0);
        if matches!(token.get(1), Some(b'/' | b'|')) && genotype(token) {
            self.genotypes.add(line);
        } else if first.is_ascii_digit() || first == b'+' {
            if token.len() >= 100 && token.iter().all(|b| (b'0'..=b'2').contains(b)) {
                self.digits += token.len() as u64;
            }
            if token.len() == 10 && token.iter().all(u8::is_ascii_digit) {
                self.ten_digits += 1;
                if nhs_number(token) {
                    self.nhs.add(token, line);
                }
            }
            if telephone(token) {
                self.contacts.add(token, line);
            }
        } else if token.len() >= 20 && super::sequences::is_bases(token) {
            self.bases += token.len() as u64;
        }
        if token.contains(&b'@') && email(token) || national_insurance(token) {
            self.contacts.add(token, line);
        }
        if let Some(at) = token.len().checked_sub(3).filter(|at| (2..=4).contains(at))
            && let Some((outward, inward)) = token.split_at_checked(at)
            && postcode(outward, inward)
        {
            self.postcodes.add(token, line);
        }
        if let Some(form) = person_code(token)
            && (self.codes.len() < 256 || self.codes.contains_key(&form))
        {
            self.codes.entry(form).or_default().add(token, line);
        }
    }

    /// What is written in two or three parts.
    fn pair(&mut self, before: &[u8], last: &[u8], token: &[u8], line: u64) {
        if token.len() == 3 && postcode(last, token) {
            self.postcodes.add(&[last, token].concat(), line);
        }
        if (before.len(), last.len(), token.len()) == (3, 3, 4) {
            let digits = [before, last, token].concat();
            if digits.iter().all(u8::is_ascii_digit) {
                self.ten_digits += 1;
                if nhs_number(&digits) {
                    self.nhs.add(&digits, line);
                }
            }
        }
    }

    /// Bases in words of nothing else.
    pub fn bases(&self) -> u64 {
        self.bases
    }

    /// All is read. Formats that are known to be of people need not be told of again.
    pub fn finish(&self, kind: Kind, walk: &mut Walk<'_>, place: &Place) {
        if kind.class() == Class::Individual {
            return;
        }
        self.genotyped(walk, place);
        let share = |n: usize| n as u64 * 2 > self.ten_digits;
        let nhs = self.nhs.values.len();
        if nhs >= 3 && (share(nhs) || self.nhs_word) || (nhs > 0 && self.nhs_word && share(nhs)) {
            distinct(
                &self.nhs,
                &rules::P001,
                "numbers with the NHS number's check digit",
                walk,
                place,
            );
        }
        if self.postcodes.values.len() >= 3 {
            distinct(&self.postcodes, &rules::P004, "full postcodes", walk, place);
        }
        if self.contacts.values.len() >= CONTACTS {
            let what = "e-mail addresses, telephone or National Insurance numbers";
            distinct(&self.contacts, &rules::P002, what, walk, place);
        }
        for codes in self.codes.values() {
            if codes.values.len() >= self.identifiers {
                distinct(
                    codes,
                    &rules::P006,
                    "different codes of one form",
                    walk,
                    place,
                );
            }
        }
    }

    fn genotyped(&self, walk: &mut Walk<'_>, place: &Place) {
        if self.genotypes.count >= GENOTYPES && self.genotypes.count * 20 > self.all {
            let what = format!("{} genotypes", self.genotypes.count);
            walk.findings
                .add(&rules::I006, &place.line(self.genotypes.first), what);
        }
        if self.pairs.count >= GENOTYPES && self.pairs.count * 5 > self.all {
            let what = format!("{} pairs of alleles", self.pairs.count);
            walk.findings
                .add(&rules::I006, &place.line(self.pairs.first), what);
        }
        if self.doses >= DOSES && self.doses * 10 > self.all * 8 {
            let what = format!(
                "{} of {} values are 0, 1, 2 or one base",
                self.doses, self.all
            );
            walk.findings.add(&rules::I013, place, what);
        }
        if self.digits >= DOSES {
            let what = format!("{} digits 0, 1 and 2 in a row", self.digits);
            walk.findings.add(&rules::I013, place, what);
        }
    }
}

fn distinct(found: &Distinct, rule: &'static Rule, what: &str, walk: &mut Walk<'_>, place: &Place) {
    let count = found.values.len() as u64;
    walk.findings.count(
        rule,
        &place.line(found.first),
        count,
        format!("{count} {what}"),
    );
}

/// What stands between words, in text, tables, code and JSON.
fn separator(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || byte.is_ascii_control()
        || b",;\"'()[]{}<>=`~^*#&!?$%\\".contains(&byte)
}
