//! Writing to data that is read-only, every way on every kind of source, with checksums taken at the source.

use serde_json::json;

use super::inside::{in_kernel, lines, program};
use super::range::{Range, data_on_nodes};
use crate::cluster::error::Result;
use sde_redteam::catalogue::{self, Group};
use sde_redteam::judge::{Counted, Told, Verdict, judge};
use sde_redteam::report::Finding;

const SCRIPT: &str = include_str!("scripts/data.py");
/// The sources of the attacker's project: name and place in the pod.
const SOURCES: [(&str, &str); 2] = [("image", "/data/genotypes"), ("hostPath", "/data/folder")];

/// Runs the group.
///
/// # Errors
/// When the notebook or a node cannot be asked.
pub fn run(range: &Range) -> Result<Vec<Finding>> {
    let before = data_on_nodes(range.cluster())?;
    let mounts: serde_json::Map<_, _> = SOURCES
        .iter()
        .map(|(name, path)| ((*name).to_owned(), json!(path)))
        .collect();
    let code = program(
        SCRIPT,
        &json!({"mounts": mounts, "home": "/home/researcher"}),
    );
    let told = lines(&in_kernel(range, &range.subject, &code)?)?;
    let changed = u64::from(data_on_nodes(range.cluster())? != before);
    let said = |id: &str, side: &str| {
        let line = told.iter().find(|l| l.id == id && l.side == side);
        line.map_or_else(
            || Told::Failed("the script said nothing of it".to_owned()),
            |l| l.told.clone(),
        )
    };
    let mut findings = Vec::new();
    for entry in catalogue::group(Group::Data)? {
        let control = said(&entry.id, "control");
        let counted = Counted {
            by: "changes to the hostPath source on its nodes (checksums, sizes, owners, modes, times)"
                .to_owned(),
            attack: changed,
            control: 1,
        };
        let sides = SOURCES.map(|(source, _)| {
            let (told, after) = (said(&entry.id, source), said("after", source));
            let verdict = judge(&told, &control, None).max(match after {
                Told::Refused(_) => Verdict::Blocked,
                Told::Reached(_) => Verdict::Open,
                Told::Absent(_) | Told::Failed(_) => Verdict::Inconclusive,
            });
            (source, told, after, verdict)
        });
        let worst = sides.iter().map(|side| side.3).max();
        let seen = judge(&Told::Refused(String::new()), &control, Some(&counted));
        let line = |of: fn(&(&str, Told, Told, Verdict)) -> String| {
            sides.iter().map(of).collect::<Vec<_>>().join("; ")
        };
        findings.push(Finding {
            verdict: worst.map_or(Verdict::Inconclusive, |worst| worst.max(seen)),
            witness: format!(
                "{changed} {}; read again through the mount: {}",
                counted.by,
                line(|s| format!("{} {}", s.0, s.2.line()))
            ),
            ..Finding::of(
                Group::Data,
                &entry,
                line(|s| format!("{}: {}", s.0, s.1.line())),
                control.line(),
            )
        });
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_knows_every_attack() {
        for entry in catalogue::group(Group::Data).expect("it parses") {
            assert!(
                SCRIPT.contains(&format!("\"{}\": ", entry.id)),
                "{}",
                entry.id
            );
        }
    }
}
