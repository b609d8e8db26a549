//! `kubectl sde suspend`, `resume` and `close`: the one field of a Project that is outside its approved digest.

use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use sde_crds::Project;
use sde_crds::project::{ClosureMode, Lifecycle};
use sde_crds::project_status::ProjectPhase;
use serde_json::{Value, json};

use crate::args::CloseArgs;
use crate::error::{CliError, Done, is_code};
use crate::out::{self, Format};
use crate::status;
use crate::text::{Paint, Tone};

/// Sets the lifecycle to `Suspended` or `Active`.
pub async fn run(
    client: &Client,
    name: &str,
    to: Lifecycle,
    format: Format,
    paint: Paint,
) -> Result<Done, CliError> {
    let project = status::get(client, name).await?;
    apply(client, &project, to, format, paint).await
}

/// Closes, after a question.
pub async fn close(client: &Client, args: &CloseArgs, paint: Paint) -> Result<Done, CliError> {
    let project = status::get(client, &args.project).await?;
    if !args.yes && project.spec.lifecycle != Lifecycle::Closed {
        out::note(&warning(&project));
        out::confirm("Closed is terminal.", &args.project)?;
    }
    apply(
        client,
        &project,
        Lifecycle::Closed,
        args.output.output,
        paint,
    )
    .await
}

async fn apply(
    client: &Client,
    project: &Project,
    to: Lifecycle,
    format: Format,
    paint: Paint,
) -> Result<Done, CliError> {
    let name = project.metadata.name.clone().unwrap_or_default();
    let changed = check(project, to)?;
    let after = if changed {
        let api: Api<Project> = Api::all(client.clone());
        match api
            .patch(
                &name,
                &PatchParams::default(),
                &Patch::Merge(patch(project, to)),
            )
            .await
        {
            Ok(after) => after,
            Err(error) if is_code(&error, 409) => {
                return Err(CliError::Refused(format!(
                    "project {name} was changed by somebody at this moment: look at it (kubectl sde status {name}) and try again"
                )));
            }
            Err(error) => return Err(CliError::api(format!("changing project {name}"))(error)),
        }
    } else {
        project.clone()
    };
    match format {
        Format::Json => out::print_json(&after)?,
        Format::Text => out::print(&format!(
            "{}\n{}\n",
            paint.paint(Tone::Strong, &headline(&name, to, changed)),
            next(&after, to)
        ))?,
    }
    Ok(Done::Yes)
}

/// Only the lifecycle, and only if the project is still what was read.
fn patch(project: &Project, to: Lifecycle) -> Value {
    json!({
        "metadata": {"resourceVersion": project.metadata.resource_version},
        "spec": {"lifecycle": to},
    })
}

/// Whether anything is to be changed.
fn check(project: &Project, to: Lifecycle) -> Result<bool, CliError> {
    let name = project.metadata.name.as_deref().unwrap_or_default();
    match (project.spec.lifecycle, to) {
        (from, to) if from == to => Ok(false),
        (Lifecycle::Closed, _) => Err(CliError::Refused(format!(
            "project {name} is closed, and Closed is terminal: a custodian can submit a new project under another name"
        ))),
        _ => Ok(true),
    }
}

fn headline(name: &str, to: Lifecycle, changed: bool) -> String {
    let already = if changed { "now" } else { "already" };
    format!("Project {name} is {already} to be {to:?}.")
}

fn warning(project: &Project) -> String {
    let fate = match project.spec.closure.mode {
        ClosureMode::Delete => "destroyed",
        ClosureMode::RetainInaccessible => "kept out of everybody's reach",
    };
    format!(
        "Closing project {} ({}): everything stops at once, and after people approve the inventory its home volumes are {fate}.\nIt never opens again. To stop it for a while instead: kubectl sde suspend.",
        project.metadata.name.as_deref().unwrap_or_default(),
        project.spec.title
    )
}

/// What happens next, in sentences.
fn next(project: &Project, to: Lifecycle) -> String {
    let name = project.metadata.name.as_deref().unwrap_or_default();
    let status = project.status.clone().unwrap_or_default();
    let see = format!("Follow it: kubectl sde status {name}");
    match to {
        Lifecycle::Suspended => format!(
            "Every workspace stops now. Home volumes, grants and approvals stay; nothing is deleted.\nOpen it again: kubectl sde resume {name}"
        ),
        Lifecycle::Active if status.approved.is_none() => {
            format!("It opens once it is approved, within its dates, and its lock is proven. {see}")
        }
        Lifecycle::Active => format!(
            "The lock is proven anew before anything opens; people then start their workspaces again. {see}"
        ),
        Lifecycle::Closed if status.phase == ProjectPhase::Closed => {
            format!("It is closed. The attestation: kubectl sde attestation export {name} -o DIR")
        }
        Lifecycle::Closed => format!(
            "Everything stops now, then the inventory of what holds data is frozen. Nothing is deleted before people approve exactly that inventory.\nEach of them: kubectl sde approve {name} --role Closure\nClosed is terminal. {see}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn only_the_lifecycle_is_patched_and_only_what_was_read() {
        let project = fixtures::project();
        let patch = patch(&project, Lifecycle::Suspended);
        assert_eq!(
            patch,
            json!({"metadata": {"resourceVersion": "7"}, "spec": {"lifecycle": "Suspended"}})
        );
    }

    #[test]
    fn closed_is_terminal() {
        let mut project = fixtures::project();
        assert!(check(&project, Lifecycle::Closed).unwrap());
        assert!(!check(&project, Lifecycle::Active).unwrap());
        project.spec.lifecycle = Lifecycle::Closed;
        assert!(!check(&project, Lifecycle::Closed).unwrap());
        for to in [Lifecycle::Active, Lifecycle::Suspended] {
            assert!(
                check(&project, to)
                    .unwrap_err()
                    .to_string()
                    .contains("terminal")
            );
        }
    }

    #[test]
    fn what_happens_next_is_said() {
        let mut project = fixtures::project();
        insta::assert_snapshot!(
            [Lifecycle::Suspended, Lifecycle::Active, Lifecycle::Closed]
                .map(|to| next(&project, to))
                .join("\n--\n")
        );
        project.status.get_or_insert_default().phase = ProjectPhase::Closed;
        assert!(next(&project, Lifecycle::Closed).contains("attestation export"));
        assert!(warning(&project).contains("destroyed"));
    }
}
