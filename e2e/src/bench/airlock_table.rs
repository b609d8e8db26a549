//! The table of `bench airlock`: a row a format, a column a disguise, in each cell the rule.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::airlock::Said;
use super::airlock_make::{Cases, Disguised};

/// Prints it: rules that block in capitals, rules that hold in small letters.
pub fn print(cases: &Cases, people: &BTreeMap<PathBuf, Said>) {
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<(&str, BTreeMap<&str, String>)> = Vec::new();
    for case in &cases.individual {
        if !columns.contains(&case.disguise.as_str()) {
            columns.push(&case.disguise);
        }
        if rows.last().is_none_or(|(format, _)| *format != case.format) {
            rows.push((&case.format, BTreeMap::new()));
        }
        if let Some((_, cells)) = rows.last_mut() {
            cells.insert(&case.disguise, cell(case, people));
        }
    }
    println!(
        "\nI002 blocked by AL-I002, i002 held by it; -- passes; blank: not made of this format"
    );
    for (number, column) in columns.iter().enumerate() {
        println!("  {:>2} {column}", number + 1);
    }
    print!("{:<32}", "");
    (1..=columns.len()).for_each(|n| print!("{n:>5}"));
    println!();
    for (format, cells) in rows {
        print!("{format:<32}");
        for column in &columns {
            print!("{:>5}", cells.get(column).map_or("", String::as_str));
        }
        println!();
    }
    println!();
}

/// The rule that is right for the format, else the gravest one; of pieces, that of the first.
fn cell(case: &Disguised, people: &BTreeMap<PathBuf, Said>) -> String {
    let said: Vec<&Said> = case.files.iter().filter_map(|f| people.get(f)).collect();
    if said.is_empty() || !said.iter().all(|s| s.held) {
        return "--".to_owned();
    }
    let holding = || said.iter().flat_map(|s| s.holding());
    let right = holding().find(|(rule, _)| case.rules.contains(rule));
    let chosen = right
        .or_else(|| holding().find(|(_, does)| does == "Block"))
        .or_else(|| holding().next());
    chosen.map_or_else(String::new, |(rule, does)| {
        let short = rule.trim_start_matches("AL-");
        if does == "Block" {
            short.to_owned()
        } else {
            short.to_lowercase()
        }
    })
}
