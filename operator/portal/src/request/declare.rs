//! Saying what each sealed file is, and submitting exactly what was sealed.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::Timestamp;
use maud::{Markup, html};
use sde_core::airlock::change::{confirmable, declarable, patch};
use sde_crds::AirlockRequest;
use serde_json::json;

use super::act::change;
use super::find;
use super::outputs::{self, blocks, id};
use crate::app::App;
use crate::args::Role;
use crate::choices::{STATISTICS, SUPPRESSION, USES};
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
    let before = request.spec.outputs.as_deref().unwrap_or_default();
    let fields = outputs::prefilled(content.files, before);
    let filled = Filled {
        fields: &fields,
        problems: &[],
    };
    Ok(render(&who, &project, &request, filled, Timestamp::now()))
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
    let content = html! {
        (page::problems(filled.problems))
        p class="lead" { "Files are counted from 0, in the order of their names, folders and all, as " code { "find . -type f | LC_ALL=C sort" } " lists them. Every file belongs to exactly one output; leave the files of a block empty that you do not need." }
        (show::facts(project, request, now))
        form class="stack" method="post" action={ (back) "/declare" } {
            (csrf(who))
            input type="hidden" name="digest" value=(digest);
            @for block in 0..blocks(files) { (output(block, filled)) }
            (filled.tick("sure", "I have looked at this copy of the folder, and this is what is in it. I submit exactly this copy."))
            div class="actions" {
                button type="submit" { "Submit" }
                a href=(back) { "Cancel" }
            }
        }
    };
    let title = format!("What is in {name}");
    Shell::of(Role::Request, who, "").page(&title, content)
}

fn output(block: i64, filled: Filled<'_>) -> Markup {
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
    match outputs::read(fields, files) {
        Ok(outputs) => request.spec.outputs = Some(outputs),
        Err(found) => problems = found,
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
        problems.push(Problem::at(id(0, "files"), refusal.to_string()));
    }
    if problems.is_empty() {
        let spec = json!({"outputs": request.spec.outputs, "confirmedDigest": digest});
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
