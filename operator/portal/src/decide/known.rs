//! What is known beside a request when somebody decides on it: the policy, the project's people, what was released before.

use futures::future::join3;
use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::airlock_review::ReviewRole;
use sde_crds::names::{POLICY_NAME, project_namespace};
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::policy_lists::ThirdPartySde;
use sde_crds::{AirlockRequest, Project, SdePolicy};

use super::seen;
use crate::error::PageError;

/// One request and what is around it, as far as the person may see it.
pub struct Known {
    /// The request.
    pub request: AirlockRequest,
    /// The airlock's part of the policy.
    pub policy: Option<AirlockPolicy>,
    /// People of the project.
    pub members: Vec<String>,
    /// The project's other requests.
    pub others: Vec<AirlockRequest>,
    /// The environment to which a transfer goes, as the policy lists it.
    pub sde: Option<ThirdPartySde>,
}

/// Reads it as the person.
///
/// # Errors
/// When the request cannot be read.
pub async fn read(client: &Client, project: &str, name: &str) -> Result<Known, PageError> {
    let requests: Api<AirlockRequest> =
        Api::namespaced(client.clone(), &project_namespace(project));
    let policies: Api<SdePolicy> = Api::all(client.clone());
    let projects: Api<Project> = Api::all(client.clone());
    let every = ListParams::default();
    let (all, policy, of) = join3(
        requests.list(&every),
        policies.get_opt(POLICY_NAME),
        projects.get_opt(project),
    )
    .await;
    let mut all = all
        .map_err(PageError::api(format!(
            "reading the requests of project {project}"
        )))?
        .items;
    let at = all
        .iter()
        .position(|r| r.metadata.name.as_deref() == Some(name))
        .ok_or(PageError::NoPage)?;
    let request = all.swap_remove(at);
    let policy = seen(policy, "reading the policy")?.flatten();
    let of = seen(of, "reading the project")?.flatten();
    let policy = policy.map(|p| p.spec);
    let sde = policy.as_ref().and_then(|p| {
        let to = &request.spec.transfer.as_ref()?.sde;
        let mut listed = p.third_party_sdes.iter().flatten();
        listed.find(|s| s.name == *to).cloned()
    });
    let people = of.into_iter().flat_map(|p| p.spec.people);
    Ok(Known {
        request,
        policy: policy.and_then(|p| p.airlock),
        members: people.map(|p| p.user).collect(),
        others: all,
        sde,
    })
}

impl Known {
    /// Roles that the policy gives somebody; all of them where it cannot be seen.
    pub fn roles(&self, me: &str) -> Vec<ReviewRole> {
        use ReviewRole::{Custodian, MachineLearning, OutputChecker, Senior};
        let Some(policy) = &self.policy else {
            return vec![OutputChecker, Senior, MachineLearning, Custodian];
        };
        let mine = policy.reviewers.iter().filter(|r| r.user == me);
        mine.flat_map(|r| r.roles.clone()).collect()
    }

    /// Why somebody decides nothing here; none when they may.
    pub fn conflict(&self, me: &str) -> Option<&'static str> {
        let status = self.request.status.as_ref();
        let before = status.and_then(|s| s.insiders.as_ref());
        let insider = before.is_some_and(|all| all.iter().any(|i| i == me))
            || self.members.iter().any(|m| m == me);
        if self.request.spec.requester == me {
            Some("You asked for this yourself, and nobody reviews their own: another person must.")
        } else if insider {
            Some(
                "You are of the project, or were while this request lived, and its people review nothing in it: somebody else must.",
            )
        } else if self.roles(me).is_empty() {
            Some(
                "The SdePolicy gives you no role of a reviewer, so nothing you said would count. If it should, ask your platform team.",
            )
        } else {
            None
        }
    }
}
