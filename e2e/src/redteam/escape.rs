//! Out of the container: the same calls in the notebook's kernel and in pods that are allowed them.

use serde_json::json;

use super::inside::{self, Control, by_id, in_control, in_kernel, lines, program};
use super::range::Range;
use crate::cluster::error::Result;
use sde_redteam::catalogue::{self, Group};
use sde_redteam::judge::judge;
use sde_redteam::report::Finding;

const SCRIPT: &str = include_str!("scripts/escape.py");
/// Attacks whose control is an ordinary pod: one with a token, one where setuid programs work.
const ORDINARY: [&str; 2] = ["ESC-TOKEN", "ESC-SETUID-BINARY"];

/// Runs the group.
///
/// # Errors
/// When a side cannot be run.
pub fn run(range: &Range) -> Result<Vec<Finding>> {
    let code = program(SCRIPT, &json!({"data": "/data/genotypes"}));
    let attack = by_id(lines(&in_kernel(range, &range.subject, &code)?)?);
    let privileged = by_id(lines(&in_control(range, Control::Privileged, &code)?)?);
    let plain = by_id(lines(&in_control(range, Control::Plain, &code)?)?);
    let entries = catalogue::group(Group::Escape)?;
    Ok(entries
        .iter()
        .map(|entry| {
            let of = if ORDINARY.contains(&entry.id.as_str()) {
                &plain
            } else {
                &privileged
            };
            let (told, control) = (inside::of(&attack, &entry.id), inside::of(of, &entry.id));
            Finding {
                verdict: judge(&told, &control, None),
                ..Finding::of(Group::Escape, entry, told.line(), control.line())
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_knows_every_attack() {
        for entry in catalogue::group(Group::Escape).expect("it parses") {
            assert!(
                SCRIPT.contains(&format!("\"{}\": ", entry.id)),
                "{}",
                entry.id
            );
        }
    }
}
