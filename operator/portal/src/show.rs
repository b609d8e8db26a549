//! What is shown of a request, to whoever may see it: what was declared, sealed, found and decided. Pure.

use jiff::Timestamp;
use maud::{Markup, html};
use sde_core::airlock::history;
use sde_core::airlock::reviewing::lacking;
use sde_core::approvals::short;
use sde_core::say::{ago, size, stamp};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Import, Output};
use sde_crds::airlock_status::{Finding, ReviewProgress, Severity, Signal};

use crate::choices::{IMPORTS, STATISTICS, SUPPRESSION, USES, says};
use crate::words;

/// A time, to the minute and as a distance.
pub fn time(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) { (stamp(at)) } " (" (ago(at, now)) ")" }
}

/// What was sealed, in one line.
pub fn sealed(request: &AirlockRequest) -> Option<String> {
    let content = request.status.as_ref()?.content.as_ref()?;
    Some(format!(
        "{}, {}",
        words::count(content.files, "file", "files"),
        size(content.bytes)
    ))
}

/// The facts of a request.
pub fn facts(project: &str, request: &AirlockRequest, now: Timestamp) -> Markup {
    let spec = &request.spec;
    let status = request.status.clone().unwrap_or_default();
    let created = request.metadata.creation_timestamp.as_ref();
    html! {
        dl class="facts" {
            dt { "Project" } dd { (project) }
            dt { "Direction" } dd { (words::direction(spec.direction)) }
            dt { "Requester" } dd { (spec.requester) }
            @if let Some(folder) = &spec.folder { dt { "Folder" } dd { (folder) } }
            @if let Some(of) = &spec.transfer {
                dt { "Dataset grant" } dd { (of.grant) }
                dt { "Goes to" } dd { (of.sde) }
            }
            dt { "Why it must cross" } dd { (spec.justification) }
            @if let Some(earlier) = &spec.supersedes { dt { "Answers" } dd { (earlier) } }
            @if let Some(at) = created { dt { "Made" } dd { (time(at.0, now)) } }
            @if let Some(at) = &status.since { dt { "In this state" } dd { "since " (time(at.0, now)) } }
            @if let Some(text) = sealed(request) { dt { "Sealed" } dd { (text) } }
            @if let Some(content) = &status.content {
                dt { "Digest" } dd { code title=(content.digest) { (content.digest) } }
                @if let Some(recipient) = &content.recipient {
                    dt { "Encrypted to the keys" } dd { code title=(recipient) { (recipient) } }
                }
            }
            @if let Some(at) = &status.expires_at { dt { "Ends by itself" } dd { (time(at.0, now)) } }
        }
    }
}

/// What the operator says of it at the moment.
pub fn message(request: &AirlockRequest) -> Option<String> {
    let conditions = request.status.as_ref()?.conditions.clone()?;
    let ready = sde_core::conditions::find(&conditions, sde_core::conditions::types::READY)?;
    (!ready.message.is_empty()).then(|| ready.message.clone())
}

/// For whom findings are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Who asks: what to do.
    Requester,
    /// Who decides: why it matters too.
    Reviewer,
}

/// What was found, gravest first, each with the catalogue's words.
pub fn findings(request: &AirlockRequest, reader: Reader) -> Markup {
    let found = request.status.as_ref().and_then(|s| s.findings.as_ref());
    let Some(found) = found else {
        return html! { p class="dim" { "Nothing has been scanned yet." } };
    };
    let mut rules = found.rules.clone();
    rules.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.rule.cmp(&b.rule)));
    html! {
        @if rules.is_empty() {
            p { "No rule matched the files." }
        }
        @for of in &rules { (finding(of, reader)) }
        @for of in request.status.iter().flat_map(|s| s.signals.iter().flatten()) { (stands_out(of)) }
        p class="dim" { "Digest of the whole report: " code title=(found.digest) { (short(&found.digest)) } }
    }
}

fn finding(of: &Finding, reader: Reader) -> Markup {
    let known = sde_inspect::rules().find(|rule| rule.id == of.rule);
    html! {
        div class="finding" {
            h3 { (of.rule) " " (words::severity(of.severity)) }
            @if let Some(rule) = known {
                p { "In " (words::count(of.files, "file", "files")) ": " (rule.checks) }
                @if reader == Reader::Reviewer {
                    p { strong { "Why it matters. " } (rule.rationale) " " span class="dim" { "Source: " (rule.source) } }
                }
                p { strong { "What to do. " } (rule.advice) }
            } @else {
                p { "In " (words::count(of.files, "file", "files")) ". This portal does not know the rule: the operator is of another version." }
            }
            @if of.certain && of.severity == Severity::Block {
                p { strong { "This is certain: it is never released." } }
            }
        }
    }
}

/// What stands out against the project's other requests.
fn stands_out(of: &Signal) -> Markup {
    let known = sde_inspect::rules().find(|rule| rule.id == of.rule);
    html! {
        div class="finding" {
            h3 { (of.rule) " " (words::severity(of.severity)) }
            p { "Against the project's other requests: " (history::words(of)) "." }
            @if let Some(rule) = known {
                p { "What the rule looks for: " (rule.checks) "." }
                p { strong { "What to do. " } (rule.advice) }
            }
        }
    }
}

/// What the requester says the files are.
pub fn declared(spec: &AirlockRequestSpec) -> Markup {
    let outputs = spec.outputs.as_deref().unwrap_or_default();
    let imports = spec.imports.as_deref().unwrap_or_default();
    html! {
        @if let Some(of) = &spec.transfer {
            p { "What is granted as " strong { (of.grant) } ", as it was registered, for " strong { (of.sde) } ". Each file is encrypted to that environment's keys before it is sealed, and nobody on the way can read it. Nothing is declared." }
        } @else if outputs.is_empty() && imports.is_empty() {
            p class="dim" { "Nothing has been declared yet." }
        }
        @for of in outputs { (output(of)) }
        @for of in imports { (import(of)) }
    }
}

fn numbers(files: &[i64]) -> String {
    let numbers: Vec<String> = files.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

fn output(of: &Output) -> Markup {
    let suppression = &of.suppression;
    html! {
        section class="panel" {
            h3 { (of.name) }
            dl class="facts" {
                dt { "Files" } dd { (numbers(&of.files)) }
                dt { "Statistic" } dd { (says(STATISTICS, &of.statistic)) }
                @if let Some(whom) = &of.population {
                    dt { "About" } dd { (whom.description) ": " (words::count(whom.size, "person", "people")) }
                }
                dt { "Small counts" } dd {
                    (says(SUPPRESSION, &suppression.method))
                    @if let Some(threshold) = suppression.threshold { ", below " (threshold) }
                    @if let Some(base) = suppression.base { ", to multiples of " (base) }
                }
                @if let Some(file) = of.counts_file { dt { "Counts behind it" } dd { "file " (file) } }
                @if let Some(code) = &of.code { dt { "Made by" } dd { code { (code) } } }
                dt { "Intended use" } dd { (says(USES, &of.intended_use)) }
            }
        }
    }
}

fn import(of: &Import) -> Markup {
    html! {
        section class="panel" {
            h3 { (of.name) }
            dl class="facts" {
                dt { "Files" } dd { (numbers(&of.files)) }
                dt { "What it is" } dd { (says(IMPORTS, &of.kind)) }
                dt { "Comes from" } dd { (of.origin) }
                dt { "Licence" } dd { (of.licence.as_deref().unwrap_or("none named")) }
            }
        }
    }
}

/// How far the review is, and once it is decided, what was decided. Never by whom.
pub fn reviews(progress: Option<&ReviewProgress>) -> Markup {
    let Some(progress) = progress else {
        return html! { p class="dim" { "No review has begun." } };
    };
    let missing: Vec<&str> = progress
        .missing_roles
        .iter()
        .map(|r| words::role(*r))
        .collect();
    html! {
        p { (progress.counted) " of " (progress.needed) " reviews are in." }
        @if !missing.is_empty() {
            p { "Still missing: somebody as " (missing.join(", as ")) "." }
        }
        @if let Some(lacking) = lacking(progress.unseen).filter(|_| progress.decisions.is_none()) {
            p { strong { (lacking) "." } " If it is yours: open every file in the viewer and approve again, with the code that its list of files shows then." }
        }
        @match &progress.decisions {
            None => p class="dim" { "What was voted is shown when everybody needed has voted." },
            Some(decisions) => ul {
                @for of in decisions {
                    li {
                        (words::decided(of.decision)) " as " (words::role(of.role)) ". " (words::reason(of.reason)) "."
                        @if let Some(advice) = &of.advice { " " strong { (advice) } }
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use sde_crds::airlock_status::SignalUnit;

    use super::*;

    #[test]
    fn what_stands_out_is_said_with_its_numbers() {
        let often = Signal {
            rule: "AL-G018".to_owned(),
            severity: Severity::Hold,
            unit: SignalUnit::Requests,
            observed: 4,
            usual: 3,
        };
        let said = stands_out(&often).into_string();
        for part in [
            "AL-G018",
            "4 requests, against 3 requests",
            "in one request",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
}
