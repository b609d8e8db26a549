//! Safe projects: legal basis, ethics, benefit, risk, advice (R30, R45-R50, R52). The operator checks that records
//! are named, dated and current; whether they are good is for people.

use sde_crds::declarations::Advice;
use sde_crds::policy_lists::Requirement;

use super::facts::{Facts, Out, Subject::Project};
use super::{Rule, Who};
use crate::conditions::types;

/// Characters that describe nature and extent of a benefit at the least (R46).
const BENEFIT_LENGTH: usize = 200;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "governance",
        rows: "R30",
        checks: "legal basis, impact assessment and research governance are recorded and current",
        who: Who::Organisation,
        condition: types::GOVERNANCE_VALID,
        reason: "GovernanceMissing",
        acts: true,
        check: governance,
    },
    Rule {
        id: "ethics",
        rows: "R49",
        checks: "ethics approval, where required, is current",
        who: Who::Organisation,
        condition: types::GOVERNANCE_VALID,
        reason: "EthicsExpired",
        acts: true,
        check: ethics,
    },
    Rule {
        id: "ethics-evidence",
        rows: "R49",
        checks: "ethics approval, where required, is shown with the body that gave it",
        who: Who::Organisation,
        condition: types::GOVERNANCE_VALID,
        reason: "EthicsNotShown",
        acts: true,
        check: ethics_evidence,
    },
    Rule {
        id: "public-benefit",
        rows: "R45, R46",
        checks: "nature and extent of the public benefit are described",
        who: Who::Custodian,
        condition: types::GOVERNANCE_VALID,
        reason: "BenefitNotDescribed",
        acts: true,
        check: public_benefit,
    },
    Rule {
        id: "risk-assessment",
        rows: "R47",
        checks: "risks were weighed against benefits, and that is recorded and current",
        who: Who::Organisation,
        condition: types::GOVERNANCE_VALID,
        reason: "RiskAssessmentMissing",
        acts: true,
        check: risk_assessment,
    },
    Rule {
        id: "external-advice",
        rows: "R52",
        checks: "nobody outside advised against the project",
        who: Who::Organisation,
        condition: types::GOVERNANCE_VALID,
        reason: "AdvisedAgainst",
        acts: true,
        check: external_advice,
    },
];

fn governance(facts: &Facts<'_>, out: &mut Out) {
    let demanded = facts.requires(Requirement::Governance);
    let governance = facts.spec.purpose.governance.as_ref();
    for (what, evidence) in [
        ("legal basis", governance.map(|g| &g.legal_basis)),
        (
            "impact assessment",
            governance.map(|g| &g.impact_assessment),
        ),
        ("research governance", governance.map(|g| &g.research)),
    ] {
        let renew = "record it in purpose.governance and have the spec approved";
        out.demanded(&Project, what, evidence, demanded, renew);
    }
}

fn ethics(facts: &Facts<'_>, out: &mut Out) {
    let ethics = &facts.spec.purpose.ethics;
    if let Some(last) = ethics.expires.filter(|_| ethics.required) {
        let renew = "renew it, update purpose.ethics and have it approved";
        out.until(&Project, "Ethics approval", last, renew);
    }
}

fn ethics_evidence(facts: &Facts<'_>, out: &mut Out) {
    let ethics = &facts.spec.purpose.ethics;
    let demanded = ethics.required && facts.requires(Requirement::EthicsEvidence);
    if demanded && ethics.body.is_none() {
        let text = "The body that gave ethics approval is not named: set purpose.ethics.body.";
        out.refuse(&Project, text);
    }
    let renew = "set purpose.ethics.evidence and have the spec approved";
    let what = "proof of ethics approval";
    out.demanded(&Project, what, ethics.evidence.as_ref(), demanded, renew);
}

fn public_benefit(facts: &Facts<'_>, out: &mut Out) {
    if !facts.requires(Requirement::PublicBenefit) {
        return;
    }
    out.look();
    let length = facts.spec.purpose.public_benefit.chars().count();
    if length < BENEFIT_LENGTH {
        let text = format!(
            "purpose.publicBenefit has {length} characters, fewer than {BENEFIT_LENGTH}: describe nature and extent of the benefit."
        );
        out.refuse(&Project, text);
    }
}

fn risk_assessment(facts: &Facts<'_>, out: &mut Out) {
    let renew =
        "weigh risks against benefits, set purpose.riskAssessment and have the spec approved";
    out.demanded(
        &Project,
        "risk assessment",
        facts.spec.purpose.risk_assessment.as_ref(),
        facts.requires(Requirement::RiskAssessment),
        renew,
    );
}

fn external_advice(facts: &Facts<'_>, out: &mut Out) {
    // What the present spec says against the project acts before anybody approves it.
    let approved = facts.spec.external_advice.iter().flatten();
    let present = facts.present.external_advice.iter().flatten();
    let mut told = Vec::new();
    for advice in approved.clone().chain(present) {
        out.look();
        if advice.advice == Advice::DoNotProceed && !told.contains(&&advice.source) {
            told.push(&advice.source);
            let text = format!(
                "advice of {} is not to go on ({}): nothing opens while that stands.",
                advice.source, advice.evidence.reference
            );
            out.refuse(&Project, text);
        }
    }
    for advice in approved {
        let what = format!("advice of {}", advice.source);
        out.evidence(&Project, &what, &advice.evidence, "ask again");
    }
}
