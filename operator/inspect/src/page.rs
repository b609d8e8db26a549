//! The catalogue as a page of the documentation.

use std::fmt::Write;

use crate::rules::table;

/// Markdown of every rule.
pub fn page() -> String {
    let mut page = String::from(
        "# Airlock rules\n\nWritten by `cargo run -p sde-inspect` from `operator/inspect/src/rules/`; a test compares them. What each finding does: *info* is recorded, *warn* is shown, *hold* waits for people who justify letting it go, *hold+* also for a senior or specialised one, *block* ends the request. [What is looked at, and what cannot be found](../airlock-inspect.md).\n\n| rule | does | looks for | because | source | what to do |\n|---|---|---|---|---|---|\n",
    );
    for rule in table() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            rule.id, rule.severity, rule.checks, rule.rationale, rule.source, rule.advice
        );
    }
    page
}
