//! Which step comes next.

use crate::airlock::ending::{afterwards, end, ended};
use crate::airlock::observe::{Observed, Standing};
use crate::airlock::phases;
use crate::airlock::serving;
use crate::airlock::step::{Step, Who};

/// Names the next step.
pub fn next(observed: &Observed) -> Step {
    let phase = observed.status().phase;
    if ended(phase) || observed.deleted() {
        return afterwards(observed);
    }
    // What ends a request acts before anything else, and although the project is shut or the policy gone: it only locks.
    if let Some(end) = end(observed) {
        return end;
    }
    match (&observed.project, &observed.policy) {
        (None, _) => Step::wait(
            "ProjectUnknown",
            Who::Platform,
            "This namespace belongs to no Project: make requests in the namespace of an open Project.",
        ),
        (Some(project), _) if let Standing::Shut(why) = &project.standing => {
            serving::stop(observed).unwrap_or_else(|| {
                Step::wait(
                    "ProjectNotOpen",
                    Who::Custodian,
                    format!("The Project is not open, so nothing moves. {}", why.message),
                )
            })
        }
        (_, None) => Step::wait(
            "AirlockPolicyMissing",
            Who::Platform,
            "The SdePolicy has no airlock part: the platform team must say who reviews (spec.airlock).",
        ),
        (Some(project), Some(policy)) => phases::step(observed, project, policy, phase),
    }
}
