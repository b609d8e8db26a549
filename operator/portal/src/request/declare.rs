//! Saying what each sealed file is, and submitting exactly what was sealed.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::Timestamp;
use maud::{Markup, html};
use sde_core::airlock::change::{confirmable, declarable, patch};
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use serde_json::json;

use super::act::change;
use super::blocks::blocks;
use super::{find, imports, outputs};
use crate::app::App;
use crate::args::Role;
use crate::choices::{IMPORTS, STATISTICS, SUPPRESSION, USES};
use crate::error::{self, PageError};
use crate::fields::Problem;
use crate::inputs::{Filled, Kind};
use crate::names;
use crate::page::{self, Shell, csrf};
use crate::show;
use crate::signed_in::{Posted, SignedIn};

/// `GET .../declare`.
pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path((project, name)): Path<(String, String)>,
) -> Result<Markup, PageError> {
    names::checked(&[&project, &name])?;
    let request = find(&app.api.of(&who.user), &project, &name).await?;
    let content = declarable(&request, who.user.as_str(), None);
    let content = content.map_err(|refusal| PageError::Refused(refusal.to_string()))?;
    let fields = if import(&request) {
        let before = request.spec.imports.as_deref().unwrap_or_default();
        imports::prefilled(content.files, before)
    } else {
        let before = request.spec.outputs.as_deref().unwrap_or_default();
        outputs::prefilled(content.files, before)
    };
    let filled = Filled {
        fields: &fields,
        problems: &[],
    };
    Ok(render(&who, &project, &request, filled, Timestamp::now()))
}

fn import(request: &AirlockRequest) -> bool {
    request.spec.direction == Direction::Import
}

/// The form.
pub fn render(
    who: &SignedIn,
    project: &str,
    request: &AirlockRequest,
    filled: Filled<'_>,
    now: Timestamp,
) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let content = request.status.as_ref().and_then(|s| s.content.as_ref());
    let (files, digest) = content.map_or((0, ""), |c| (c.files, c.digest.as_str()));
    let back = format!("/projects/{project}/requests/{name}");
    let (block, one, order, sure): (fn(i64, Filled<'_>) -> Markup, _, _, _) = if import(request) {
        let sure = "I have looked at what I uploaded, it is what I say here, and it may be used here. I submit exactly this copy.";
        let order = "in which the upload page listed them: that of their names, folders and all,";
        (incoming, "import", order, sure)
    } else {
        let sure = "I have looked at this copy of the folder, and this is what is in it. I submit exactly this copy.";
        (output, "output", "of their names, folders and all,", sure)
    };
    let content = html! {
        (page::problems(filled.problems))
        p class="lead" { "Files are counted from 0, in the order " (order) " as " code { "find . -type f | LC_ALL=C sort" } " lists them. Every file belongs to exactly one " (one) "; leave the files of a block empty that you do not need." }
        (show::facts(project, request, now))
        form class="stack" method="post" action={ (back) "/declare" } {
            (csrf(who))
            input type="hidden" name="digest" value=(digest);
            @for number in 0..blocks(files) { (block(number, filled)) }
            (filled.tick("sure", sure))
            div class="actions" {
                button type="submit" { "Submit" }
                a href=(back) { "Cancel" }
            }
        }
    };
    let title = format!("What is in {name}");
    Shell::of(Role::Request, who, "").page(&title, content)
}

fn incoming(block: i64, filled: Filled<'_>) -> Markup {
    let id = |field: &str| imports::id(block, field);
    let line = |field: &str, label, hint| filled.line(Kind::Text, &id(field), label, hint);
    html! {
        fieldset {
            legend { "Import " (block + 1) }
            div class="columns" {
                (line("files", "Files", "Numbers, as 0 or 0, 2-4."))
                (line("name", "Name", "What reviewers call it."))
                (filled.choice(&id("kind"), "What it is", "Decides how many people review it, and who.", IMPORTS))
                (line("origin", "Where it comes from", "Who publishes it, and which release: so that others could get the same."))
                (line("licence", "Licence", "Its SPDX identifier, such as CC-BY-4.0, or where the terms are. Empty if there is none."))
            }
        }
    }
}

fn output(block: i64, filled: Filled<'_>) -> Markup {
    use super::outputs::id;
    let line = |kind, field: &str, label, hint| filled.line(kind, &id(block, field), label, hint);
    html! {
        fieldset {
            legend { "Output " (block + 1) }
            div class="columns" {
                (line(Kind::Text, "files", "Files", "Numbers, as 0 or 0, 2-4."))
                (line(Kind::Text, "name", "Name", "What reviewers call it."))
                (filled.choice(&id(block, "statistic"), "Kind of result", "", STATISTICS))
                (filled.choice(&id(block, "use"), "Intended use", "", USES))
                (line(Kind::Text, "whom", "Whom it is about", "Not for program text and prose."))
                (line(Kind::Number, "people", "How many people that is", ""))
                (filled.choice(&id(block, "suppression"), "Small counts", "What was done so that no small group of people shows.", SUPPRESSION))
                (line(Kind::Number, "threshold", "Smallest count shown", "Where counts below it are left out."))
                (line(Kind::Number, "base", "Rounded to multiples of", "Where counts are rounded."))
                (line(Kind::Number, "counts", "File with the counts behind it", "Its number. A plot without one is held."))
                (line(Kind::Text, "code", "Code that made it", "git: and the commit, or sha256: and the script's digest. Not for program text and prose."))
            }
        }
    }
}

/// `POST .../declare`.
pub async fn submit(
    State(app): State<App>,
    Path((project, name)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    names::checked(&[&project, &name])?;
    let (who, fields) = (&posted.who, &posted.fields);
    let mut request = find(&app.api.of(&who.user), &project, &name).await?;
    let me = who.user.as_str();
    let refused = |refusal: sde_core::refusal::Refusal| PageError::Refused(refusal.to_string());
    // What was on the page is what is submitted, and nothing that came afterwards.
    let content = declarable(&request, me, Some(fields.get("digest"))).map_err(refused)?;
    let (files, digest) = (content.files, content.digest.clone());
    let mut problems = Vec::new();
    let comes_in = import(&request);
    if comes_in {
        match imports::read(fields, files) {
            Ok(imports) => request.spec.imports = Some(imports),
            Err(found) => problems = found,
        }
    } else {
        match outputs::read(fields, files) {
            Ok(outputs) => request.spec.outputs = Some(outputs),
            Err(found) => problems = found,
        }
    }
    if !fields.ticked("sure") {
        problems.push(Problem::at(
            "sure",
            "confirm that you have looked at what was copied",
        ));
    }
    if problems.is_empty()
        && let Err(refusal) = confirmable(&request, me, Some(&digest))
    {
        let id = if comes_in { imports::id } else { outputs::id };
        problems.push(Problem::at(id(0, "files"), refusal.to_string()));
    }
    if problems.is_empty() {
        let spec = if comes_in {
            json!({"imports": request.spec.imports, "confirmedDigest": digest})
        } else {
            json!({"outputs": request.spec.outputs, "confirmedDigest": digest})
        };
        let patch = patch(&request, &spec);
        match change(&app, who, &project, &name, "submit", &patch).await {
            Ok(()) => {
                let to = format!("/projects/{project}/requests/{name}?done=submit");
                return Ok(Redirect::to(&to).into_response());
            }
            Err(PageError::Api { source, .. })
                if [403, 422].iter().any(|code| error::is_code(&source, *code)) =>
            {
                problems.push(Problem::whole(error::words(&source)));
            }
            Err(other) => return Err(other),
        }
    }
    let filled = Filled {
        fields,
        problems: &problems,
    };
    let page = render(who, &project, &request, filled, Timestamp::now());
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
