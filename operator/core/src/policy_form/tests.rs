//! What counts as a refusal by a policy of ours, and what a tier makes of it.

use jiff::Timestamp;
use sde_crds::SdePolicy;
use sde_crds::project_status::{FoundForm, PoliciesFound};

use super::demand::kept;
use super::*;
use crate::time::seconds;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() - seconds).unwrap()
}

fn refusal(resource: &str, policy: &str, binding: &str) -> Answer {
    Answer::Refused(format!(
        "{resource} \"sde-policy-check-x7k2z\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: No."
    ))
}

#[test]
fn each_attempt_is_a_dry_run_of_a_policy_that_exists_and_differs_from_its_control() {
    for asker in [Asker::Controller, Asker::Person] {
        for attempt in attempts("sde-system", asker) {
            let short = attempt.policy.strip_suffix(".sde-operator.dev").unwrap();
            let file = format!("{}/../../policies/{short}.yaml", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&file).is_file(), "{file}");
            assert!(attempt.refused.path.contains("dryRun=All"));
            assert!(attempt.control.path.contains("dryRun=All"));
            assert_ne!(attempt.refused, attempt.control);
            assert_eq!(attempt.refused.method, attempt.control.method);
        }
    }
}

#[test]
fn only_the_policys_own_refusal_counts_and_only_beside_an_accepted_control() {
    let attempt = &attempts("sde-system", Asker::Controller)[0];
    let (ours, disk) = (
        attempt.policy.as_str(),
        format!("{}.static.k8s.io", attempt.policy),
    );
    let by = |policy: &str| refusal("secrets", policy, policy);
    let found = |refused: &Answer| find(attempt, refused, &Answer::Accepted);
    assert_eq!(found(&by(&disk)), Finding::Form(FoundForm::Static));
    assert_eq!(found(&by(ours)), Finding::Form(FoundForm::Api));
    assert_eq!(found(&Answer::Accepted), Finding::Form(FoundForm::Missing));
    // A webhook may write what it likes, behind the words that say it is one.
    let forged = |before: &str| {
        Answer::Refused(format!(
            "{before} is forbidden: ValidatingAdmissionPolicy '{disk}' with binding '{disk}' denied request: No."
        ))
    };
    for other in [
        by("other.example.org"),
        by("other.example.org.static.k8s.io"),
        refusal("secrets", &disk, "other"),
        refusal("pods", &disk, &disk),
        forged("admission webhook \"a.example.org\" denied the request: secrets \"x\""),
        forged("admission webhook \"a.example.org\" denied the request:"),
        forged("secrets \"x\" \"y\""),
        Answer::Refused("secrets is forbidden: User \"x\" cannot create resource".to_owned()),
        Answer::Refused(String::new()),
        Answer::None("no answer".to_owned()),
    ] {
        assert!(matches!(found(&other), Finding::Unknown(_)), "{other:?}");
    }
    for control in [by(&disk), Answer::None("no answer".to_owned())] {
        assert!(matches!(
            find(attempt, &by(&disk), &control),
            Finding::Unknown(_)
        ));
    }
}

#[test]
fn generated_names_are_not_told() {
    let attempt = &attempts("sde-system", Asker::Controller)[0];
    let other = refusal("secrets", "other", "other");
    let Finding::Unknown(why) = find(attempt, &other, &Answer::Accepted) else {
        panic!("known");
    };
    assert!(!why.contains("x7k2z") && why.contains("other"), "{why}");
}

fn round(at: Timestamp, servers: &[&[Finding]]) -> Round {
    let servers = servers.iter().enumerate().map(|(n, findings)| Server {
        address: format!("10.0.0.{n}:6443"),
        findings: findings
            .iter()
            .map(|f| ("a.sde-operator.dev".to_owned(), f.clone()))
            .collect(),
    });
    Round {
        at,
        servers: servers.collect(),
        failures: 1,
    }
}

const DISK: Finding = Finding::Form(FoundForm::Static);
const API: Finding = Finding::Form(FoundForm::Api);
const MISSING: Finding = Finding::Form(FoundForm::Missing);

fn silent() -> Finding {
    Finding::Unknown("no answer".to_owned())
}

#[test]
fn the_weakest_api_server_decides() {
    let form = |servers: &[&[Finding]]| round(now(), servers).form();
    assert_eq!(form(&[&[DISK], &[DISK]]), Ok(FoundForm::Static));
    assert_eq!(form(&[&[DISK], &[API]]), Ok(FoundForm::Api));
    assert_eq!(form(&[&[DISK, API]]), Ok(FoundForm::Api));
    assert_eq!(
        form(&[&[DISK], &[MISSING], &[silent()]]),
        Ok(FoundForm::Missing)
    );
    assert!(form(&[&[DISK], &[silent()]]).is_err());
    assert!(form(&[]).is_err() && form(&[&[]]).is_err());
}

fn policy() -> SdePolicy {
    let path = format!(
        "{}/../../crds/examples/sdepolicy.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn found(form: FoundForm, at: Timestamp) -> PoliciesFound {
    PoliciesFound {
        form,
        time: seconds(at),
        servers: 1,
    }
}

#[test]
fn a_tier_that_asks_for_the_static_form_is_shut_by_all_else() {
    let policy = policy().spec;
    let demand = Demand::of(&policy, "most-sensitive");
    let any = Demand::of(&policy, "sensitive");
    assert!(demand.is_static() && !any.is_static());
    // Of the example: 3600 s and 600 s more.
    let shut = |round: Option<&Round>, previous: Option<&PoliciesFound>| {
        let of = |demand: &Demand<'_>| {
            let standing = demand.standing(round, previous, now());
            demand.refuses(&standing, round).map(|r| r.reason)
        };
        assert_eq!(of(&any), None, "a tier that asks for nothing");
        of(&demand)
    };
    let earlier = found(FoundForm::Static, ago(4000));
    let old = found(FoundForm::Static, ago(4300));
    let disk = |at| round(at, &[&[DISK]]);
    assert_eq!(shut(Some(&disk(now())), None), None);
    assert_eq!(shut(Some(&disk(ago(4000))), None), None);
    assert_eq!(shut(Some(&disk(ago(4300))), None), Some("PoliciesUnknown"));
    assert_eq!(shut(None, None), Some("PoliciesUnknown"));
    let api = round(now(), &[&[DISK], &[API]]);
    assert_eq!(shut(Some(&api), Some(&earlier)), Some("StaticFormMissing"));
    let partly = round(now(), &[&[API], &[silent()]]);
    assert_eq!(
        shut(Some(&partly), Some(&earlier)),
        Some("StaticFormMissing")
    );
    let missing = round(now(), &[&[MISSING]]);
    assert_eq!(
        shut(Some(&missing), Some(&earlier)),
        Some("PoliciesMissing")
    );
    // No answer is no proof of the contrary, for as long as a proof of the lock would hold.
    let unknown = round(now(), &[&[DISK], &[silent()]]);
    assert_eq!(shut(Some(&unknown), Some(&earlier)), None);
    assert_eq!(shut(Some(&unknown), Some(&old)), Some("PoliciesUnknown"));
    assert_eq!(
        shut(Some(&unknown), Some(&found(FoundForm::Api, now()))),
        Some("PoliciesUnknown")
    );
}

#[test]
fn opening_rests_on_a_fresh_finding_alone() {
    let policy = policy().spec;
    let demand = Demand::of(&policy, "most-sensitive");
    let refuses = |round: &Round| demand.refuses_to_open(Some(round), now()).map(|r| r.reason);
    assert_eq!(refuses(&round(ago(30), &[&[DISK]])), None);
    assert_eq!(
        refuses(&round(ago(90), &[&[DISK]])),
        Some("PoliciesUnknown")
    );
    assert_eq!(
        refuses(&round(now(), &[&[silent()]])),
        Some("PoliciesUnknown")
    );
    assert_eq!(refuses(&round(now(), &[&[API]])), Some("StaticFormMissing"));
}

#[test]
fn it_is_asked_on_schedule_and_soon_again_while_it_is_not_enough() {
    let policy = policy().spec;
    let demand = Demand::of(&policy, "most-sensitive");
    let any = Demand::of(&policy, "sensitive");
    let (disk, api) = (round(ago(600), &[&[DISK]]), round(ago(600), &[&[API]]));
    assert_eq!(demand.due(None, now()), 0);
    assert_eq!(demand.due(Some(&disk), now()), 3000);
    assert_eq!(any.due(Some(&api), now()), 3000);
    assert_eq!(demand.due(Some(&api), now()), 0);
    let waits: Vec<i64> = (1..8)
        .map(|failures| {
            let api = round(now(), &[&[API]]);
            demand.max_age(&Round { failures, ..api })
        })
        .collect();
    assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
}

#[test]
fn the_status_changes_once_a_scheduled_time_and_keeps_what_was_known() {
    let policy = policy().spec;
    let demand = Demand::of(&policy, "most-sensitive");
    let keep = |round: &Round, previous: &PoliciesFound| {
        let standing = demand.standing(Some(round), Some(previous), now());
        kept(&demand, &standing, Some(round), Some(previous)).unwrap()
    };
    let disk = round(now(), &[&[DISK]]);
    let (recent, due) = (
        found(FoundForm::Static, ago(60)),
        found(FoundForm::Static, ago(3600)),
    );
    assert_eq!(keep(&disk, &recent), recent);
    assert_eq!(keep(&disk, &due).time.0, now());
    assert_eq!(keep(&round(now(), &[&[API]]), &recent).form, FoundForm::Api);
    assert_eq!(keep(&round(now(), &[&[silent()]]), &recent), recent);
}
