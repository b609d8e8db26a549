//! The parts of a project's view that take some thought. They decide as the controller does, with core's own functions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sde_core::approvals::{Decided, decide};
use sde_core::in_force::in_force;
use sde_core::labels::ProjectId;
use sde_core::project::required::required;
use sde_core::project::rules::{Facts, Judged, judge};
use sde_core::time;
use sde_crds::ProjectApproval;
use sde_crds::project::{Person, ProjectSpec};
use sde_crds::project_approval::{ApprovalRole, Decision};
use sde_crds::project_status::ProjectStatus;

use super::fetch::{Found, Seen};
use super::view::{
    Approvals, Approver, ClosingView, Data, PersonView, RoleState, RoleView, State, Void,
};

/// Fewest people for a closure, whatever the policy says (design §3).
const CLOSURE_APPROVERS: i64 = 2;

/// The project's name and UID.
pub fn id(found: &Found) -> ProjectId {
    let metadata = &found.project.metadata;
    ProjectId {
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
    }
}

/// Approvals of the spec: roles filled, missing, and what does not count.
pub fn approvals(
    found: &Found,
    status: &ProjectStatus,
    state: Option<State>,
    now: Timestamp,
) -> Approvals {
    let digest = status.spec_digest.clone();
    let approved_digest = status.approved.as_ref().map(|a| a.digest.clone());
    let mut view = Approvals {
        approved_digest: approved_digest.filter(|a| Some(a) != digest.as_ref()),
        digest,
        hidden: None,
        state,
        roles: Vec::new(),
        void: Vec::new(),
    };
    let all = match &found.approvals {
        Seen::Visible(all) => all,
        Seen::Hidden(why) => {
            view.hidden = Some(why.clone());
            return view;
        }
    };
    let of_spec: Vec<_> = all
        .iter()
        .filter(|a| a.spec.role != ApprovalRole::Closure)
        .cloned()
        .collect();
    let decided = decide(
        &id(found),
        &found.project.spec,
        view.digest.as_deref().unwrap_or_default(),
        &of_spec,
        now,
    );
    let policy = found.policy.get().and_then(Option::as_ref);
    let required: Vec<_> = policy
        .map(|p| required(&p.spec, &found.project.spec))
        .unwrap_or_default();
    view.roles = roles(
        &decided,
        &required,
        &of_spec,
        view.digest.as_deref().unwrap_or_default(),
    );
    view.void = void(&decided, &of_spec);
    // What approved the spec in force is history, not a mistake.
    let in_force = status.approved.as_ref().map(|a| a.digest.as_str());
    let historic = |name: &str| {
        of_spec.iter().any(|a| {
            a.metadata.name.as_deref() == Some(name)
                && Some(a.spec.digest.as_str()) == in_force
                && in_force != view.digest.as_deref()
        })
    };
    view.void.retain(|v| !historic(&v.name));
    view
}

fn roles(
    decided: &Decided,
    required: &[ApprovalRole],
    all: &[ProjectApproval],
    digest: &str,
) -> Vec<RoleView> {
    let missing = decided.missing(required);
    let mut roles: Vec<_> = required.to_vec();
    roles.extend(decided.approved.keys().chain(&decided.rejected));
    roles.sort_unstable();
    roles.dedup();
    roles
        .into_iter()
        .map(|role| {
            let people = decided.approved.get(&role);
            let state = match people {
                _ if decided.rejected.contains(&role) => RoleState::Rejected,
                Some(_) if missing.contains(&role) => RoleState::NeedsAnotherPerson,
                None => RoleState::Missing,
                Some(_) => RoleState::Approved,
            };
            let by = people
                .into_iter()
                .flatten()
                .filter_map(|user| approver(user, role, digest, all))
                .collect();
            RoleView {
                role: role.to_string(),
                state,
                by,
            }
        })
        .collect()
}

/// The longest-lasting approval of a person in a role.
fn approver(
    user: &str,
    role: ApprovalRole,
    digest: &str,
    all: &[ProjectApproval],
) -> Option<Approver> {
    let theirs = all.iter().filter(|a| {
        a.spec.approver == user
            && a.spec.role == role
            && a.spec.digest == digest
            && a.spec.decision == Decision::Approved
    });
    theirs.max_by_key(|a| a.spec.expires).map(|a| Approver {
        user: user.to_owned(),
        expires: a.spec.expires,
        at: a.metadata.creation_timestamp.as_ref().map(|t| t.0),
    })
}

fn void(decided: &Decided, all: &[ProjectApproval]) -> Vec<Void> {
    let of = |name: &str| {
        all.iter()
            .find(|a| a.metadata.name.as_deref() == Some(name))
    };
    decided
        .void
        .iter()
        .map(|(name, why)| Void {
            name: name.clone(),
            role: of(name)
                .map(|a| a.spec.role.to_string())
                .unwrap_or_default(),
            approver: of(name)
                .map(|a| a.spec.approver.clone())
                .unwrap_or_default(),
            why: why.clone(),
        })
        .collect()
}

/// People of the present spec: who may work today, and why the others may not, by core's own rules.
pub fn people(found: &Found, status: &ProjectStatus, now: Timestamp) -> Vec<PersonView> {
    let spec = &found.project.spec;
    let approved = status.approved.as_ref().and_then(|a| {
        let spec = serde_json::from_value::<ProjectSpec>(a.spec.clone()).ok()?;
        Some((spec, a.digest.as_str()))
    });
    let effective = approved.as_ref().map(|(a, _)| in_force(a, spec));
    let id = id(found);
    let judged = approved
        .as_ref()
        .zip(effective.as_ref())
        .and_then(|((a, digest), spec)| {
            let policy = found.policy.get()?.as_ref()?;
            let approvals = found.approvals.get()?;
            Some(judge(&Facts {
                project: &id.name,
                spec,
                present: &found.project.spec,
                policy: &policy.spec,
                // No rule about a person looks at a Dataset.
                datasets: &BTreeMap::new(),
                approvers: &decide(&id, a, digest, approvals, now).approvers(),
                today: time::today(now),
            }))
        });
    spec.people
        .iter()
        .map(|person| {
            let why = excluded(person, effective.as_ref(), judged.as_ref());
            PersonView {
                user: person.user.clone(),
                organisation: person.organisation.clone(),
                roles: person.roles.iter().map(|r| format!("{r:?}")).collect(),
                approved: why.is_none(),
                why,
            }
        })
        .collect()
}

fn excluded(
    person: &Person,
    effective: Option<&ProjectSpec>,
    judged: Option<&Judged>,
) -> Option<String> {
    let Some(spec) = effective else {
        return Some("waits for the project's approval".to_owned());
    };
    let Some(person) = spec.people.iter().find(|p| p.user == person.user) else {
        return Some("was added after the last approval: waits for approval".to_owned());
    };
    match judged {
        None => Some("not known: the SdePolicy or the approvals cannot be seen".to_owned()),
        Some(judged) => judged
            .excludes(&person.user, &person.organisation)
            .map(|f| f.text.clone()),
    }
}

/// The data: grants in force, and those that wait.
pub fn data(spec: &ProjectSpec, status: &ProjectStatus, state: Option<State>) -> Data {
    let grants = status.datasets.clone().unwrap_or_default();
    let waiting = spec
        .datasets
        .iter()
        .filter(|g| !grants.iter().any(|s| s.name == g.name));
    Data {
        state,
        waiting: waiting
            .map(|g| (g.name.clone(), g.dataset.clone()))
            .collect(),
        grants,
    }
}

/// The closure.
pub fn closing(
    found: &Found,
    status: &ProjectStatus,
    state: Option<State>,
    now: Timestamp,
) -> Option<ClosingView> {
    let closing = status.closing.clone()?;
    let all = found.approvals.get().cloned().unwrap_or_default();
    let of_closure: Vec<_> = all
        .into_iter()
        .filter(|a| a.spec.role == ApprovalRole::Closure)
        .collect();
    let digest = closing.inventory_digest.clone().unwrap_or_default();
    let decided = decide(&id(found), &found.project.spec, &digest, &of_closure, now);
    let policy = found.policy.get().and_then(Option::as_ref);
    Some(ClosingView {
        requested_at: closing.requested_at.0,
        state,
        steps: closing.steps,
        inventory_digest: closing.inventory_digest,
        inventory: closing.inventory.unwrap_or_default(),
        approved_by: decided
            .approved
            .get(&ApprovalRole::Closure)
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        approvers_needed: policy.map(|p| p.spec.approvals.closure_approvers.max(CLOSURE_APPROVERS)),
        void: void(&decided, &of_closure),
    })
}
