//! Data Use Ontology: each term, a use that fits and one that does not.

use sde_core::project::duo::{Asked, refusals};
use sde_crds::dataset::DataUse;
use sde_crds::declarations::DeclaredUse;
use serde_json::{Value, json};

fn declared(change: &Value) -> DeclaredUse {
    let mut value = json!({"purpose": "Health", "commercial": false, "ancestryResearch": false, "methodsResearch": false});
    for (key, change) in change.as_object().unwrap() {
        value[key] = change.clone();
    }
    serde_json::from_value(value).unwrap()
}

/// Whether the use fits `terms` with their `parts`.
fn fits(terms: &[&str], parts: &Value, change: &Value, asked: fn(&mut Asked<'_>)) -> bool {
    let declared = declared(change);
    let parts: DataUse = serde_json::from_value(parts.clone()).unwrap();
    let terms: Vec<String> = terms.iter().map(|t| format!("DUO:00000{t}")).collect();
    let mut of = Asked {
        project: "prj-4f2c",
        declared: &declared,
        organisations: vec!["example-university"],
        not_for_profit: true,
        users: vec!["u-7c1e"],
        countries: vec!["GB"],
        ethics: true,
        starts: "2026-11-01".parse().unwrap(),
        expires: "2027-10-31".parse().unwrap(),
    };
    asked(&mut of);
    refusals(&terms, Some(&parts), &of).is_empty()
}

#[test]
fn each_term_permits_and_refuses() {
    let no = json!({});
    let cancer = json!([{"term": "MONDO:0007254", "ancestors": ["MONDO:0004992"]}]);
    let disease = json!({"purpose": "Disease", "diseases": cancer});
    let agreement = json!({"reference": "COL-1", "date": "2026-01-02", "digest": format!("sha256:{}", "0".repeat(64))});
    // Terms, their parts, a use that fits, one that does not.
    let table = [
        (
            vec!["04"],
            no.clone(),
            json!({"purpose": "Ancestry", "commercial": true, "clinicalCare": true}),
            None,
        ),
        (
            vec!["42"],
            no.clone(),
            json!({"purpose": "General", "ancestryResearch": true}),
            Some(json!({"clinicalCare": true})),
        ),
        (
            vec!["06"],
            no.clone(),
            json!({}),
            Some(json!({"purpose": "General"})),
        ),
        (
            vec!["06"],
            no.clone(),
            disease.clone(),
            Some(json!({"ancestryResearch": true})),
        ),
        (
            vec!["06"],
            no.clone(),
            json!({"purpose": "Health"}),
            Some(json!({"purpose": "Ancestry"})),
        ),
        (
            vec!["07"],
            json!({"diseases": ["MONDO:0007254"]}),
            disease.clone(),
            Some(json!({})),
        ),
        (
            vec!["07"],
            json!({"diseases": ["MONDO:0004992"]}),
            disease.clone(),
            Some(json!({"purpose": "Disease", "diseases": [{"term": "MONDO:0005015"}]})),
        ),
        (
            vec!["07"],
            json!({"diseases": ["MONDO:0004992"]}),
            disease.clone(),
            Some(json!({"purpose": "Disease", "diseases": [{"term": "MONDO:0007254"}]})),
        ),
        (
            vec!["11"],
            no.clone(),
            json!({"purpose": "Ancestry"}),
            Some(json!({})),
        ),
        (
            vec!["06", "12"],
            json!({"researchTypes": ["ageing"]}),
            json!({"researchTypes": ["ageing"]}),
            Some(json!({"researchTypes": ["ageing", "autism"]})),
        ),
        (
            vec!["42", "15"],
            no.clone(),
            json!({}),
            Some(json!({"methodsResearch": true})),
        ),
        (
            vec!["42", "16"],
            no.clone(),
            json!({"geneticOnly": true}),
            Some(json!({})),
        ),
        (
            vec!["42", "18"],
            no.clone(),
            json!({}),
            Some(json!({"commercial": true})),
        ),
        (
            vec!["42", "19"],
            no.clone(),
            json!({"publication": true}),
            Some(json!({"publication": false})),
        ),
        (
            vec!["42", "20"],
            no.clone(),
            json!({"collaboration": agreement}),
            Some(json!({})),
        ),
        (
            vec!["42", "24"],
            json!({"publicationNotBefore": "2027-01-01"}),
            json!({"publicationNotBefore": "2027-01-01"}),
            Some(json!({"publicationNotBefore": "2026-12-31"})),
        ),
        (
            vec!["42", "29"],
            no.clone(),
            json!({"returnOfResults": true}),
            Some(json!({})),
        ),
        (
            vec!["42", "43"],
            no.clone(),
            json!({"clinicalCare": true}),
            None,
        ),
        (
            vec!["42", "44"],
            no.clone(),
            json!({"purpose": "General"}),
            Some(json!({"purpose": "Ancestry"})),
        ),
        (
            vec!["42", "46"],
            no.clone(),
            json!({}),
            Some(json!({"commercial": true})),
        ),
    ];
    for (terms, parts, good, bad) in table {
        assert!(fits(&terms, &parts, &good, |_| {}), "{terms:?} {good}");
        if let Some(bad) = bad {
            assert!(!fits(&terms, &parts, &bad, |_| {}), "{terms:?} {bad}");
        }
    }
}

#[test]
fn terms_about_the_project_look_at_the_project() {
    type Other = fn(&mut Asked<'_>);
    let table: [(&str, Value, Other); 8] = [
        ("18", json!({}), |a| a.not_for_profit = false),
        ("45", json!({}), |a| a.not_for_profit = false),
        ("21", json!({}), |a| a.ethics = false),
        ("22", json!({"countries": ["GB"]}), |a| {
            a.countries = vec!["GB", "FR"]
        }),
        ("25", json!({"months": 12}), |a| {
            a.expires = "2027-11-02".parse().unwrap()
        }),
        ("26", json!({"users": ["u-7c1e"]}), |a| {
            a.users = vec!["u-7c1e", "u-19ab"]
        }),
        ("27", json!({"projects": ["prj-4f2c"]}), |a| {
            a.project = "prj-0000"
        }),
        (
            "28",
            json!({"organisations": ["example-university"]}),
            |a| a.organisations = vec!["other"],
        ),
    ];
    for (term, parts, other) in table {
        assert!(fits(&["42", term], &parts, &json!({}), |_| {}), "{term}");
        assert!(!fits(&["42", term], &parts, &json!({}), other), "{term}");
    }
}

#[test]
fn what_is_not_known_or_not_said_permits_nothing() {
    let no = json!({});
    assert!(!fits(&[], &no, &no, |_| {}), "no term at all");
    assert!(!fits(&["45"], &no, &no, |_| {}), "a modifier alone");
    assert!(!fits(&["42", "99"], &no, &no, |_| {}), "an unknown term");
    assert!(
        !fits(&["06", "11"], &no, &no, |_| {}),
        "every permission term counts"
    );
    for term in ["07", "12", "22", "24", "25", "26", "27", "28"] {
        assert!(
            !fits(&["42", term], &no, &no, |_| {}),
            "{term} without its part"
        );
    }
}
