//! One case a rule: a change of the example Project that the rule refuses.

use jiff::civil::Date;
use sde_core::project::Observed;
use sde_crds::evidence::Severity;
use sde_crds::project::Sector;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const DIGEST: &str = "sha256:3333333333333333333333333333333333333333333333333333333333333333";

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub fn evidence(expires: &str) -> Value {
    json!({"reference": "REF-1", "date": "2026-01-02", "digest": DIGEST, "expires": expires})
}

/// The colleague works from New Zealand, which is adequate.
pub fn from_new_zealand(o: &mut Observed, reviewed_until: &str) {
    o.project.spec.people[1].access_from = vec!["NZ".to_owned()];
    o.project.spec.transfers = Some(of(json!([{
        "organisation": "example-university", "country": "NZ", "basis": "Adequacy",
        "measuresReviewed": evidence(reviewed_until),
    }])));
}

/// Access from Egypt under a safeguard, every kind of evidence given, in an assessed environment.
pub fn everything(o: &mut Observed) {
    let until = "2028-12-31";
    let spec = &mut o.project.spec;
    spec.people[1].access_from = vec!["EG".to_owned()];
    spec.transfers = Some(of(json!([{
        "organisation": "example-university", "country": "EG", "basis": "Safeguard",
        "safeguard": {"type": "IDTA", "evidence": evidence(until)},
        "riskAssessment": {"evidence": evidence(until), "harmRisk": "High", "testsMet": false,
            "supplementaryMeasures": ["No file leaves"], "governmentAccess": "Weighed.", "enforceability": "Weighed."},
        "legalAdvice": evidence(until),
    }])));
    spec.external_advice = Some(of(
        json!([{"source": "RCAT", "advice": "Proceed", "evidence": evidence(until)}]),
    ));
    spec.declared_use.as_mut().unwrap().collaboration = Some(of(evidence(until)));
    spec.setting = Some(of(
        json!({"kind": "ThirdParty", "sdes": ["example-partner-sde"], "justification": "Needs their instrument."}),
    ));
}

pub type Change = fn(&mut Observed);

/// What each rule refuses.
pub const CASES: [(&str, Change); 30] = [
    ("organisation-listed", |o| {
        o.project.spec.organisations[0].name = "other".to_owned();
    }),
    ("organisation-approval", |o| {
        o.project.spec.organisations[0].approval.expires = day("2026-11-21");
    }),
    ("organisation-assessment", |o| {
        o.project.spec.organisations[0].assessment = None;
    }),
    ("processing-roles", |o| {
        o.project.spec.organisations[0].gdpr_role = None;
    }),
    ("prohibited-sector", |o| {
        o.project.spec.organisations[0].sector = Sector::Marketing;
    }),
    ("person-training", |o| {
        o.project.spec.people[1].training.expires = day("2026-11-21");
    }),
    ("person-assessment", |o| {
        o.project.spec.people[1].assessment = None;
    }),
    ("track-record", |o| {
        o.project.spec.people[1].additional_scrutiny = None;
    }),
    ("breach-check", |o| {
        let history = o.project.spec.people[1].breach_history.as_mut().unwrap();
        history.checked_at = day("2026-08-01");
    }),
    ("serious-breach", |o| {
        let history = o.project.spec.people[1].breach_history.as_mut().unwrap();
        history.severity = Severity::Serious;
    }),
    ("governance", |o| o.project.spec.purpose.governance = None),
    ("ethics", |o| {
        o.project.spec.purpose.ethics.expires = Some(day("2026-11-21"));
    }),
    ("ethics-evidence", |o| {
        o.project.spec.purpose.ethics.evidence = None;
    }),
    ("public-benefit", |o| {
        o.project.spec.purpose.public_benefit = "Much.".to_owned();
    }),
    ("risk-assessment", |o| {
        o.project.spec.purpose.risk_assessment = None;
    }),
    ("external-advice", |o| {
        o.project.spec.external_advice = Some(of(
            json!([{"source": "RCAT", "advice": "DoNotProceed", "evidence": evidence("2028-12-31")}]),
        ));
    }),
    ("declared-use", |o| o.project.spec.declared_use = None),
    ("consent", |o| {
        o.project
            .spec
            .declared_use
            .as_mut()
            .unwrap()
            .ancestry_research = true;
    }),
    ("collaboration", |o| {
        let declared = o.project.spec.declared_use.as_mut().unwrap();
        declared.collaboration = Some(of(evidence("2026-11-21")));
    }),
    ("bound-data", |o| {
        o.project.spec.datasets[0].manifest_digest = Some(DIGEST.to_owned());
    }),
    ("setting", |o| o.project.spec.setting = None),
    ("setting-listed", |o| {
        everything(o);
        o.policy.as_mut().unwrap().third_party_sdes = None;
    }),
    ("setting-assessment", |o| {
        everything(o);
        let sdes = o.policy.as_mut().unwrap().third_party_sdes.as_mut();
        sdes.unwrap()[0].guidance_version = "2024-01-01".to_owned();
    }),
    ("transfer-lists", |o| {
        o.policy.as_mut().unwrap().transfers = None;
    }),
    ("sanctions", |o| {
        o.project.spec.organisations[0].identifier =
            Some("Example-Sanctioned-Institute".to_owned());
    }),
    ("sanctions-fresh", |o| {
        let transfers = o.policy.as_mut().unwrap().transfers.as_mut().unwrap();
        transfers.sanctions.as_of = day("2025-01-01");
    }),
    ("transfer-basis", |o| {
        o.project.spec.people[1].access_from = vec!["US".to_owned()];
    }),
    ("adequacy-fresh", |o| {
        from_new_zealand(o, "2028-12-31");
        let transfers = o.policy.as_mut().unwrap().transfers.as_mut().unwrap();
        transfers.adequacy.as_of = day("2025-01-01");
    }),
    ("transfer-evidence", |o| from_new_zealand(o, "2026-11-21")),
    ("policy-review", |o| {
        o.policy.as_mut().unwrap().review_by = Some(day("2026-11-21"));
    }),
];
