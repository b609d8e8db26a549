//! What the library says of files: one line of JSON for each path of standard input, in order, and how long it took. For
//! `cargo e2e bench airlock`, which runs it with the optimisation of a release.
//!
//! Arguments: people behind the output; least number of people in a GWAS. Both may be 0.

use std::fs::File;
use std::io::{self, BufRead};
use std::time::Instant;

use sde_inspect::{Declared, Limits, Severity, Thresholds, inspect, name, request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|a| a.parse::<u64>());
    let population = numbers.next().transpose()?.filter(|n| *n > 0);
    let declared = Declared {
        population,
        ..Declared::default()
    };
    let mut thresholds = Thresholds::default();
    if let Some(people) = numbers.next().transpose()?.filter(|n| *n > 0) {
        thresholds.gwas_people = people;
    }
    let mut reports = Vec::new();
    for path in io::stdin().lock().lines() {
        let path = path?;
        let began = Instant::now();
        let report = inspect(
            &mut File::open(&path)?,
            &Limits::default(),
            &thresholds,
            &declared,
        )?;
        let seconds = began.elapsed().as_secs_f64();
        let file = path.rsplit('/').next().unwrap_or(&path);
        let findings = &report.findings;
        let named = name(file, report.kind)
            .iter()
            .any(|f| f.severity >= Severity::Hold);
        let rules: Vec<(&str, Severity)> = findings.iter().map(|f| (f.rule, f.severity)).collect();
        let held = findings.iter().any(|f| f.severity >= Severity::Hold);
        let line = serde_json::json!({
            "path": path, "kind": report.kind, "bytes": report.facts.bytes, "held": held, "named": named, "rules": rules, "seconds": seconds,
            "what": findings.iter().map(|f| format!("{} {}: {}", f.rule, f.place, f.what)).collect::<Vec<_>>(),
        });
        println!("{line}");
        reports.push(report);
    }
    let together: Vec<&str> = request(&reports, &thresholds)
        .iter()
        .map(|f| f.rule)
        .collect();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    println!(
        "{}",
        serde_json::json!({"request": together, "peakKib": peak})
    );
    Ok(())
}
