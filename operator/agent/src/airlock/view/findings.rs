//! What was found, as people read it.

use maud::{Markup, html};
use serde_json::Value;

use crate::airlock::view::looked::Finding;

/// All of it.
pub fn table(findings: &[Finding]) -> Markup {
    html! {
        @if findings.is_empty() {
            p { "Nothing." }
        } @else {
            div class="scroll" tabindex="0" role="region" aria-label="Findings" {
                table {
                    caption { "Findings: " (findings.len()) }
                    thead { tr {
                        th scope="col" { "Rule" }
                        th scope="col" { "Severity" }
                        th scope="col" { "What was seen" }
                        th scope="col" { "Where first" }
                        th scope="col" class="number" { "How often" }
                        th scope="col" { "What the researcher should do" }
                    } }
                    tbody {
                        @for finding in findings {
                            tr {
                                th scope="row" class="rule" { (finding.rule) }
                                td class="severity" { (finding.severity) }
                                td { (finding.what) }
                                td { (place(finding)) }
                                td class="number" { (finding.count) }
                                td { (finding.advice) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a list has room for.
pub fn summary(findings: &[Finding]) -> String {
    let mut rules: Vec<String> = findings
        .iter()
        .map(|f| format!("{} ({})", f.rule, f.severity))
        .collect();
    rules.dedup();
    if rules.is_empty() {
        return "none".to_owned();
    }
    rules.join(", ")
}

fn place(finding: &Finding) -> String {
    let mut parts = Vec::new();
    if finding.place.contains_key("inside") {
        parts.push("inside it".to_owned());
    }
    for (key, word) in [("line", "line"), ("column", "column"), ("offset", "byte")] {
        if let Some(number) = finding.place.get(key).and_then(Value::as_u64) {
            parts.push(format!("{word} {number}"));
        }
    }
    if parts.is_empty() {
        return "as a whole".to_owned();
    }
    parts.join(", ")
}
