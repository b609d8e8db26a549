//! Who is played: each identity of the catalogue by a user name that this cluster knows.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::names::HUB_SERVICE_ACCOUNT;
use sde_crds::{Project, ProjectApproval};
use sde_redteam::ask::Asker;
use sde_redteam::attacked::Place;
use sde_redteam::catalogue::Request;
use sde_redteam::controls::NOBODY;
use sde_redteam::judge::Told;
use sde_redteam::words::Words;
use serde_json::json;

use crate::error::CliError;
use crate::out;

/// An error of the red team's own parts.
pub(super) fn ours(error: impl std::fmt::Display) -> CliError {
    CliError::Refused(error.to_string())
}

/// Everybody who can be played. That the impersonation itself works is asked first: it must not pass for a refusal of the attack.
pub(super) async fn played(
    client: &Client,
    place: &Place,
) -> Result<BTreeMap<&'static str, Asker>, CliError> {
    let projects = Api::<Project>::all(client.clone())
        .list(&ListParams::default())
        .await
        .map_err(CliError::api("listing projects"))?
        .items;
    let approvals = Api::<ProjectApproval>::all(client.clone())
        .list(&ListParams::default())
        .await
        .map_err(CliError::api("listing approvals"))?
        .items;
    let mut askers = BTreeMap::new();
    for (identity, user) in users(place, &projects, &approvals) {
        let asker = Asker {
            client: client.clone(),
            user: Some(user.clone()),
        };
        match asker.ask(&who_am_i(), &Words::new()).await.told {
            Told::Reached(_) => {
                askers.insert(identity, asker);
            }
            other => out::note(&format!(
                "{identity} is left out: {user} cannot be impersonated ({})",
                other.line()
            )),
        }
    }
    Ok(askers)
}

fn who_am_i() -> Request {
    Request {
        method: "POST".to_owned(),
        path: "/apis/authentication.k8s.io/v1/selfsubjectreviews".to_owned(),
        body: json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}),
        impersonate: None,
    }
}

/// User names by identity. The stranger is of another project, or nobody whom the cluster knows.
fn users(
    place: &Place,
    projects: &[Project],
    approvals: &[ProjectApproval],
) -> BTreeMap<&'static str, String> {
    let named = |p: &&Project| p.metadata.name.as_ref() == Some(&place.project);
    let own = projects.iter().find(named);
    let members: BTreeSet<&str> = own
        .iter()
        .flat_map(|p| p.spec.people.iter().map(|person| person.user.as_str()))
        .collect();
    let stranger = projects
        .iter()
        .flat_map(|p| &p.spec.people)
        .map(|person| person.user.as_str())
        .find(|user| !members.contains(user));
    let mut users = BTreeMap::from([
        ("member", place.person.clone()),
        ("stranger", stranger.unwrap_or(NOBODY).to_owned()),
        (
            "hub",
            format!("system:serviceaccount:sde-hub:{HUB_SERVICE_ACCOUNT}"),
        ),
    ]);
    users.extend(own.map(|p| ("custodian-a", p.spec.submitted_by.clone())));
    let approvers: BTreeSet<&str> = approvals
        .iter()
        .filter(|a| a.spec.project == place.project)
        .map(|a| a.spec.approver.as_str())
        .collect();
    for (identity, user) in ["approver-a", "approver-b"].into_iter().zip(approvers) {
        users.insert(identity, user.to_owned());
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn everybody_is_somebody_else() {
        let project: Project = fixtures::project();
        let place = Place {
            project: project.metadata.name.clone().unwrap_or_default(),
            namespace: "n".to_owned(),
            workspace: "w".to_owned(),
            system: "sde-system".to_owned(),
            person: project.spec.people[0].user.clone(),
        };
        let users = users(&place, std::slice::from_ref(&project), &[]);
        assert_eq!(users["member"], project.spec.people[0].user);
        assert_eq!(users["stranger"], NOBODY);
        assert_eq!(users["custodian-a"], project.spec.submitted_by);
        assert!(!users.contains_key("approver-a"));
        let distinct: BTreeSet<&String> = users.values().collect();
        assert_eq!(distinct.len(), users.len());
    }
}
