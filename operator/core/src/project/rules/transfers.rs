//! Access from abroad: a lawful basis for each organisation and country, sanctions, and lists that are fresh (R63-R74).

use std::collections::BTreeSet;

use sde_crds::declarations::{Transfer, TransferBasis};
use sde_crds::policy_lists::{AdequacyScope, Requirement, TransferPolicy};
use sde_crds::project::ProjectSpec;

use super::facts::{Facts, Out, Subject::Project};
use super::{Rule, Who};
use crate::conditions::types;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "transfer-lists",
        rows: "R63, R66",
        checks: "the SdePolicy says where the data is and lists other countries",
        who: Who::Platform,
        condition: types::TRANSFERS_LAWFUL,
        reason: "TransferListsMissing",
        acts: true,
        check: lists_there,
    },
    Rule {
        id: "sanctions",
        rows: "R73",
        checks: "no country, organisation or further recipient is under sanctions",
        who: Who::Custodian,
        condition: types::TRANSFERS_LAWFUL,
        reason: "SanctionsMatch",
        acts: true,
        check: sanctions,
    },
    Rule {
        id: "sanctions-fresh",
        rows: "R73",
        checks: "the sanctions list is not stale",
        who: Who::Platform,
        condition: types::TRANSFERS_LAWFUL,
        reason: "SanctionsListStale",
        acts: true,
        check: sanctions_fresh,
    },
    Rule {
        id: "transfer-basis",
        rows: "R63, R64, R66, R67, R68, R69",
        checks: "each organisation and country abroad has a transfer: adequacy that covers the recipient, or a safeguard with a risk assessment",
        who: Who::Organisation,
        condition: types::TRANSFERS_LAWFUL,
        reason: "TransferBasisMissing",
        acts: true,
        check: basis,
    },
    Rule {
        id: "adequacy-fresh",
        rows: "R66",
        checks: "the adequacy list that a transfer rests on is not stale",
        who: Who::Platform,
        condition: types::TRANSFERS_LAWFUL,
        reason: "AdequacyListStale",
        acts: true,
        check: adequacy_fresh,
    },
    Rule {
        id: "transfer-evidence",
        rows: "R64, R67, R68, R70, R71, R74",
        checks: "what a transfer rests on is current, and the risk assessment came before the safeguard",
        who: Who::Organisation,
        condition: types::TRANSFERS_LAWFUL,
        reason: "TransferEvidenceLapsed",
        acts: true,
        check: evidence,
    },
];

/// Organisations with the countries, other than the environment's, from which they have access.
pub fn abroad(spec: &ProjectSpec, policy: &TransferPolicy) -> BTreeSet<(String, String)> {
    let seats = spec.organisations.iter().map(|o| (&o.name, &o.country));
    let access = spec
        .people
        .iter()
        .flat_map(|p| p.access_from.iter().map(|c| (&p.organisation, c)));
    seats
        .chain(access)
        .filter(|(_, country)| **country != policy.country)
        .map(|(organisation, country)| (organisation.clone(), country.clone()))
        .collect()
}

/// What the policy's list says of a country.
pub fn adequacy(policy: &TransferPolicy, country: &str) -> Option<AdequacyScope> {
    let listed = &policy.adequacy.countries;
    listed
        .iter()
        .find(|c| c.country == country)
        .map(|c| c.scope)
}

fn lists_there(facts: &Facts<'_>, out: &mut Out) {
    if facts.policy.transfers.is_none() && facts.requires(Requirement::Transfers) {
        let text = "SdePolicy.spec.transfers is missing, so countries cannot be checked: set it.";
        out.refuse(&Project, text);
    }
}

/// The transfers in force, with the policy.
fn declared<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = (&'a TransferPolicy, &'a Transfer)> {
    facts
        .policy
        .transfers
        .iter()
        .flat_map(|p| facts.spec.transfers.iter().flatten().map(move |t| (p, t)))
}

fn sanctions(facts: &Facts<'_>, out: &mut Out) {
    let Some(policy) = &facts.policy.transfers else {
        return;
    };
    out.look();
    let list = &policy.sanctions;
    let mut hit = |what: String, name: &str, country: &str| {
        let name_hit = list
            .organisations
            .iter()
            .any(|o| o.to_lowercase() == name.to_lowercase());
        if name_hit || list.countries.iter().any(|c| c == country) {
            let text = format!(
                "{what} matches the sanctions list of {}: leave it out.",
                list.as_of
            );
            out.refuse(&Project, text);
        }
    };
    for o in &facts.spec.organisations {
        hit(format!("Organisation {}", o.name), &o.name, &o.country);
        if let Some(identifier) = &o.identifier {
            hit(
                format!("Identifier of organisation {}", o.name),
                identifier,
                "",
            );
        }
    }
    for (p, country) in facts
        .spec
        .people
        .iter()
        .flat_map(|p| p.access_from.iter().map(move |c| (p, c)))
    {
        hit(format!("Access of {} from {country}", p.user), "", country);
    }
    for t in facts.spec.transfers.iter().flatten() {
        for r in t.onward_recipients.iter().flatten() {
            let what = format!("Further recipient {} in {}", r.organisation, r.country);
            hit(what, &r.organisation, &r.country);
        }
    }
    let named = facts.spec.setting.iter().filter_map(|s| s.sdes.as_ref());
    let sdes = facts.policy.third_party_sdes.iter().flatten();
    for name in named.flatten() {
        if let Some(sde) = sdes.clone().find(|s| s.name == *name) {
            let what = format!("Environment {name} in {}", sde.country);
            hit(what, name, &sde.country);
        }
    }
}

fn sanctions_fresh(facts: &Facts<'_>, out: &mut Out) {
    if let Some(policy) = &facts.policy.transfers {
        let list = &policy.sanctions;
        out.list("the sanctions list", list.as_of, list.max_age_days);
    }
}

fn basis(facts: &Facts<'_>, out: &mut Out) {
    let Some(policy) = &facts.policy.transfers else {
        return;
    };
    out.look();
    for (organisation, country) in abroad(facts.spec, policy) {
        let transfer = facts
            .spec
            .transfers
            .iter()
            .flatten()
            .find(|t| t.organisation == organisation && t.country == country);
        let why = match transfer {
            None => "has no transfer: add one under transfers, or leave it out".to_owned(),
            Some(t) => match (t.basis, adequacy(policy, &country)) {
                (TransferBasis::Adequacy, None) => format!(
                    "rests on adequacy, and {country} is not on the list: use a Safeguard with a riskAssessment"
                ),
                (TransferBasis::Adequacy, Some(AdequacyScope::Partial))
                    if t.recipient.is_none() =>
                {
                    format!(
                        "rests on adequacy, which in {country} covers some recipients only: show with transfers[].recipient that this is one"
                    )
                }
                (TransferBasis::Adequacy, _) if t.measures_reviewed.is_none() => {
                    "rests on adequacy without measuresReviewed".to_owned()
                }
                (TransferBasis::Safeguard, _)
                    if t.safeguard.is_none() || t.risk_assessment.is_none() =>
                {
                    "needs both a safeguard and a riskAssessment".to_owned()
                }
                _ => continue,
            },
        };
        let text = format!("Access of organisation {organisation} from {country} {why}.");
        out.refuse(&Project, text);
    }
}

fn adequacy_fresh(facts: &Facts<'_>, out: &mut Out) {
    let relied = declared(facts).find(|(_, t)| t.basis == TransferBasis::Adequacy);
    if let Some((policy, _)) = relied {
        let list = &policy.adequacy;
        out.list("the adequacy list", list.as_of, list.max_age_days);
    }
}

fn evidence(facts: &Facts<'_>, out: &mut Out) {
    for (_, t) in declared(facts) {
        let to = format!("transfer to {} in {}", t.organisation, t.country);
        let risk = t.risk_assessment.as_ref();
        let safeguard = t.safeguard.as_ref();
        for (what, evidence) in [
            ("recipient", t.recipient.as_ref()),
            ("review of measures", t.measures_reviewed.as_ref()),
            ("risk assessment", risk.map(|r| &r.evidence)),
            ("safeguard", safeguard.map(|s| &s.evidence)),
            ("legal advice", t.legal_advice.as_ref()),
        ] {
            let what = format!("{what} of the {to}");
            let renew = "renew it and have the spec approved";
            out.demanded(&Project, &what, evidence, false, renew);
        }
        if let (Some(risk), Some(safeguard)) = (risk, safeguard)
            && risk.evidence.date > safeguard.evidence.date
        {
            let text = format!(
                "The risk assessment of the {to} is later than its safeguard: it comes first."
            );
            out.refuse(&Project, text);
        }
        if risk.is_some_and(|r| {
            !r.tests_met && r.supplementary_measures.as_ref().is_none_or(Vec::is_empty)
        }) {
            let text = format!(
                "The risk assessment of the {to} did not meet its tests and names no supplementaryMeasures."
            );
            out.refuse(&Project, text);
        }
    }
}
