//! Reads what a status is made of. What this person may not see is left out and said so, never guessed.

use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::names::{POLICY_NAME, project_namespace};
use sde_crds::{DestructionRecord, Project, ProjectApproval, SdePolicy, Workspace};
use serde::Serialize;

use crate::error::{CliError, explain, is_code};

/// Something that this person may or may not be allowed to see.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen<T> {
    /// Seen.
    Visible(T),
    /// Why not.
    Hidden(String),
}

impl<T> Seen<T> {
    /// What is seen.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Visible(value) => Some(value),
            Self::Hidden(_) => None,
        }
    }

    fn from(result: kube::Result<T>, what: &str) -> Result<Self, CliError> {
        match result {
            Ok(value) => Ok(Self::Visible(value)),
            Err(error) if is_code(&error, 403) => Ok(Self::Hidden(explain(&error))),
            Err(error) => Err(CliError::api(format!("reading {what}"))(error)),
        }
    }
}

/// What the status of one project is made of.
#[derive(Debug, Clone)]
pub struct Found {
    /// The project.
    pub project: Project,
    /// The policy, if there is one.
    pub policy: Seen<Option<SdePolicy>>,
    /// Every approval of this project's name.
    pub approvals: Seen<Vec<ProjectApproval>>,
    /// Its workspaces.
    pub workspaces: Seen<Vec<Workspace>>,
    /// Its destruction record, once there is one.
    pub record: Option<DestructionRecord>,
}

/// The project of a name, or what to do about it.
pub async fn get(client: &Client, name: &str) -> Result<Project, CliError> {
    let api: Api<Project> = Api::all(client.clone());
    let found = api
        .get_opt(name)
        .await
        .map_err(CliError::api(format!("reading project {name}")))?;
    found.ok_or_else(|| {
        CliError::Refused(format!(
            "there is no project {name}: kubectl sde status lists all. If it was closed and deleted, its record is kept: kubectl sde attestation show {name}"
        ))
    })
}

/// Approvals of a project's name.
pub async fn approvals(client: &Client, name: &str) -> kube::Result<Vec<ProjectApproval>> {
    let api: Api<ProjectApproval> = Api::all(client.clone());
    let all = api.list(&ListParams::default()).await?;
    Ok(all
        .items
        .into_iter()
        .filter(|a| a.spec.project == name)
        .collect())
}

/// Reads one project and what belongs to it.
pub async fn project(client: &Client, name: &str) -> Result<Found, CliError> {
    let project = get(client, name).await?;
    let policies: Api<SdePolicy> = Api::all(client.clone());
    let workspaces: Api<Workspace> = Api::namespaced(client.clone(), &project_namespace(name));
    let records: Api<DestructionRecord> = Api::all(client.clone());
    let params = ListParams::default();
    let (policy, approvals, workspaces) = tokio::join!(
        policies.get_opt(POLICY_NAME),
        approvals(client, name),
        workspaces.list(&params)
    );
    let record = match project
        .status
        .as_ref()
        .and_then(|s| s.destruction_record.as_deref())
    {
        Some(record) => Seen::from(records.get_opt(record).await, "the destruction record")?
            .get()
            .cloned()
            .flatten(),
        None => None,
    };
    Ok(Found {
        policy: Seen::from(policy, "the SdePolicy")?,
        approvals: Seen::from(approvals, "approvals")?,
        workspaces: Seen::from(workspaces.map(|l| l.items), "workspaces")?,
        record,
        project,
    })
}

/// Reads all projects.
pub async fn all(client: &Client) -> Result<Vec<Project>, CliError> {
    let api: Api<Project> = Api::all(client.clone());
    let mut all = api
        .list(&ListParams::default())
        .await
        .map_err(CliError::api("reading projects"))?
        .items;
    all.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    Ok(all)
}
