//! The catalogue as a page of the documentation.

use std::fmt::Write;

use crate::import::{OnImport, on_import, only_imports};
use crate::rules::{Rule, table};

/// Markdown of every rule.
pub fn page() -> String {
    let mut page = String::from(
        "# Airlock rules\n\nWritten by `cargo run -p sde-inspect` from `operator/inspect/src/rules/`; a test compares them. What each finding does: *info* is recorded, *warn* is shown, *hold* waits for people who justify letting it go, *hold+* also for a senior or specialised one, *block* ends the request. Under *export* and *import* is what a rule does to each: a dash, nothing; another rule, what it is then a finding of. Of a [transfer](../airlock.md#transfers-to-another-environment), a file that is Crypt4GH or binary age has no findings; any other has AL-G005, which then blocks, beside what it has as an export. AL-A, AL-R, AL-G011, AL-G017, AL-G018, AL-N004 and a day's bytes of AL-G004 are [found by the controller](../airlock.md#what-stands-out), all others by the scan. [What is looked at, and what cannot be found](../airlock-inspect.md).\n\n| rule | export | import | looks for | because | source | what to do |\n|---|---|---|---|---|---|---|\n",
    );
    for rule in table() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            rule.id,
            export(rule),
            import(rule),
            rule.checks,
            rule.rationale,
            rule.source,
            rule.advice
        );
    }
    page
}

fn export(rule: &Rule) -> String {
    if only_imports(rule.id) {
        return "-".to_owned();
    }
    rule.severity.to_string()
}

fn import(rule: &Rule) -> String {
    match on_import(rule.id) {
        OnImport::Same => rule.severity.to_string(),
        OnImport::Nothing => "-".to_owned(),
        OnImport::As(severity) => severity.to_string(),
        OnImport::Is(other) => format!("{} ({})", other.severity, other.id),
    }
}
