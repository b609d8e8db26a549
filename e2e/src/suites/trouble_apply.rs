//! Bad input that the API server itself knows, so that nobody has to wait for a condition.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use sde_crds::Project;
use serde_json::{Value, json};

use super::error::{Result, refused};
use super::lab::{Lab, object};
use super::life::Life;

/// A spec that the CRD's own rules refuse.
struct Refused {
    change: fn(&mut Value),
    /// What the refusal must name: the row of the guidance, or the field.
    says: &'static str,
}

fn evidence() -> Value {
    json!({"reference": "REF-1", "date": "2026-01-02", "digest": format!("sha256:{}", "0".repeat(64))})
}

fn transfer(more: Value) -> Value {
    let mut transfer =
        json!({"organisation": "example-university", "country": "US", "basis": "Safeguard"});
    if let (Some(transfer), Value::Object(more)) = (transfer.as_object_mut(), more) {
        transfer.extend(more);
    }
    json!([transfer])
}

const REFUSED: [Refused; 10] = [
    Refused {
        change: |s| s["schedule"]["expires"] = json!("2027-02-30"),
        says: "schedule.expires",
    },
    Refused {
        change: |s| {
            s["people"][0]["breachHistory"]["declared"] = json!(true);
            s["people"][0]["breachHistory"]["severity"] = json!("Serious");
        },
        says: "R41",
    },
    Refused {
        change: |s| s["organisations"][0]["breachHistory"]["declared"] = json!(true),
        says: "R40",
    },
    Refused {
        change: |s| s["people"][0]["trackRecord"] = json!("Limited"),
        says: "R37",
    },
    Refused {
        change: |s| s["declaredUse"]["purpose"] = json!("Disease"),
        says: "MONDO",
    },
    Refused {
        change: |s| s["setting"] = json!({"kind": "ThirdParty", "sdes": ["elsewhere"]}),
        says: "R6",
    },
    Refused {
        change: |s| {
            let safeguard = json!({"type": "IDTA", "evidence": evidence()});
            s["transfers"] = transfer(json!({"safeguard": safeguard}));
        },
        says: "R68",
    },
    Refused {
        change: |s| s["transfers"] = transfer(json!({"basis": "Adequacy"})),
        says: "R67",
    },
    Refused {
        change: |s| s["transfers"] = transfer(json!({"basis": "Derogation"})),
        says: "basis",
    },
    Refused {
        change: |s| {
            s["people"][0]["assessment"] = evidence();
            s["people"][0]["assessment"]["expires"] = json!("2025-01-01");
        },
        says: "expires",
    },
];

/// Each is refused with words that say why.
///
/// # Errors
/// When one is accepted, or refused for something else.
pub(super) async fn at_apply(lab: &Lab) -> Result<()> {
    let post = PostParams::default();
    let custodian: Api<Project> = Api::all(lab.person("custodian-a"));
    let long = "a".repeat(41);
    refused(
        custodian
            .create(&post, &Life::new(lab, &long).project()?)
            .await,
        "40",
    )?;
    let mut project: Value =
        serde_json::to_value(Life::new(lab, "liar").project()?).map_err(kube::Error::SerdeError)?;
    project["spec"]["submittedBy"] = json!("custodian-b");
    refused(
        custodian.create(&post, &object(project.clone())?).await,
        "submittedBy",
    )?;
    project["spec"]["submittedBy"] = json!("custodian-a");
    // As bytes: our own types would already refuse some of it.
    let resource = ApiResource::erase::<Project>(&());
    let raw: Api<DynamicObject> = Api::all_with(lab.person("custodian-a"), &resource);
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    raw.create(&dry_run, &object(project.clone())?).await?;
    for case in REFUSED {
        let mut wrong = project.clone();
        (case.change)(&mut wrong["spec"]);
        refused(raw.create(&dry_run, &object(wrong)?).await, case.says)?;
    }
    Ok(())
}
