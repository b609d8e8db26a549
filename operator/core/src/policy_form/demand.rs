//! What a tier makes of what was found: whether its Projects may be open, and how old the finding may be.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sde_crds::policy::{PolicyForm, ProbePolicy, SdePolicySpec};
use sde_crds::project_status::{FoundForm, PoliciesFound};

use crate::conditions::{Conditions, Status, types};
use crate::policy_form::answer::Round;
use crate::project::rules::Who;
use crate::rejection::Rejection;
use crate::time;

/// How old a finding may be, in seconds, when it is to be asked for before a Workspace opens.
pub const FRESH_SECONDS: i64 = 20;
/// How old it may be by the time that it decides on that.
const OPENING_SECONDS: i64 = 60;
/// First and longest wait, in seconds, until it is asked again while what was found is not enough.
const RETRY_SECONDS: (i64, i64) = (5, 60);

/// Reason: the policies refuse, as objects of the API alone.
pub const STATIC_FORM_MISSING: &str = "StaticFormMissing";
/// Reason: something that a policy must refuse was not refused.
pub const POLICIES_MISSING: &str = "PoliciesMissing";
/// Reason: it cannot be found out.
pub const POLICIES_UNKNOWN: &str = "PoliciesUnknown";

/// What a tier asks for.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    tier: &'a str,
    form: PolicyForm,
    probe: &'a ProbePolicy,
}

/// Where a tier stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Found on every API server.
    Found(FoundForm),
    /// The last attempt said nothing; an earlier one that found the static form is not too old yet.
    Held,
    /// Not known, and why.
    Unknown(String),
}

impl<'a> Demand<'a> {
    /// Of a tier. A tier that is not in the policy asks for nothing: its Projects are shut for that.
    pub fn of(policy: &'a SdePolicySpec, tier: &'a str) -> Self {
        let found = policy.tiers.iter().find(|t| t.name == tier);
        Self {
            tier,
            form: found.and_then(|t| t.policy_form).unwrap_or_default(),
            probe: &policy.probe,
        }
    }

    /// Whether it asks for the static form.
    pub fn is_static(&self) -> bool {
        self.form == PolicyForm::Static
    }

    /// Where it stands. As with the proof of the lock, an older finding holds until the deadline after the next was due.
    pub fn standing(
        &self,
        round: Option<&Round>,
        previous: Option<&PoliciesFound>,
        now: Timestamp,
    ) -> Standing {
        let limit = self.probe.standing_seconds + self.probe.inconclusive_deadline_seconds;
        let why = match judged(round, limit, now) {
            Ok(form) => return Standing::Found(form),
            // One API server without the form is enough to get round it, whatever the others say.
            Err(_) if self.is_static() && round.is_some_and(Round::refutes_static) => {
                return Standing::Found(FoundForm::Api);
            }
            Err(why) => why,
        };
        let held = previous
            .is_some_and(|p| p.form == FoundForm::Static && time::elapsed(&p.time, now) <= limit);
        if held {
            Standing::Held
        } else {
            Standing::Unknown(why)
        }
    }

    /// Why nothing of the tier may be open, if so.
    pub fn refuses(&self, standing: &Standing, round: Option<&Round>) -> Option<Rejection> {
        let shut = self.is_static()
            && !matches!(
                standing,
                Standing::Found(FoundForm::Static) | Standing::Held
            );
        let (_, reason, message) = self.told(standing, round)?;
        shut.then(|| Rejection::new(reason, message))
    }

    /// Why a Workspace of the tier may not open now, if so: what was found must be fresh.
    pub fn refuses_to_open(&self, round: Option<&Round>, now: Timestamp) -> Option<Rejection> {
        let standing = match judged(round, OPENING_SECONDS, now) {
            Ok(form) => Standing::Found(form),
            Err(why) => Standing::Unknown(why),
        };
        self.refuses(&standing, round)
    }

    /// Sets condition `PoliciesEnforced`.
    pub fn set(&self, standing: &Standing, round: Option<&Round>, conditions: &mut Conditions<'_>) {
        match self.told(standing, round) {
            Some((status, reason, message)) => {
                conditions.set(types::POLICIES_ENFORCED, status, reason, message);
            }
            // Held: as it was said before.
            None => {
                conditions.keep(types::POLICIES_ENFORCED);
            }
        }
    }

    fn told(
        &self,
        standing: &Standing,
        round: Option<&Round>,
    ) -> Option<(Status, &'static str, String)> {
        let tier = self.tier;
        let who = |rest: String| format!("{rest} [policy-form, R2: {}]", Who::Platform);
        let (policies, servers) = match (standing, round) {
            (Standing::Found(form), Some(round)) => round.found(*form),
            _ => (Vec::new(), Vec::new()),
        };
        let (policies, at) = (policies.join(", "), servers.join(", "));
        Some(match standing {
            Standing::Held => return None,
            Standing::Found(FoundForm::Static) => (
                Status::True,
                "StaticForm",
                "The policies refuse from the disks of the API servers: nobody takes them away through the API.".to_owned(),
            ),
            Standing::Found(FoundForm::Api) if self.is_static() => (
                Status::False,
                STATIC_FORM_MISSING,
                who(format!("Tier {tier} asks for policies on the API servers' own disks, and {at} refuses by objects of the API alone. Put policies/static there, as the documentation says under Policies, or choose another tier. It is asked again within a minute.")),
            ),
            Standing::Found(FoundForm::Api) => (
                Status::True,
                "ApiForm",
                "The policies refuse, as objects of the API: whoever may delete those can take them away. The tier asks for no more.".to_owned(),
            ),
            Standing::Found(FoundForm::Missing) => (
                Status::False,
                POLICIES_MISSING,
                who(format!("Not refused at {at}, although a policy must: see {policies}. Upgrade the chart, which installs policies and bindings; kubectl sde doctor says which are missing.")),
            ),
            Standing::Unknown(why) => (
                Status::Unknown,
                POLICIES_UNKNOWN,
                who(format!("It is not known whether the policies are in force: {why}. It is asked again within a minute.")),
            ),
        })
    }

    /// Seconds for which what was found last is enough.
    pub fn max_age(&self, last: &Round) -> i64 {
        let enough = match last.form() {
            Ok(FoundForm::Static) => true,
            Ok(FoundForm::Api) => !self.is_static(),
            Ok(FoundForm::Missing) | Err(_) => false,
        };
        if enough {
            return self.probe.standing_seconds;
        }
        let (first, longest) = RETRY_SECONDS;
        (first << last.failures.saturating_sub(1).min(5)).min(longest)
    }

    /// Seconds until it is to be asked again; at once when it never was.
    pub fn due(&self, round: Option<&Round>, now: Timestamp) -> i64 {
        round.map_or(0, |round| {
            (self.max_age(round) - time::elapsed(&Time(round.at), now)).max(0)
        })
    }
}

/// The form that a round found, if the round is no older than so many seconds.
fn judged(round: Option<&Round>, limit: i64, now: Timestamp) -> Result<FoundForm, String> {
    let round = round.ok_or("the API server was not asked yet")?;
    if time::elapsed(&Time(round.at), now) > limit {
        return Err("the API server was last asked too long ago".to_owned());
    }
    round.form()
}

/// What the status keeps: the last finding, its time brought up to date once a scheduled time, so that the status does not
/// change with every Workspace that opens.
pub fn kept(
    demand: &Demand<'_>,
    standing: &Standing,
    round: Option<&Round>,
    previous: Option<&PoliciesFound>,
) -> Option<PoliciesFound> {
    let (Standing::Found(form), Some(round)) = (standing, round) else {
        return previous.cloned();
    };
    let recent = |p: &&PoliciesFound| {
        p.form == *form && time::elapsed(&p.time, round.at) < demand.probe.standing_seconds
    };
    let found = PoliciesFound {
        form: *form,
        time: time::seconds(round.at),
        servers: i64::try_from(round.servers.len()).unwrap_or(i64::MAX),
    };
    Some(previous.filter(recent).cloned().unwrap_or(found))
}
