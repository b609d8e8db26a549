//! Small files of every sort, made by code, and what is put round them.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

pub mod binary;
pub mod people;
pub mod results;
pub mod wrap;

use std::io::Cursor;

use sde_inspect::{Declared, Limits, Report, Severity, Thresholds, inspect};

/// Looks at bytes with the defaults.
pub fn look(bytes: &[u8]) -> Report {
    look_as(bytes, &Declared::default())
}

/// Looks at bytes of a request that says something of itself.
pub fn look_as(bytes: &[u8], declared: &Declared) -> Report {
    inspect(
        &mut Cursor::new(bytes),
        &Limits::default(),
        &Thresholds::default(),
        declared,
    )
    .unwrap()
}

/// The rules that hold or block.
pub fn held(report: &Report) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::Hold)
        .map(|f| f.rule)
        .collect()
}

/// Whether a rule is among the findings.
pub fn has(report: &Report, rule: &str) -> bool {
    report.findings.iter().any(|f| f.rule == rule)
}

/// Fails unless `bytes` break `rule`.
#[track_caller]
pub fn breaks(what: &str, bytes: &[u8], rule: &str) {
    let report = look(bytes);
    assert!(has(&report, rule), "{what}: {rule} not in {report:#?}");
}

/// Fails when anything in `bytes` would hold a request.
#[track_caller]
pub fn passes(what: &str, bytes: &[u8]) -> Report {
    let report = look(bytes);
    assert!(!report.held(), "{what}: {report:#?}");
    report
}

/// Numbers without pattern, the same each time (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}
