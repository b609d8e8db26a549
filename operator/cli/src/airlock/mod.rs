//! `kubectl sde airlock`: what leaves and enters a project. `inspect` needs no cluster.
//!
//! Here is the I/O; `view` makes typed data of requests (also the JSON), `list` and `show` render it, `change` is what a
//! requester may still change, `submit` makes one, `transfer` says whether one to another environment would go on, `known` reads what
//! that depends on, `declare` reads what its files are, `review` shows the review that core says may be created, `download` takes what
//! was released out of the door.

mod args;
mod change;
mod choices;
mod declare;
mod download;
mod inspect;
mod known;
mod list;
mod receipts;
mod review;
mod show;
mod submit;
mod transfer;
mod view;

#[cfg(test)]
mod review_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transfer_tests;

pub use args::Airlock;

use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::ConflictOfInterest;
use sde_crds::names::project_namespace;
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::Value;

use args::{ConfirmArgs, ListArgs, RequestArgs, ReviewArgs, ShowArgs, SubmitArgs, WithdrawArgs};

use declare::Declared;
use known::around;

use crate::approve::who_am_i;
use crate::cluster::{self, Target};
use crate::error::{CliError, Done, is_code};
use crate::out::{self, Format};
use crate::text::Paint;

/// Runs the command.
///
/// # Errors
/// [`CliError`], with what to do.
pub async fn run(command: &Airlock, target: &Target, paint: Paint) -> Result<Done, CliError> {
    let client = async || cluster::connect(target).await;
    match command {
        Airlock::Inspect(args) => inspect::run(args, paint),
        Airlock::List(args) => list(&client().await?, args, paint).await,
        Airlock::Show(args) => show(&client().await?, args, paint).await,
        Airlock::Submit(args) => submit(&client().await?, args).await,
        Airlock::Upload(args) => upload(&client().await?, args).await,
        Airlock::Seal(args) => seal(&client().await?, args).await,
        Airlock::Confirm(args) => confirm(&client().await?, args, paint).await,
        Airlock::Review(args) => review(&client().await?, args, paint).await,
        Airlock::Withdraw(args) => withdraw(&client().await?, args).await,
        Airlock::Retry(args) => retry(&client().await?, args).await,
        Airlock::Collect(args) => collect(&client().await?, args).await,
        Airlock::Download(args) => download::run(&client().await?, args).await,
        Airlock::Receipts(args) => receipts::run(&client().await?, args).await,
    }
}

fn requests(client: &Client, project: &str) -> Api<AirlockRequest> {
    Api::namespaced(client.clone(), &project_namespace(project))
}

/// The request of a name, or what to do about it.
async fn get(client: &Client, of: &RequestArgs) -> Result<AirlockRequest, CliError> {
    let (project, name) = (&of.project, &of.request);
    let found = requests(client, project).get_opt(name).await;
    let found = found.map_err(CliError::api(format!("reading request {project} {name}")))?;
    found.ok_or_else(|| {
        CliError::Refused(format!(
            "project {project} has no request {name}: kubectl sde airlock list -P {project} lists all"
        ))
    })
}

async fn list(client: &Client, args: &ListArgs, paint: Paint) -> Result<Done, CliError> {
    let api = match &args.of.project {
        Some(project) => requests(client, project),
        None => Api::all(client.clone()),
    };
    let found = match api.list(&ListParams::default()).await {
        Ok(found) => found.items,
        Err(error) if is_code(&error, 403) && args.of.all => {
            return Err(CliError::Refused(
                "you may not see the requests of all projects: name yours with -P".to_owned(),
            ));
        }
        Err(error) => return Err(CliError::api("reading requests")(error)),
    };
    let rows = list::rows(&found, args.queue);
    match args.output.output {
        Format::Json => out::print_json(&rows)?,
        Format::Text => out::print(&list::render(&rows, args.queue, Timestamp::now(), paint))?,
    }
    Ok(Done::Yes)
}

async fn show(client: &Client, args: &ShowArgs, paint: Paint) -> Result<Done, CliError> {
    let view = view::view(&get(client, &args.of).await?);
    match args.output.output {
        Format::Json => out::print_json(&view)?,
        Format::Text => out::print(&show::render(&view, Timestamp::now(), paint, out::width()))?,
    }
    Ok(Done::Yes)
}

async fn submit(client: &Client, args: &SubmitArgs) -> Result<Done, CliError> {
    let outputs = args.outputs.as_deref().map(declare::file).transpose()?;
    let me = who_am_i(client).await?;
    let request = submit::plan(args, outputs, &me)?;
    if let Some(of) = &request.spec.transfer {
        let (project, policy) = around(client, &args.project, "request goes on").await?;
        let policy = policy.map(|p| p.spec);
        let known = transfer::Known {
            me: &me,
            project: project.as_ref(),
            policy: policy.as_ref(),
        };
        transfer::check(of, &known, Timestamp::now())?;
    }
    let named = change::named(&request);
    let api = requests(client, &args.project);
    let created = match api.create(&PostParams::default(), &request).await {
        Ok(created) => created,
        Err(error) if is_code(&error, 409) => {
            return Err(CliError::Refused(format!(
                "there is a request {named} already, and one request is for one content: give this one another --name"
            )));
        }
        Err(error) => return Err(CliError::api(format!("making request {named}"))(error)),
    };
    match args.output.output {
        Format::Json => out::print_json(&created)?,
        Format::Text => out::print(&format!(
            "Request {named} is made.\n{}\n",
            submit::next(&created)
        ))?,
    }
    Ok(Done::Yes)
}

async fn confirm(client: &Client, args: &ConfirmArgs, paint: Paint) -> Result<Done, CliError> {
    let declared = Declared::read(&args.declared)?;
    let mut request = get(client, &args.of).await?;
    let me = who_am_i(client).await?;
    let said = declared.map(|d| d.of(&mut request)).transpose()?;
    if request.spec.direction == Direction::Import && request.spec.imports.is_none() {
        change::declarable(&request, &me, args.digest.as_deref())?;
        return Err(CliError::Refused(format!(
            "say what each file is: kubectl sde airlock confirm {} --imports FILE.yaml (its help says what is in it)",
            change::named(&request)
        )));
    }
    let content = change::confirmable(&request, &me, args.digest.as_deref())?;
    if !args.yes {
        let shown = show::render(&view::view(&request), Timestamp::now(), paint, out::width());
        match args.output.output {
            Format::Text => out::print(&shown)?,
            Format::Json => out::note(&shown),
        }
        let question = format!(
            "You submit exactly {}: {} files, {} bytes{}. Nothing of it changes afterwards.",
            content.digest,
            content.files,
            content.bytes,
            transfer::whither(&request.spec, content)
        );
        out::confirm(&question, &args.of.request)?;
    }
    let mut patch = change::confirmation(&request, content);
    if let Some((field, said)) = said {
        patch["spec"][field] = said;
    }
    let format = args.output.output;
    changed(client, &request, Some(patch), format, "is submitted").await
}

async fn upload(client: &Client, args: &ShowArgs) -> Result<Done, CliError> {
    let request = get(client, &args.of).await?;
    let patch = change::upload(&request, &who_am_i(client).await?)?;
    let became = "is being made ready to take files";
    changed(client, &request, patch, args.output.output, became).await?;
    if args.output.output == Format::Text {
        out::print(&format!(
            "Upload them through the portal. When all are there: kubectl sde airlock seal {}\n",
            change::named(&request)
        ))?;
    }
    Ok(Done::Yes)
}

async fn seal(client: &Client, args: &WithdrawArgs) -> Result<Done, CliError> {
    let request = get(client, &args.of).await?;
    let patch = change::seal(&request, &who_am_i(client).await?)?;
    if patch.is_some() && !args.yes {
        let question = format!(
            "What is there of request {} is copied as it is: nothing is added, changed or removed afterwards.",
            change::named(&request)
        );
        out::confirm(&question, &args.of.request)?;
    }
    changed(client, &request, patch, args.output.output, "is sealed").await
}

async fn review(client: &Client, args: &ReviewArgs, paint: Paint) -> Result<Done, CliError> {
    let request = get(client, &args.of).await?;
    let (project, policy) = around(client, &args.of.project, "review counts").await?;
    let policy = match policy.map(|p| p.spec.airlock) {
        Some(None) => {
            return Err(CliError::Refused(
                "the SdePolicy has no airlock part, so nobody reviews: the platform team must say who (spec.airlock)".to_owned(),
            ));
        }
        other => other.flatten(),
    };
    let people = project.into_iter().flat_map(|p| p.spec.people);
    let members: Vec<String> = people.map(|p| p.user).collect();
    let decided = review::Decided {
        decision: args.decision.into(),
        role: args.role.into(),
        reason: args.reason.map(Into::into),
        advice: args.note.clone(),
        answers: args.answers.clone(),
        refused_files: args.refused_files.clone(),
        conflict: if args.conflict {
            ConflictOfInterest::Declared
        } else {
            ConflictOfInterest::None
        },
        seen: args.seen.clone(),
    };
    let known = review::Known {
        me: &who_am_i(client).await?,
        members: &members,
        policy: policy.as_ref(),
    };
    let review = review::plan(&request, &decided, &known).map_err(review::with_flags)?;
    let shown = format!(
        "{}\n{}",
        show::render(&view::view(&request), Timestamp::now(), paint, out::width()),
        review::render(&review, paint, out::width())
    );
    match args.output.output {
        Format::Text => out::print(&shown)?,
        Format::Json if !args.yes => out::note(&shown),
        Format::Json => {}
    }
    if !args.yes {
        out::confirm("A review never changes.", &args.of.request)?;
    }
    let name = review.metadata.name.clone().unwrap_or_default();
    let api: Api<AirlockReview> =
        Api::namespaced(client.clone(), &project_namespace(&args.of.project));
    let created = match api.create(&PostParams::default(), &review).await {
        Ok(created) => created,
        Err(error) if is_code(&error, 409) => {
            return Err(CliError::Refused(format!(
                "you have decided exactly so already ({name}): there is nothing to repeat"
            )));
        }
        Err(error) => return Err(CliError::api("creating the review")(error)),
    };
    match args.output.output {
        Format::Json => out::print_json(&created)?,
        Format::Text => out::print(&format!(
            "\nCreated {name}. {}\n",
            review::next(&created, &change::named(&request))
        ))?,
    }
    Ok(Done::Yes)
}

async fn withdraw(client: &Client, args: &WithdrawArgs) -> Result<Done, CliError> {
    let request = get(client, &args.of).await?;
    let patch = change::withdraw(&request, &who_am_i(client).await?)?;
    if patch.is_some() && !args.yes {
        out::confirm(
            &format!(
                "Request {} is taken back for good: nothing of it is released.",
                change::named(&request)
            ),
            &args.of.request,
        )?;
    }
    changed(client, &request, patch, args.output.output, "is withdrawn").await
}

async fn retry(client: &Client, args: &ShowArgs) -> Result<Done, CliError> {
    let request = get(client, &args.of).await?;
    let patch = change::retry(&request, &who_am_i(client).await?)?;
    changed(
        client,
        &request,
        patch,
        args.output.output,
        "is tried again",
    )
    .await
}

async fn collect(client: &Client, args: &ShowArgs) -> Result<Done, CliError> {
    let request = get(client, &args.of).await?;
    let patch = change::collect(&request, &who_am_i(client).await?)?;
    changed(
        client,
        &request,
        patch,
        args.output.output,
        "is being made ready to be collected, for half an hour: through the portal, or with kubectl sde airlock download",
    )
    .await
}

/// Applies a patch, if there is anything to change, and prints what became so.
async fn changed(
    client: &Client,
    request: &AirlockRequest,
    patch: Option<Value>,
    format: Format,
    became: &str,
) -> Result<Done, CliError> {
    let named = change::named(request);
    let already = if patch.is_some() { "" } else { " already" };
    let after = match patch {
        Some(patch) => apply(client, request, patch).await?,
        None => request.clone(),
    };
    match format {
        Format::Json => out::print_json(&after)?,
        Format::Text => out::print(&format!(
            "Request {named} {became}{already}. Follow it: kubectl sde airlock show {named}\n"
        ))?,
    }
    Ok(Done::Yes)
}

async fn apply(
    client: &Client,
    request: &AirlockRequest,
    patch: Value,
) -> Result<AirlockRequest, CliError> {
    let named = change::named(request);
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let api = requests(client, &view::project(request));
    let patch = Patch::Merge(patch);
    match api.patch(name, &PatchParams::default(), &patch).await {
        Ok(after) => Ok(after),
        Err(error) if is_code(&error, 409) => Err(CliError::Refused(format!(
            "request {named} was changed at this moment: look at it (kubectl sde airlock show {named}) and try again"
        ))),
        Err(error) => Err(CliError::api(format!("changing request {named}"))(error)),
    }
}
