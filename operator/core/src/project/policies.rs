//! `PoliciesEnforced` of a Project: what the API servers did with requests that the admission policies must refuse (R2).

use std::time::Duration;

use sde_crds::project_status::ProjectStatus;

use crate::conditions::Conditions;
use crate::policy_form::Demand;
use crate::policy_form::demand::{POLICIES_MISSING, POLICIES_UNKNOWN, STATIC_FORM_MISSING, kept};
use crate::project::observe::Observed;
use crate::project::validate::{State, Validation};
use crate::rejection::Rejection;

/// Sets the condition, keeps the finding, and says when it is to be asked again, if something rests on it.
pub fn policies(
    observed: &Observed,
    validation: &Validation,
    next: &mut ProjectStatus,
    conditions: &mut Conditions<'_>,
    look_again: &mut Duration,
) {
    let demand = match (&validation.state, observed.demand()) {
        (State::Open(of), Some(_)) => Demand::of(&of.policy, &of.spec.tier),
        (_, Some(demand)) => demand,
        (_, None) => return,
    };
    let round = observed.policy_form.as_ref();
    let previous = observed.policies_found();
    let standing = demand.standing(round, previous, observed.now);
    next.policies = kept(&demand, &standing, round, previous);
    demand.set(&standing, round, conditions);
    let rests = match &validation.state {
        State::Open(_) => true,
        State::Waiting(why) | State::Suspended(why) => why.iter().any(is_of_policies),
        State::Closing => false,
    };
    if rests {
        let due = demand.due(round, observed.now).unsigned_abs() + 1;
        *look_again = (*look_again).min(Duration::from_secs(due));
    }
}

/// Whether something is shut for want of the policies.
pub fn is_of_policies(why: &Rejection) -> bool {
    [STATIC_FORM_MISSING, POLICIES_MISSING, POLICIES_UNKNOWN].contains(&why.reason)
}
