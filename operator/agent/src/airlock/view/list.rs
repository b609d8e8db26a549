//! The list of a request's files, and how far whoever looks is with opening them.

use axum::response::Html;
use maud::{Markup, html};
use sde_core::airlock::manifest::Manifest;

use crate::airlock::view::findings;
use crate::airlock::view::looked::Looked;
use crate::airlock::view::seeing::Progress;
use crate::airlock::view::text::visible;
use crate::page::page;

/// The page.
pub fn files(
    title: &str,
    manifest: &Manifest,
    looked: Option<&Looked>,
    person: &str,
    progress: &Progress,
) -> Html<String> {
    let title = format!("Files of {title}");
    let main = html! {
        h1 { (title) }
        p { "Open each file before you decide. That you have opened it is logged, by its number." }
        @if looked.is_none() {
            p { strong { "There is no report of the scan." } " Do not decide without one." }
        }
        div class="scroll" tabindex="0" role="region" aria-label="Files" {
            table {
                caption { "Files: " (manifest.files.len()) ", bytes: " (manifest.size()) }
                thead { tr {
                    th scope="col" class="number" { "Number" }
                    th scope="col" { "Name" }
                    th scope="col" class="number" { "Bytes" }
                    th scope="col" { "Recognised as" }
                    th scope="col" { "Findings" }
                } }
                tbody {
                    @for file in &manifest.files {
                        @let report = looked.and_then(|l| l.file(file.number));
                        tr {
                            td class="number" { (file.number) }
                            th scope="row" class="name" {
                                a href={ "files/" (file.number) "/" } { (visible(file.path.as_bytes())) }
                            }
                            td class="number" { (file.size) }
                            @match report {
                                Some(report) => {
                                    td { (report.kind()) }
                                    td { (findings::summary(&report.findings)) }
                                },
                                None => { td { "not scanned" } td { "not scanned" } },
                            }
                        }
                    }
                }
            }
        }
        @if let Some(looked) = looked.filter(|l| !l.together.is_empty()) {
            h2 { "What was found of the files together" }
            (findings::table(&looked.together))
        }
        section aria-labelledby="code" {
            h2 id="code" { "Your viewing code" }
            (code(person, progress))
        }
    };
    page(&title, &main)
}

fn code(person: &str, progress: &Progress) -> Markup {
    match progress {
        Progress::NotUnderReview => html! {
            p { strong { "There is none: " } "the report of the scan that is here is not the one under review. Do not approve; tell the platform team." }
        },
        Progress::Missing(files) => html! {
            p { "An approval counts only with a code, which is shown here once you have opened every file. No other decision needs one." }
            p { "You have still to open:" }
            ul class="open" {
                @for file in files { li { a href={ "files/" (file) "/" } { "File " (file) } } }
            }
        },
        Progress::All(code) => html! {
            p { "You have opened every file. Give this code with your approval:" }
            p class="code" { (code) }
            p { "It says that you, " strong { (person) } ", have opened every file of exactly this content with exactly these findings. It is yours alone: under anybody else's name an approval with it does not count." }
        },
    }
}
