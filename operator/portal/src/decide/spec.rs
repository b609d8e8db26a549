//! A Project's spec as an approver reads it: what decides first, the whole of it below. Pure.

use maud::{Markup, html};
use sde_crds::project::{ClosureMode, ProjectSpec};

use super::changed::Change;

/// The spec.
pub fn show(spec: &ProjectSpec) -> Markup {
    let ethics = &spec.purpose.ethics;
    html! {
        dl class="facts" {
            dt { "Title" } dd { (spec.title) }
            dt { "Submitted by" } dd { (spec.submitted_by) }
            dt { "Custodian" } dd { (spec.custodian.organisation) " (" (spec.custodian.contact) ")" }
            dt { "Tier" } dd { (spec.tier) }
            dt { "Purpose" } dd { (spec.purpose.statement) }
            dt { "Public benefit" } dd { (spec.purpose.public_benefit) }
            dt { "Ethics" } dd {
                @if !ethics.required { "Not required" }
                @else {
                    (ethics.reference.as_deref().unwrap_or("required, no reference"))
                    @if let Some(expires) = ethics.expires { ", until " (expires) }
                }
            }
            dt { "Dates" } dd { (spec.schedule.starts) " to " (spec.schedule.expires) }
            dt { "Ends by" } dd {
                @match spec.closure.mode {
                    ClosureMode::Delete => "Deletion",
                    ClosureMode::RetainInaccessible => "Keeping it out of everybody's reach",
                }
                @if spec.closure.legal_hold == Some(true) { "; a legal hold stops every deletion" }
            }
            dt { "Environments" } dd { (spec.environments.join(", ")) }
        }
        h3 { "People" }
        div class="scroll" role="region" tabindex="0" aria-label="People" {
            table {
                thead { tr { th scope="col" { "User" } th scope="col" { "Organisation" } th scope="col" { "Roles" } th scope="col" { "Works from" } th scope="col" { "Training until" } } }
                tbody {
                    @for of in &spec.people {
                        tr {
                            th scope="row" { (of.user) }
                            td { (of.organisation) }
                            td { (of.roles.iter().map(|r| format!("{r:?}")).collect::<Vec<_>>().join(", ")) }
                            td { (of.access_from.join(", ")) }
                            td { (of.training.expires) }
                        }
                    }
                }
            }
        }
        h3 { "Organisations" }
        ul {
            @for of in &spec.organisations {
                li { (of.name) ": " (format!("{:?}", of.sector)) ", " (of.country) ", approval " (of.approval.reference) " until " (of.approval.expires) }
            }
        }
        h3 { "Data" }
        ul {
            @for of in &spec.datasets {
                li {
                    strong { (of.name) } " of " (of.dataset) ": "
                    @match &of.sub_paths { Some(paths) => (paths.join(", ")), None => strong { "all of it" } }
                    ". " (of.minimisation)
                }
            }
        }
        details {
            summary { "The whole spec" }
            pre tabindex="0" { code { (serde_json::to_string_pretty(spec).unwrap_or_default()) } }
        }
    }
}

/// What differs from the spec that was approved last.
pub fn changes(all: &[Change]) -> Markup {
    html! {
        @if all.is_empty() {
            p { "Nothing differs from what was approved last." }
        } @else {
            div class="scroll" role="region" tabindex="0" aria-label="What changed since it was approved last" {
                table {
                    thead { tr { th scope="col" { "Where" } th scope="col" { "Approved last" } th scope="col" { "Now" } } }
                    tbody {
                        @for of in all {
                            tr {
                                th scope="row" { code { (of.path) } }
                                td { (of.before.as_deref().unwrap_or("not there")) }
                                td { (of.after.as_deref().unwrap_or("taken away")) }
                            }
                        }
                    }
                }
            }
        }
    }
}
