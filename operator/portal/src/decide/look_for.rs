//! What reviewers should look for (the process's own lists: docs/src/airlock-process.md): the panel, and what is asked of an Import by
//! what it is said to be. Pure.

use std::collections::BTreeSet;

use maud::{Markup, html};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{Direction, ImportKind};

use crate::choices::{IMPORTS, says};

/// What to look for, with a word on what it is about.
pub fn panel(about: &str, questions: &Markup) -> Markup {
    html! {
        section class="panel" aria-labelledby="look-for" {
            h2 id="look-for" { "What to look for" }
            p { (about) }
            ul { (questions) }
        }
    }
}

/// The list; nothing for what does not come in.
pub fn in_import(request: &AirlockRequest) -> Markup {
    let spec = &request.spec;
    if spec.direction != Direction::Import {
        return html! {};
    }
    let kinds: BTreeSet<ImportKind> = spec.imports.iter().flatten().map(|i| i.kind).collect();
    let questions = html! {
        li { "Is every file what it is said to be, and of the kind that is declared? If not, return it with NotAsDeclared." }
        li { "Does it come from where it is said to, and do its terms allow this use? If not, refuse it with UnsafeImport." }
        li { "Is it needed for what the project was approved for? If not, refuse it with BeyondPurpose." }
        li {
            @if scanned(request) {
                "The malware scanner knows nothing in it, which says little of what is new or made for you."
            } @else {
                "Nothing has looked for malware."
            }
            " Would you run it, or open it, given where it comes from? If not, refuse it with UnsafeImport."
        }
        li { "Is anybody recognisable in it? Participants' data comes in as a dataset, never so." }
        @for kind in kinds {
            li { strong { (says(IMPORTS, &kind)) ". " } (asks(kind)) }
        }
    };
    panel(
        "This is to come in. Once released, it is in the requester's workspaces, beside the project's data and with no way out but an Export.",
        &questions,
    )
}

/// Whether a malware scanner has looked at it, and found nothing: else there is a finding that says so.
fn scanned(request: &AirlockRequest) -> bool {
    let findings = request.status.as_ref().and_then(|s| s.findings.as_ref());
    findings.is_some_and(|f| {
        f.rules
            .iter()
            .all(|r| r.rule != "AL-N006" && r.rule != "AL-N001")
    })
}

fn asks(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::Data => {
            "Could it be joined to the project's people after all, by a name, an address, a date or a place? Then it is declared wrongly: return it."
        }
        ImportKind::Code => {
            "What does it read, write and start? It will find no network; look for what hides or encodes data in results, and for keys and passwords."
        }
        ImportKind::Binary => {
            "Why will program text not do? Who built it, from what, and does its publisher give a digest that it can be compared with? It cannot be read: agree only if you trust where it comes from."
        }
        ImportKind::LinkageData => {
            "Together with the project's data, could somebody be recognised? Does the project's approval allow linking? One of those who agree must be a senior output checker."
        }
        ImportKind::Model => {
            "Whom was it trained on, and does its publisher say so? Weights come in a format that runs nothing when it is loaded. One of those who agree must be a machine learning reviewer."
        }
    }
}
