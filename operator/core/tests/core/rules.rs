//! Every rule of safe people, projects, data and transfers: what it refuses, that it says so, and that nothing opens by
//! telling less.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sde_core::project::rules::{Subject, judge, table};
use sde_core::project::{Observed, State, validate};
use sde_crds::project::ProjectSpec;
use sde_crds::project_approval::ApprovalRole;
use serde_json::{Value, json};

use crate::rule_cases::{CASES, Change, day, everything, evidence, from_new_zealand, of};
use crate::sim::Sim;
use crate::world;

/// The example with a change, approved as changed.
fn changed(change: impl FnOnce(&mut Observed)) -> Observed {
    let mut observed = world::applied();
    change(&mut observed);
    world::approve(&mut observed);
    observed
}

/// People who may work; none unless it is open.
fn workers(observed: &Observed) -> BTreeSet<String> {
    match validate(observed).state {
        State::Open(validated) => validated.people.into_iter().map(|p| p.user).collect(),
        _ => BTreeSet::new(),
    }
}

fn told(observed: &Observed) -> Vec<String> {
    let of = |f: &sde_core::project::rules::Found| {
        format!("{} {}: {f}", f.rule.condition, f.rule.reason)
    };
    let found = validate(observed).judged.found;
    let apart = found.iter().filter(|f| f.rule.id != "access-location");
    apart.map(of).collect()
}

#[test]
fn the_example_declares_everything_and_opens() {
    let good: [Change; 3] = [|_| {}, everything, |o| from_new_zealand(o, "2028-12-31")];
    for good in good {
        let observed = changed(good);
        assert_eq!(workers(&observed).len(), 2, "{:#?}", told(&observed));
        assert!(told(&observed).is_empty(), "{:#?}", told(&observed));
    }
}

#[test]
fn every_rule_refuses_and_says_which() {
    let mut golden = Vec::new();
    for (id, change) in CASES {
        let observed = changed(change);
        let validation = validate(&observed);
        let found = validation.judged.found.iter().find(|f| f.rule.id == id);
        let found = found.unwrap_or_else(|| panic!("{id}: {:#?}", told(&observed)));
        let text = found.to_string();
        assert!(
            text.contains(id) && text.contains(found.rule.rows),
            "{text}"
        );
        match (&validation.state, &found.subject) {
            (State::Open(_), Subject::Project) => assert!(!found.rule.acts, "{id}"),
            (State::Open(open), _) => assert_eq!(open.people.len(), 1, "{id}"),
            (State::Suspended(why) | State::Waiting(why), _) => {
                let reason = match found.subject {
                    Subject::Project => found.rule.reason,
                    _ => "NobodyApproved",
                };
                assert!(why.iter().any(|r| r.reason == reason), "{id}: {why:#?}");
            }
            (State::Closing, _) => panic!("{id}"),
        }
        golden.push(json!({"rule": id, "says": told(&observed)}));
    }
    insta::assert_yaml_snapshot!("rules", golden);
}

#[test]
fn every_rule_has_a_case() {
    let has: BTreeSet<&str> = CASES.iter().map(|(id, _)| *id).collect();
    let apart = ["access-location", "legacy-copies"];
    let all: BTreeSet<&str> = table()
        .map(|r| r.id)
        .filter(|id| !apart.contains(id))
        .collect();
    assert_eq!(has, all);
    let conditions: BTreeSet<&str> = table().map(|r| r.condition).collect();
    // With Ready, Approved, EvidenceCurrent, NamespaceLocked, EgressEnforced, DataVerified and Closing beside them.
    assert!(
        conditions.len() + 7 <= 32,
        "more conditions than the CRD takes"
    );
}

#[test]
fn every_rule_is_in_the_pages() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let read = |path: &str| std::fs::read_to_string(format!("{docs}/{path}")).unwrap();
    let reasons = read("src/reference/conditions.md");
    let rows = sde_crds::requirements::read(&read("requirements.yaml")).unwrap();
    for rule in table() {
        assert!(
            reasons.contains(&format!("`{}`", rule.reason)),
            "{}",
            rule.id
        );
        let condition = format!("Project/{} {}", rule.condition, rule.reason);
        for row in rule.rows.split(", ") {
            let of = rows.iter().find(|r| r.row == row).unwrap();
            assert!(of.conditions.contains(&condition), "{row}: {condition}");
        }
    }
}

#[test]
fn what_is_missing_is_refused_only_where_the_tier_asks() {
    for (id, change) in CASES {
        let mut observed = world::applied();
        change(&mut observed);
        let asked = validate(&observed).judged;
        observed.policy.as_mut().unwrap().tiers[0].requires = None;
        let free = validate(&observed).judged;
        let has = |j: &sde_core::project::rules::Judged| j.found.iter().any(|f| f.rule.id == id);
        let demands = [
            "organisation-assessment",
            "processing-roles",
            "person-assessment",
            "governance",
            "ethics-evidence",
            "public-benefit",
            "risk-assessment",
            "declared-use",
            "setting",
            "transfer-lists",
        ];
        assert!(has(&asked), "{id}");
        assert_eq!(has(&free), !demands.contains(&id), "{id}");
    }
}

#[test]
fn what_only_tells_shuts_nothing() {
    let copy = json!([{"reference": "EXPORT-9", "holder": "example-company"}]);
    let mut observed = changed(|o| o.project.spec.legacy_copies = Some(of(copy)));
    assert_eq!(workers(&observed).len(), 2);
    assert!(told(&observed).iter().any(|t| t.contains("EXPORT-9")));
    let copies = observed.project.spec.legacy_copies.as_mut().unwrap();
    copies[0].confirmation = Some(of(evidence("2028-12-31")));
    assert!(!told(&observed).iter().any(|t| t.contains("EXPORT-9")));
}

#[test]
fn an_exception_is_carried_by_two_who_approve_this_very_spec() {
    let with = |approvers: Value, expires: &str| {
        let observed = changed(|o| {
            o.project.spec.people[1].breach_history = Some(of(json!({
                "declared": true, "severity": "Serious", "checkedSources": ["ico"], "checkedAt": "2026-10-20",
                "exception": {"rationale": "Long ago, small, mended.", "evidence": evidence(expires), "approvers": approvers},
            })));
        });
        workers(&observed).contains("u-19ab")
    };
    assert!(with(json!(["approver-a", "approver-b"]), "2027-01-01"));
    assert!(!with(json!(["approver-a", "approver-b"]), "2026-11-21"));
    assert!(!with(json!(["approver-a", "approver-c"]), "2027-01-01"));
    assert!(!with(json!(["approver-a", "approver-a"]), "2027-01-01"));
    assert!(!with(json!(["approver-a"]), "2027-01-01"));
}

#[test]
fn a_whole_dataset_and_a_negative_indicator_need_another_approver() {
    let extra = || of(json!({"role": "DataAccess", "approvers": 2}));
    let mut observed = world::applied();
    observed.policy.as_mut().unwrap().approvals.whole_dataset = Some(extra());
    world::approve(&mut observed);
    assert_eq!(validate(&observed).missing, ["DataAccess (2 people)"]);
    assert_eq!(workers(&observed).len(), 0);
    let digest = validate(&observed).spec_digest;
    let second = world::approval(ApprovalRole::DataAccess, "approver-b", &digest);
    let mut same = observed.clone();
    same.approvals.push(second);
    assert_eq!(
        workers(&same).len(),
        0,
        "who approves in another role already is no further person"
    );
    let third = world::approval(ApprovalRole::DataAccess, "approver-c", &digest);
    observed.approvals.push(third);
    assert_eq!(workers(&observed).len(), 2);
    let mut folders = changed(|o| {
        o.policy.as_mut().unwrap().approvals.whole_dataset = Some(extra());
        o.project.spec.datasets[0].sub_paths = Some(vec!["chr13".to_owned()]);
    });
    assert_eq!(workers(&folders).len(), 2, "folders need no second person");
    folders
        .policy
        .as_mut()
        .unwrap()
        .approvals
        .negative_indicator = Some(extra());
    assert_eq!(workers(&folders).len(), 2, "nobody is abroad");
    let abroad = changed(|o| {
        everything(o);
        o.policy.as_mut().unwrap().approvals.negative_indicator =
            Some(of(json!({"role": "Transfer", "approvers": 1})));
    });
    assert_eq!(validate(&abroad).missing, ["Transfer"]);
}

#[test]
fn ends_are_warned_of_and_then_act() {
    let mut observed = world::applied();
    observed.project.spec.people[1].training.expires = day("2026-12-20");
    world::approve(&mut observed);
    let mut sim = Sim::new(observed);
    sim.prove();
    let condition = |sim: &Sim, kind: &str| {
        let conditions = sim.status().conditions.unwrap();
        let found = conditions.iter().find(|c| c.type_ == kind).unwrap();
        (
            found.status.clone(),
            found.reason.clone(),
            found.message.clone(),
        )
    };
    let (status, reason, message) = condition(&sim, "Ready");
    assert_eq!((status.as_str(), reason.as_str()), ("True", "ExpiresSoon"));
    assert!(
        message.contains("training of u-19ab (2026-12-20)"),
        "{message}"
    );
    assert_eq!(condition(&sim, "EvidenceCurrent").1, "ExpiresSoon");
    sim.observed.now = world::at("2026-12-21T00:00:00Z");
    sim.project();
    assert_eq!(condition(&sim, "EvidenceCurrent").1, "Expired");
    assert_eq!(condition(&sim, "PeopleApproved").1, "TrainingExpired");
    assert_eq!(workers(&sim.observed), ["u-7c1e".to_owned()].into());
}

#[test]
fn what_was_approved_with_a_fault_is_not_mended_without_approval() {
    // Leaving out a place, a person or an organisation is narrowing, and may open what is left.
    let narrowing = ["transfer-basis", "adequacy-fresh", "transfer-evidence"];
    let of_policy = [
        "setting-listed",
        "setting-assessment",
        "transfer-lists",
        "sanctions-fresh",
        "policy-review",
    ];
    for (id, change) in CASES {
        if narrowing.contains(&id) || of_policy.contains(&id) {
            continue;
        }
        let observed = changed(change);
        let before = workers(&observed);
        let mut sim = Sim::new(observed);
        sim.project();
        let mut observed = sim.observed;
        observed.project.spec = world::applied().project.spec;
        let after = workers(&observed);
        assert!(
            after.is_subset(&before),
            "{id}: {before:?} became {after:?}"
        );
    }
}

/// Every Evidence in a spec, by JSON pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if ["reference", "date", "digest"]
                .iter()
                .all(|k| map.contains_key(*k))
            {
                found.push(at.to_owned());
            }
            for (key, value) in map {
                pointers(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{i}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_expired_evidence_opens(pick in any::<prop::sample::Index>(), ago in 1i64..700, told_later in any::<bool>()) {
        let mut observed = changed(everything);
        if told_later {
            // Approved while it still held; that it has ended is told afterwards and approved by nobody.
            let mut sim = Sim::new(observed);
            sim.project();
            observed = sim.observed;
        }
        let mut spec = serde_json::to_value(&observed.project.spec).unwrap();
        let mut all = Vec::new();
        pointers(&spec, "", &mut all);
        prop_assert!(all.len() > 15, "{all:?}");
        let place = &all[pick.index(all.len())];
        let over = day("2026-11-22").checked_sub(jiff::Span::new().days(ago)).unwrap();
        let evidence = spec.pointer_mut(place).unwrap();
        evidence["date"] = json!("2020-01-01");
        evidence["expires"] = json!(over.to_string());
        observed.project.spec = of::<ProjectSpec>(spec);
        if !told_later {
            world::approve(&mut observed);
        }
        let able = workers(&observed);
        prop_assert!(able.len() < 2, "{place}: {able:?}");
        if !place.starts_with("/people") {
            prop_assert!(able.is_empty(), "{place}: {able:?}");
        }
    }

    #[test]
    fn a_sanction_more_never_opens(case in any::<prop::sample::Index>(), country in prop::sample::select(vec!["GB", "EG", "NZ", "FR"]), name in prop::sample::select(vec!["example-university", "example-partner-sde", "nobody"])) {
        let (_, change) = CASES[case.index(CASES.len())];
        for abroad in [false, true] {
            let mut observed = changed(|o| {
                if abroad { everything(o); }
                change(o);
            });
            let before = workers(&observed);
            if let Some(transfers) = &mut observed.policy.as_mut().unwrap().transfers {
                transfers.sanctions.countries.push(country.to_owned());
                transfers.sanctions.organisations.push(name.to_owned());
                let after = workers(&observed);
                prop_assert!(after.is_subset(&before));
                if country == "GB" || (abroad && country == "EG" && observed.project.spec.people[1].access_from == ["EG"]) {
                    prop_assert!(after.is_empty());
                }
            }
        }
    }

    #[test]
    fn judging_says_the_same_of_the_same(case in any::<prop::sample::Index>()) {
        let (_, change) = CASES[case.index(CASES.len())];
        let observed = changed(change);
        let once = validate(&observed);
        prop_assert_eq!(&once.judged, &validate(&observed).judged);
        let policy = observed.policy.clone().unwrap();
        let facts = sde_core::project::rules::Facts {
            project: "prj-4f2c",
            spec: &observed.project.spec,
            present: &observed.project.spec,
            policy: &policy,
            datasets: &observed.datasets,
            approvers: &["approver-a".to_owned(), "approver-b".to_owned()].into(),
            today: day("2026-11-22"),
        };
        prop_assert_eq!(judge(&facts), once.judged);
    }
}
