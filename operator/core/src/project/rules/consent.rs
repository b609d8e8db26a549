//! Safe data: the declared use fits the Datasets' terms, and what is granted is what was approved (R21, R31, R33, R43, R51).

use std::collections::BTreeSet;

use sde_crds::declarations::DeclaredUse;
use sde_crds::policy_lists::Requirement;
use sde_crds::project::Sector;

use super::facts::{Facts, Out, Subject::Project};
use super::{Rule, Who};
use crate::conditions::types;
use crate::project::duo::{self, Asked};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "declared-use",
        rows: "R21, R51",
        checks: "the Project says what the data is used for",
        who: Who::Custodian,
        condition: types::CONSENT_MATCHED,
        reason: "UseNotDeclared",
        acts: true,
        check: declared_use,
    },
    Rule {
        id: "consent",
        rows: "R21, R43, R51",
        checks: "the declared use fits the Data Use Ontology terms of every Dataset",
        who: Who::Custodian,
        condition: types::CONSENT_MATCHED,
        reason: "ConsentMismatch",
        acts: true,
        check: consent,
    },
    Rule {
        id: "collaboration",
        rows: "R21",
        checks: "a collaboration that the use rests on is current",
        who: Who::Organisation,
        condition: types::CONSENT_MATCHED,
        reason: "CollaborationExpired",
        acts: true,
        check: collaboration,
    },
    Rule {
        id: "bound-data",
        rows: "R31, R33",
        checks: "each grant copies the Dataset's manifestDigest, so that the approval binds its bytes",
        who: Who::Custodian,
        condition: types::MINIMISED,
        reason: "DataNotAsApproved",
        acts: true,
        check: bound_data,
    },
];

fn declared_use(facts: &Facts<'_>, out: &mut Out) {
    if facts.spec.declared_use.is_none() && facts.requires(Requirement::DeclaredUse) {
        let text = "declaredUse is missing, so the Datasets' terms cannot be matched: set it.";
        out.refuse(&Project, text);
    }
}

fn consent(facts: &Facts<'_>, out: &mut Out) {
    let Some(declared) = &facts.spec.declared_use else {
        return;
    };
    out.look();
    let asked = asked(facts, declared);
    for (name, dataset) in facts.granted() {
        for why in duo::refusals(&dataset.duo, dataset.data_use.as_ref(), &asked) {
            let text = format!(
                "The use does not fit the terms of Dataset {name}: {why}. Change declaredUse or leave the Dataset out."
            );
            out.refuse(&Project, text);
        }
    }
}

fn asked<'a>(facts: &'a Facts<'_>, declared: &'a DeclaredUse) -> Asked<'a> {
    let spec = facts.spec;
    let organisations = spec.organisations.iter();
    let countries: BTreeSet<&str> = organisations
        .clone()
        .map(|o| &o.country)
        .chain(spec.people.iter().flat_map(|p| &p.access_from))
        .map(String::as_str)
        .collect();
    Asked {
        project: facts.project,
        declared,
        organisations: organisations.clone().map(|o| o.name.as_str()).collect(),
        not_for_profit: organisations.clone().all(|o| {
            !matches!(
                o.sector,
                Sector::Commercial | Sector::Insurance | Sector::Marketing
            )
        }),
        users: spec.people.iter().map(|p| p.user.as_str()).collect(),
        countries: countries.into_iter().collect(),
        ethics: spec.purpose.ethics.required && spec.purpose.ethics.reference.is_some(),
        starts: spec.schedule.starts,
        expires: spec.schedule.expires,
    }
}

fn collaboration(facts: &Facts<'_>, out: &mut Out) {
    let agreement = facts
        .spec
        .declared_use
        .as_ref()
        .and_then(|u| u.collaboration.as_ref());
    let renew = "renew it, update declaredUse.collaboration and have it approved";
    out.demanded(&Project, "collaboration", agreement, false, renew);
}

fn bound_data(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::BoundData);
    for grant in &facts.spec.datasets {
        out.look();
        let Some(dataset) = facts.datasets.get(&grant.dataset) else {
            continue;
        };
        match &grant.manifest_digest {
            Some(digest) if *digest == dataset.manifest_digest => {}
            Some(_) => out.refuse(
                &Project,
                format!("Grant {}: Dataset {} is of other bytes than the grant's manifestDigest: approve the new ones, or correct it.", grant.name, grant.dataset),
            ),
            None if demanded => out.refuse(
                &Project,
                format!("Grant {}: copy the manifestDigest of Dataset {}, so that the approval binds its bytes.", grant.name, grant.dataset),
            ),
            None => {}
        }
    }
}
