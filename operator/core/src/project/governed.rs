//! What people read of the rules: a condition a topic, what ends soon, and how much is asked for.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use sde_crds::policy_lists::{AdequacyScope, TransferPolicy};
use sde_crds::project::ProjectSpec;
use sde_crds::project_status::{Breadth, GrantBreadth, ProjectStatus, TransferIndicator};

use crate::conditions::{Conditions, Status, types};
use crate::project::observe::Observed;
use crate::project::rules::{Deadline, Found, Judged, Subject, abroad, adequacy, table};
use crate::project::validate::{State, Validation};
use crate::quantity;
use crate::time;

/// Reason of `Ready` and `EvidenceCurrent` when something ends within the days that SdePolicy says.
pub const EXPIRES_SOON: &str = "ExpiresSoon";
/// Days of warning when the policy does not say.
const WARN_DAYS: i64 = 30;
/// Sentences in one condition; the rest is counted.
const MOST: usize = 8;

/// Whether something ends soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soon {
    /// No.
    Nothing,
    /// Yes, as a sentence with dates.
    Ends(String),
}

/// `PeopleApproved`: who has no access, of themselves or of their organisation, and why.
pub fn people(validation: &Validation, conditions: &mut Conditions<'_>) {
    let judged = &validation.judged;
    let of_people = |f: &&Found| f.subject != Subject::Project && f.rule.acts;
    let why: Vec<&Found> = judged.found.iter().filter(of_people).collect();
    if let (Some(first), false) = (why.first(), validation.excluded.is_empty()) {
        let message = format!(
            "Without access: {}. {} Then have the spec approved.",
            validation.excluded.join(", "),
            sentences(why.iter().copied())
        );
        conditions.set(
            types::PEOPLE_APPROVED,
            Status::False,
            first.rule.reason,
            message,
        );
    } else if let State::Open(validated) = &validation.state {
        conditions.set(
            types::PEOPLE_APPROVED,
            Status::True,
            "Current",
            format!("Approved and current people: {}.", validated.people.len()),
        );
    }
}

/// The conditions of what is declared, what ends soon, and the breadth. Nothing is said without a policy.
pub fn declared(
    observed: &Observed,
    validation: &Validation,
    next: &mut ProjectStatus,
    conditions: &mut Conditions<'_>,
) -> Soon {
    let (Some(policy), false) = (&observed.policy, validation.judged.looked.is_empty()) else {
        return Soon::Nothing;
    };
    let present = &observed.project.spec;
    next.breadth = Some(breadth(observed));
    next.transfer_indicators = policy
        .transfers
        .as_ref()
        .map(|transfers| indicators(present, transfers))
        .filter(|list| !list.is_empty());
    let judged = &validation.judged;
    for condition in topics() {
        topic(judged, condition, conditions);
    }
    let warn_days = policy.warn_days.unwrap_or(WARN_DAYS);
    let soon = soon(&validation.deadlines, time::today(observed.now), warn_days);
    if judged.ended.is_empty() {
        match &soon {
            Soon::Nothing => conditions.set(
                types::EVIDENCE_CURRENT,
                Status::True,
                "Current",
                format!("Nothing that it rests on ends within {warn_days} days."),
            ),
            Soon::Ends(what) => {
                let message = what.clone();
                conditions.set(types::EVIDENCE_CURRENT, Status::True, EXPIRES_SOON, message);
            }
        }
    } else {
        let message = format!(
            "Over: {}. What that shuts is said in the other conditions.",
            ends(&judged.ended)
        );
        conditions.set(types::EVIDENCE_CURRENT, Status::False, "Expired", message);
    }
    soon
}

/// The conditions that rules show in, but `PeopleApproved`, in the order of the table.
fn topics() -> Vec<&'static str> {
    let mut topics = Vec::new();
    for rule in table() {
        if rule.condition != types::PEOPLE_APPROVED && !topics.contains(&rule.condition) {
            topics.push(rule.condition);
        }
    }
    topics
}

fn topic(judged: &Judged, condition: &'static str, conditions: &mut Conditions<'_>) {
    if let Some(first) = judged.of(condition).next() {
        let message = sentences(judged.of(condition));
        conditions.set(condition, Status::False, first.rule.reason, message);
    } else if judged.looked.contains(condition) {
        let message = "What is declared was checked, and nothing is wrong.";
        conditions.set(condition, Status::True, "Checked", message);
    } else {
        let message = "Nothing is declared, and neither the tier nor the SdePolicy asks for it.";
        conditions.set(condition, Status::Unknown, "NotAsked", message);
    }
}

fn sentences<'a>(found: impl Iterator<Item = &'a Found>) -> String {
    let all: Vec<String> = found.map(ToString::to_string).collect();
    shorten(&all, " ")
}

fn shorten(all: &[String], between: &str) -> String {
    let shown = all.iter().take(MOST).cloned().collect::<Vec<_>>();
    match all.len() - shown.len() {
        0 => shown.join(between),
        more => format!("{}{between}And {more} more.", shown.join(between)),
    }
}

fn soon(deadlines: &[Deadline], today: Date, warn_days: i64) -> Soon {
    let until = today.checked_add(warn_days.days()).unwrap_or(Date::MAX);
    let near: Vec<Deadline> = deadlines
        .iter()
        .filter(|d| d.last <= until)
        .cloned()
        .collect();
    if near.is_empty() {
        return Soon::Nothing;
    }
    Soon::Ends(format!(
        "Ends soon, and then shuts what rests on it: {}.",
        ends(&near)
    ))
}

fn ends(list: &[Deadline]) -> String {
    let all: Vec<String> = list
        .iter()
        .map(|d| format!("{} ({})", d.what, d.last))
        .collect();
    shorten(&all, "; ").trim_end_matches('.').to_owned()
}

/// How much the present spec asks for, and for whom (R31, R33).
fn breadth(observed: &Observed) -> Breadth {
    let spec = &observed.project.spec;
    let datasets: BTreeSet<&str> = spec.datasets.iter().map(|g| g.dataset.as_str()).collect();
    let size = datasets
        .iter()
        .filter_map(|name| observed.datasets.get(*name))
        .try_fold(quantity::from_milli(0), |sum, d| {
            quantity::add(&sum, &d.size)
        });
    let countries: BTreeSet<&String> = spec
        .organisations
        .iter()
        .map(|o| &o.country)
        .chain(spec.people.iter().flat_map(|p| &p.access_from))
        .collect();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Breadth {
        grants: spec
            .datasets
            .iter()
            .map(|g| GrantBreadth {
                name: g.name.clone(),
                dataset: g.dataset.clone(),
                whole: g.sub_paths.is_none(),
                sub_paths: count(g.sub_paths.as_ref().map_or(0, Vec::len)),
                minimisation: g.minimisation.clone(),
            })
            .collect(),
        size_at_most: size.ok(),
        people: count(spec.people.len()),
        countries: countries.into_iter().cloned().collect(),
    }
}

/// What the lists say of the other countries (R72).
fn indicators(spec: &ProjectSpec, policy: &TransferPolicy) -> Vec<TransferIndicator> {
    let countries: BTreeSet<String> = abroad(spec, policy).into_iter().map(|(_, c)| c).collect();
    let lists = policy.indicators.as_ref();
    countries
        .into_iter()
        .map(|country| TransferIndicator {
            adequacy: match adequacy(policy, &country) {
                Some(AdequacyScope::Full) => "Full",
                Some(AdequacyScope::Partial) => "Partial",
                None => "None",
            }
            .to_owned(),
            positive: lists.is_some_and(|l| l.positive.contains(&country)),
            negative: lists.is_some_and(|l| l.negative.contains(&country)),
            country,
        })
        .collect()
}
