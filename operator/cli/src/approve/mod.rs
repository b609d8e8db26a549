//! `kubectl sde approve`: one person's decision on exact bytes.
//!
//! `sde_core::approving` decides what may be created, `show` renders what is decided on; here is the I/O between them.

mod show;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::PostParams;
use kube::{Api, Client};
use sde_core::approving::{Request, plan};
use sde_crds::ProjectApproval;
use sde_crds::project_approval::{ApprovalRole, Decision};

use crate::args::ApproveArgs;
use crate::error::{CliError, Done, is_code};
use crate::out::{self, Format};
use crate::status;
use crate::text::Paint;

/// Shows what is decided on, asks, and creates the approval.
pub async fn run(client: &Client, args: &ApproveArgs, paint: Paint) -> Result<Done, CliError> {
    let now = Timestamp::now();
    let project = status::get(client, &args.project).await?;
    let existing = status::approvals(client, &args.project)
        .await
        .map_err(CliError::api("reading approvals"))?;
    let me = who_am_i(client).await?;
    let request = Request {
        role: args.role.into(),
        decision: args.decision.into(),
        expires: args.expires,
        reference: args.reference.clone(),
        approver: me,
    };
    let approval = plan(&project, &existing, &request, now)?;
    let asks = !args.yes;
    let shown = show::render(&project, &approval, paint, out::width());
    match args.output.output {
        Format::Text => out::print(&shown)?,
        Format::Json if asks => out::note(&shown),
        Format::Json => {}
    }
    if asks {
        let question = format!(
            "You, {}, decide: {:?}.",
            approval.spec.approver, approval.spec.decision
        );
        out::confirm(&question, &args.project)?;
    }
    let name = approval.metadata.name.clone().unwrap_or_default();
    let api: Api<ProjectApproval> = Api::all(client.clone());
    let created = match api.create(&PostParams::default(), &approval).await {
        Ok(created) => created,
        Err(error) if is_code(&error, 409) => {
            return Err(CliError::Refused(format!(
                "this very decision exists already: kubectl get projectapproval {name}"
            )));
        }
        Err(error) => return Err(CliError::api("creating the approval")(error)),
    };
    match args.output.output {
        Format::Json => out::print_json(&created)?,
        Format::Text => out::print(&format!(
            "\nCreated {name}. {}\n",
            next(&created, &args.project)
        ))?,
    }
    Ok(Done::Yes)
}

/// The user name under which the API server knows this person: what its policies compare.
///
/// # Errors
/// [`CliError::Api`], or [`CliError::Refused`] when it does not say.
pub async fn who_am_i(client: &Client) -> Result<String, CliError> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = api
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .map_err(CliError::api("asking the API server who you are"))?;
    let user = review
        .status
        .and_then(|s| s.user_info)
        .and_then(|u| u.username);
    user.filter(|u| !u.is_empty()).ok_or_else(|| {
        CliError::Refused(
            "the API server does not say who you are: log in with credentials of your own"
                .to_owned(),
        )
    })
}

fn next(approval: &ProjectApproval, project: &str) -> String {
    let tail = format!("kubectl sde status {project} shows what it waits for now.");
    match (approval.spec.decision, approval.spec.role) {
        (Decision::Approved, ApprovalRole::Closure) => {
            format!(
                "Once enough people have approved, everything in the inventory is destroyed. {tail}"
            )
        }
        (Decision::Approved, _) => format!(
            "Once every role is filled, the project opens as soon as its lock is proven. {tail}"
        ),
        (Decision::Rejected, _) => format!(
            "These bytes cannot be approved any more: the custodian must change the spec. {tail}"
        ),
        (Decision::Revoked, _) => {
            format!("Your approval no longer counts; nothing is deleted. {tail}")
        }
    }
}
