//! `kubectl sde airlock`: what leaves and enters a project. `inspect` needs no cluster.
//!
//! Here is the I/O; `view` makes typed data of requests (also the JSON), `list` and `show` render it, `change` decides what a
//! requester may still change, `submit` makes and confirms one.

mod args;
mod change;
mod inspect;
mod list;
mod show;
mod submit;
mod view;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use args::Airlock;

use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use sde_crds::AirlockRequest;
use sde_crds::names::project_namespace;
use serde_json::Value;

use args::{ConfirmArgs, ListArgs, RequestArgs, ShowArgs, SubmitArgs, WithdrawArgs};

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
        Airlock::Confirm(args) => confirm(&client().await?, args, paint).await,
        Airlock::Withdraw(args) => withdraw(&client().await?, args).await,
        Airlock::Retry(args) => retry(&client().await?, args).await,
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
    let declared = submit::declared(&args.declared)?;
    let request = submit::plan(args, declared, &who_am_i(client).await?)?;
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
    let request = get(client, &args.of).await?;
    let me = who_am_i(client).await?;
    let content = submit::confirmable(&request, &me, args.digest.as_deref())?;
    if !args.yes {
        let shown = show::render(&view::view(&request), Timestamp::now(), paint, out::width());
        match args.output.output {
            Format::Text => out::print(&shown)?,
            Format::Json => out::note(&shown),
        }
        let question = format!(
            "You submit exactly {}: {} files, {} bytes. Nothing of it changes afterwards.",
            content.digest, content.files, content.bytes
        );
        out::confirm(&question, &args.of.request)?;
    }
    let patch = submit::confirmation(&request, content);
    let format = args.output.output;
    changed(client, &request, Some(patch), format, "is submitted").await
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
