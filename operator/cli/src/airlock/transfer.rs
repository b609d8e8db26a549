//! Whether a transfer to another environment would go on, as far as the person who asks for one may see what that depends on: said
//! before it is made (the machine's own rules are `sde_core::airlock::transfer`). Pure.

use jiff::Timestamp;
use sde_core::airlock::transfer::current;
use sde_crds::Project;
use sde_crds::airlock_request::{AirlockRequestSpec, TransferOfGrant};
use sde_crds::airlock_review::ReviewRole;
use sde_crds::airlock_status::SealedContent;
use sde_crds::policy::SdePolicySpec;
use sde_crds::project::ProjectSpec;

use crate::error::CliError;

/// What is known beside the request; none of what may not be seen.
pub struct Known<'a> {
    /// Who asks, as the API server knows them.
    pub me: &'a str,
    /// The project.
    pub project: Option<&'a Project>,
    /// The policy.
    pub policy: Option<&'a SdePolicySpec>,
}

/// Whether it would go on.
///
/// # Errors
/// [`CliError::Refused`] with what to do first.
pub fn check(of: &TransferOfGrant, known: &Known<'_>, now: Timestamp) -> Result<(), CliError> {
    let why = known
        .policy
        .and_then(|policy| of_asker(known.me, policy))
        .or_else(|| known.project.and_then(|p| of_project(of, known.me, p)))
        .or_else(|| known.policy.and_then(|policy| of_sde(of, policy, now)));
    why.map_or(Ok(()), |why| Err(CliError::Refused(why)))
}

fn of_asker(me: &str, policy: &SdePolicySpec) -> Option<String> {
    let Some(airlock) = &policy.airlock else {
        return Some(
            "the SdePolicy has no airlock part, so nobody reviews: the platform team must say who (spec.airlock)".to_owned(),
        );
    };
    let mut reviewers = airlock.reviewers.iter();
    let custodian = reviewers.any(|r| r.user == me && r.roles.contains(&ReviewRole::Custodian));
    (!custodian).then(|| {
        format!(
            "you are {me}, whom the SdePolicy does not name as Custodian (spec.airlock.reviewers), and a transfer is a custodian's act: a custodian must ask"
        )
    })
}

fn of_project(of: &TransferOfGrant, me: &str, project: &Project) -> Option<String> {
    let name = project.metadata.name.as_deref().unwrap_or_default();
    let status = project.status.as_ref();
    let approved = status
        .and_then(|s| s.approved.as_ref())
        .and_then(|a| serde_json::from_value::<ProjectSpec>(a.spec.clone()).ok());
    let present = &project.spec;
    let mut people = present.people.iter();
    let mut before = approved.iter().flat_map(|a| &a.people);
    if people.any(|p| p.user == me) || before.any(|p| p.user == me) {
        return Some(format!(
            "you are {me}, who is or was of project {name}, and its people transfer nothing of it: another custodian must ask"
        ));
    }
    let (grant, sde) = (&of.grant, &of.sde);
    if !grants(present, grant) {
        let all = present.datasets.iter().map(|d| d.name.as_str());
        return Some(format!(
            "project {name} has no dataset grant {grant}; it has {}",
            listed(all)
        ));
    }
    if !names(present, sde) {
        return Some(format!(
            "project {name} does not name {sde} in spec.setting.sdes: what goes to another environment is approved with the project, so add it there and have it approved"
        ));
    }
    let agreed = approved.is_some_and(|a| grants(&a, grant) && names(&a, sde));
    (!agreed).then(|| {
        format!(
            "that {grant} is granted and {sde} is named in spec.setting.sdes is not approved yet: kubectl sde status {name} says what waits"
        )
    })
}

fn grants(spec: &ProjectSpec, grant: &str) -> bool {
    spec.datasets.iter().any(|d| d.name == grant)
}

fn names(spec: &ProjectSpec, sde: &str) -> bool {
    let mut sdes = spec.setting.iter().flat_map(|s| s.sdes.iter().flatten());
    sdes.any(|name| name == sde)
}

fn of_sde(of: &TransferOfGrant, policy: &SdePolicySpec, now: Timestamp) -> Option<String> {
    let sde = &of.sde;
    let mut all = policy.third_party_sdes.iter().flatten();
    if !all.any(|s| s.name == *sde) {
        let all = policy.third_party_sdes.iter().flatten();
        return Some(format!(
            "the SdePolicy lists no environment {sde} (spec.thirdPartySdes); it lists {}",
            listed(all.map(|s| s.name.as_str()))
        ));
    }
    match current(policy, now).get(sde) {
        None => Some(format!(
            "the assessment of {sde} is over or dated ahead: the platform team puts a current one into spec.thirdPartySdes of the SdePolicy"
        )),
        Some(None) => Some(format!(
            "the SdePolicy holds no keys of {sde}: the platform team sets thirdPartySdes[].keys to those that it has published"
        )),
        Some(Some(_)) => None,
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// What goes to whom, for whoever confirms it; nothing of what is no transfer.
pub fn whither(spec: &AirlockRequestSpec, content: &SealedContent) -> String {
    match (&spec.transfer, &content.recipient) {
        (Some(of), Some(recipient)) => format!(
            ", of grant {}, encrypted to the keys {recipient} of {}",
            of.grant, of.sde
        ),
        _ => String::new(),
    }
}
