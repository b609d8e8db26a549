//! Survival curves: each step is as many people as it falls by.

use super::block::Block;
use super::column::number;
use super::names::Label;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Names of the people at risk, letters only.
const AT_RISK: [&str; 5] = ["natrisk", "atrisk", "numberatrisk", "nrisk", "risk"];

/// Looks at the steps of every curve.
pub fn judge(block: &Block, walk: &mut Walk<'_>, place: &Place) {
    let risk = block.names.iter().position(|name| {
        let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        AT_RISK.contains(&letters.as_str())
    });
    for (index, label, column) in block.labelled() {
        if label != Label::Survival || !column.is_numbers() || column.values < 3 {
            continue;
        }
        let place = place.line(block.first).column(index);
        if block.rows > block.kept.len() as u64 {
            let what = "a survival curve of more steps than are checked";
            walk.findings.add(&rules::S006, &place, what);
        } else if risk.is_none() && walk.declared.population.is_none() {
            let what = "a survival curve without the number at risk, in a column or declared";
            walk.findings.add(&rules::S006, &place, what);
        } else {
            steps(block, (index, risk), walk, &place);
        }
    }
}

/// Each step of one curve, from the number at risk before it, else from all people.
fn steps(block: &Block, (curve, risk): (usize, Option<usize>), walk: &mut Walk<'_>, place: &Place) {
    let least = walk.thresholds.small_count as f64;
    let all = walk.declared.population.unwrap_or(0) as f64;
    let value = |row: &[Vec<u8>], at: usize| row.get(at).and_then(|cell| number(cell));
    let rows = block.kept.iter().zip(block.kept.iter().skip(1));
    let small = rows.filter(|(before, row)| {
        let (Some(from), Some(to)) = (value(before, curve), value(row, curve)) else {
            return false;
        };
        let people = match risk {
            // The estimator's own: of those at risk, the share that the curve falls by.
            Some(risk) => {
                value(row, risk).unwrap_or(0.0) * (1.0 - to / from.max(f64::MIN_POSITIVE)).abs()
            }
            None => all * (from - to).abs(),
        };
        (0.5..least - 0.5).contains(&people)
    });
    let count = small.count() as u64;
    if count > 0 {
        let what = "steps of a survival curve that are fewer people than the threshold";
        walk.findings.count(&rules::S006, place, count, what);
    }
}
