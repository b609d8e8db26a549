//! What a request depends on beside itself, as far as the person who acts may see it.

use kube::{Api, Client};
use sde_crds::names::POLICY_NAME;
use sde_crds::{Project, SdePolicy};

use crate::error::{CliError, is_code};
use crate::out;

/// Project and SdePolicy, as far as this person may see them.
pub async fn around(
    client: &Client,
    project: &str,
    whether: &str,
) -> Result<(Option<Project>, Option<SdePolicy>), CliError> {
    let projects: Api<Project> = Api::all(client.clone());
    let policies: Api<SdePolicy> = Api::all(client.clone());
    let found = projects.get_opt(project).await;
    let project = seen(found, "the project", whether)?;
    let policy = seen(
        policies.get_opt(POLICY_NAME).await,
        "the SdePolicy",
        whether,
    )?;
    Ok((project, policy))
}

/// What this person may see; what they may not is not checked here, and that is said.
fn seen<T>(
    found: kube::Result<Option<T>>,
    what: &str,
    whether: &str,
) -> Result<Option<T>, CliError> {
    match found {
        Ok(found) => Ok(found),
        Err(error) if is_code(&error, 403) => {
            out::note(&format!(
                "You may not see {what}: whether this {whether} is not checked against it before it is made."
            ));
            Ok(None)
        }
        Err(error) => Err(CliError::api(format!("reading {what}"))(error)),
    }
}
