//! To whom a transfer goes: the environment as the policy lists it, whether what was sealed is for the keys that it has there, and what
//! custodians should look for (the process: docs/src/airlock-process.md, section 6). Pure.

use maud::{Markup, html};
use sde_core::airlock::transfer::recipient;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::policy_lists::{SdeKeys, ThirdPartySde};

use super::known::Known;
use super::look_for;
use crate::words::{Tone, tag};

/// Both; nothing of what is no transfer.
pub fn show(known: &Known) -> Markup {
    if known.request.spec.direction != Direction::TransferToSde {
        return html! {};
    }
    html! {
        h2 { "To whom it goes" }
        @match &known.sde {
            Some(sde) => (listed(sde, &known.request)),
            None => p { "You may not see the SdePolicy, or it does not list this environment: then nothing of it is released." },
        }
        (asked())
    }
}

fn listed(sde: &ThirdPartySde, request: &AirlockRequest) -> Markup {
    let assessment = &sde.assessment;
    html! {
        dl class="facts" {
            dt { "Environment" } dd { (sde.name) ", in " (sde.country) }
            dt { "Assessment" } dd {
                (assessment.reference) " of " (assessment.date)
                @if let Some(expires) = assessment.expires { ", until " (expires) }
            }
            dt { "Against" } dd { (sde.standard) }
            @if let Some(keys) = &sde.keys {
                dt { "Crypt4GH key" } dd { code title=(keys.crypt4gh) { (keys.crypt4gh) } }
                dt { "age key" } dd { code title=(keys.age) { (keys.age) } }
            }
            dt { "What was sealed" } dd { (sealed_for(sde.keys.as_ref(), request)) }
        }
    }
}

/// Whether it is for the keys that the policy has now.
fn sealed_for(keys: Option<&SdeKeys>, request: &AirlockRequest) -> Markup {
    let content = request.status.as_ref().and_then(|s| s.content.as_ref());
    let sealed = content.and_then(|c| c.recipient.clone());
    let now = keys.and_then(recipient);
    match (sealed, now) {
        (Some(sealed), Some(now)) if sealed == now => {
            tag(Tone::Good, "Encrypted to exactly these keys")
        }
        (Some(_), Some(_)) => tag(
            Tone::Bad,
            "Encrypted to other keys: nothing of it is released",
        ),
        (_, None) => tag(Tone::Bad, "There are no keys: nothing of it is released"),
        (None, _) => tag(Tone::Plain, "Nothing yet"),
    }
}

fn asked() -> Markup {
    let questions = html! {
        li { "Must this grant go, and would no less of it do? The project's approval names the environment and says why." }
        li { "Are the assessment of the environment and the agreement with it what you agreed to, and still true?" }
        li { "If it is abroad: on what basis may the data go there? The rules ask for a transfer to its country under spec.transfers, not whether that organisation runs it." }
        li { "Are both keys its own? Compare them with what it has published, over another way than the one they came by. If not, refuse it with CustodiansDecision and tell your platform team." }
        li { "In the viewer, does every file begin with crypt4gh or age-encryption.org, and do the names of the files give nothing away?" }
        li { "Who destroys it there, when, and who tells you? Until that is confirmed, this project's data is not wholly destroyed." }
    };
    look_for::panel(
        "This is data of single people, encrypted. Nobody here can look into it: you decide what goes to whom, not what it says.",
        &questions,
    )
}
