//! Safe people: no access before both the person and the organisation are assessed and approved, and none after
//! either lapses (R34-R44, R65, R78).

use jiff::ToSpan as _;
use jiff::civil::Date;
use sde_crds::evidence::{BreachHistory, Severity, TrackRecord};
use sde_crds::policy_lists::Requirement;
use sde_crds::project::{Organisation, Person, Sector};

use super::facts::{Facts, Out, Subject};
use super::{Rule, Who};
use crate::conditions::types;

/// Days for which a look-up of breaches counts when the policy does not say (R40).
const BREACH_CHECK_DAYS: i64 = 90;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "organisation-listed",
        rows: "R35",
        checks: "every person's organisation is listed and in force",
        who: Who::Custodian,
        condition: types::PEOPLE_APPROVED,
        reason: "OrganisationNotApproved",
        acts: true,
        check: organisation_listed,
    },
    Rule {
        id: "organisation-approval",
        rows: "R34, R35",
        checks: "the holder's approval of each organisation is current",
        who: Who::Custodian,
        condition: types::ORGANISATIONS_APPROVED,
        reason: "OrganisationApprovalExpired",
        acts: true,
        check: organisation_approval,
    },
    Rule {
        id: "organisation-assessment",
        rows: "R34, R35",
        checks: "the assessment of each organisation is there and current",
        who: Who::Organisation,
        condition: types::ORGANISATIONS_APPROVED,
        reason: "OrganisationNotAssessed",
        acts: true,
        check: organisation_assessment,
    },
    Rule {
        id: "processing-roles",
        rows: "R65",
        checks: "each organisation's part in processing and its contract are stated, the contract current",
        who: Who::Organisation,
        condition: types::ORGANISATIONS_APPROVED,
        reason: "ProcessingRoleMissing",
        acts: true,
        check: processing_roles,
    },
    Rule {
        id: "prohibited-sector",
        rows: "R44",
        checks: "no insurer and no marketing organisation with NHS data",
        who: Who::Custodian,
        condition: types::ORGANISATIONS_APPROVED,
        reason: "ProhibitedSector",
        acts: true,
        check: prohibited_sector,
    },
    Rule {
        id: "person-training",
        rows: "R78",
        checks: "each person's training is current",
        who: Who::Custodian,
        condition: types::PEOPLE_APPROVED,
        reason: "TrainingExpired",
        acts: true,
        check: person_training,
    },
    Rule {
        id: "person-assessment",
        rows: "R34, R35, R38",
        checks: "the assessment of each person is there and current",
        who: Who::Organisation,
        condition: types::PEOPLE_APPROVED,
        reason: "PersonNotAssessed",
        acts: true,
        check: person_assessment,
    },
    Rule {
        id: "track-record",
        rows: "R36, R37",
        checks: "the track record of people and organisations is stated, and scrutiny beyond the usual where it is not established",
        who: Who::Organisation,
        condition: types::PEOPLE_APPROVED,
        reason: "TrackRecordMissing",
        acts: true,
        check: track_record,
    },
    Rule {
        id: "breach-check",
        rows: "R40",
        checks: "breaches of people and organisations were looked up, not too long ago",
        who: Who::Custodian,
        condition: types::PEOPLE_APPROVED,
        reason: "BreachCheckMissing",
        acts: true,
        check: breach_check,
    },
    Rule {
        id: "serious-breach",
        rows: "R41, R42",
        checks: "nobody with a serious history, unless two people carry a current exception",
        who: Who::Organisation,
        condition: types::PEOPLE_APPROVED,
        reason: "SeriousBreachHistory",
        acts: true,
        check: serious_breach,
    },
];

fn of(organisation: &Organisation) -> Subject {
    Subject::Organisation(organisation.name.clone())
}

fn whom(person: &Person) -> Subject {
    Subject::Person(person.user.clone())
}

fn organisation_listed(facts: &Facts<'_>, out: &mut Out) {
    out.look();
    for person in &facts.spec.people {
        let known = facts
            .spec
            .organisations
            .iter()
            .any(|o| o.name == person.organisation);
        if !known {
            let text = format!(
                "organisation {} of {} is not approved: have the spec approved with it.",
                person.organisation, person.user
            );
            out.refuse(&whom(person), text);
        }
    }
}

fn organisation_approval(facts: &Facts<'_>, out: &mut Out) {
    for o in &facts.spec.organisations {
        let what = format!("approval of organisation {}", o.name);
        out.until(&of(o), &what, o.approval.expires, "renew it");
    }
}

fn organisation_assessment(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::OrganisationAssessment);
    for o in &facts.spec.organisations {
        let what = format!("assessment of organisation {}", o.name);
        let renew = "assess it and set organisations[].assessment";
        out.demanded(&of(o), &what, o.assessment.as_ref(), demanded, renew);
    }
}

fn processing_roles(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::ProcessingRoles);
    for o in &facts.spec.organisations {
        if demanded && o.gdpr_role.is_none() {
            let text = format!(
                "organisation {}: its part in processing is not stated: set organisations[].gdprRole.",
                o.name
            );
            out.refuse(&of(o), text);
        }
        let what = format!("contract with organisation {}", o.name);
        let renew = "set organisations[].contract";
        out.demanded(&of(o), &what, o.contract.as_ref(), demanded, renew);
    }
}

fn prohibited_sector(facts: &Facts<'_>, out: &mut Out) {
    out.look();
    // A Dataset that does not say is taken to hold NHS data.
    let nhs: Vec<&str> = facts
        .granted()
        .filter(|(_, d)| d.nhs_data != Some(false))
        .map(|(name, _)| name)
        .collect();
    for o in &facts.spec.organisations {
        if matches!(o.sector, Sector::Insurance | Sector::Marketing) && !nhs.is_empty() {
            let text = format!(
                "Organisation {} is in {:?} and {} holds NHS data or does not say: leave the organisation out, or the data; where it holds none, say so with nhsData: false in the Dataset.",
                o.name,
                o.sector,
                nhs.join(", ")
            );
            out.refuse(&Subject::Project, text);
        }
    }
}

fn person_training(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::TrainingEvidence);
    for p in &facts.spec.people {
        let what = format!("training of {}", p.user);
        out.until(&whom(p), &what, p.training.expires, "renew it");
        let renew = "set people[].training.evidence";
        let certificate = format!("certificate of the {what}");
        out.demanded(
            &whom(p),
            &certificate,
            p.training.evidence.as_ref(),
            demanded,
            renew,
        );
    }
}

fn person_assessment(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::PersonAssessment);
    for p in &facts.spec.people {
        let what = format!("assessment of {}", p.user);
        let renew = "assess the person and set people[].assessment";
        out.demanded(&whom(p), &what, p.assessment.as_ref(), demanded, renew);
    }
}

fn track_record(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::TrackRecord);
    let people = facts
        .spec
        .people
        .iter()
        .map(|p| (whom(p), &p.user, p.track_record, &p.additional_scrutiny));
    let organisations = facts
        .spec
        .organisations
        .iter()
        .map(|o| (of(o), &o.name, o.track_record, &o.additional_scrutiny));
    for (subject, name, record, scrutiny) in people.chain(organisations) {
        match record {
            None if demanded => out.refuse(
                &subject,
                format!("track record of {name} is not stated: set trackRecord."),
            ),
            None => {}
            Some(record) => out.demanded(
                &subject,
                &format!("scrutiny beyond the usual of {name}"),
                scrutiny.as_ref(),
                record != TrackRecord::Established,
                "set additionalScrutiny",
            ),
        }
    }
}

/// Histories of people and organisations.
fn histories<'a>(
    facts: &'a Facts<'_>,
) -> impl Iterator<Item = (Subject, &'a str, Option<&'a BreachHistory>)> {
    let people = facts
        .spec
        .people
        .iter()
        .map(|p| (whom(p), p.user.as_str(), p.breach_history.as_ref()));
    let organisations = facts
        .spec
        .organisations
        .iter()
        .map(|o| (of(o), o.name.as_str(), o.breach_history.as_ref()));
    people.chain(organisations)
}

fn breach_check(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::BreachHistory);
    let days = facts.policy.breach_check_days.unwrap_or(BREACH_CHECK_DAYS);
    for (subject, name, history) in histories(facts) {
        let renew = "look it up and set breachHistory";
        match history {
            None if demanded => out.refuse(
                &subject,
                format!("breach history of {name} is missing, also where there is none: {renew}."),
            ),
            None => {}
            Some(history) if history.checked_at > facts.today => out.refuse(
                &subject,
                format!(
                    "breach history of {name} was looked up on {}, which is to come: correct it.",
                    history.checked_at
                ),
            ),
            Some(history) => {
                let last = history
                    .checked_at
                    .checked_add(days.days())
                    .unwrap_or(Date::MIN);
                let what = format!("look-up of breaches of {name}");
                out.until(&subject, &what, last, renew);
            }
        }
    }
}

fn serious_breach(facts: &Facts<'_>, out: &mut Out) {
    for (subject, name, history) in histories(facts) {
        let Some(history) = history else { continue };
        out.look();
        if history.severity != Severity::Serious {
            continue;
        }
        let Some(exception) = &history.exception else {
            let text = format!("a history of serious breach is known of {name}: leave it out.");
            out.refuse(&subject, text);
            continue;
        };
        let what = format!("exception for {name}");
        if exception.evidence.expires.is_none() {
            out.refuse(
                &subject,
                format!("{what} has no end: set evidence.expires."),
            );
        }
        out.evidence(
            &subject,
            &what,
            &exception.evidence,
            "leave it out, or consider it again",
        );
        let mut carry: Vec<&String> = exception.approvers.iter().collect();
        carry.sort();
        carry.dedup();
        let absent: Vec<&str> = carry
            .iter()
            .filter(|a| !facts.approvers.contains(**a))
            .map(|a| a.as_str())
            .collect();
        if carry.len() < 2 || !absent.is_empty() {
            let text = format!(
                "{what} must be carried by two people who approve this very spec; {}: have them approve it.",
                match absent.as_slice() {
                    [] => "fewer are named".to_owned(),
                    some => format!("not yet by {}", some.join(", ")),
                }
            );
            out.refuse(&subject, text);
        }
    }
}
