//! CRD YAML from the types: what `cargo run -p sde-crds` writes and a test keeps equal.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::{
    AirlockReceipt, AirlockRequest, AirlockReview, Dataset, DestructionRecord, Project,
    ProjectApproval, SdePolicy, Workspace,
};

/// All CRDs as (file name, YAML).
///
/// # Errors
/// When a type does not serialise, which a test rules out.
pub fn all() -> Result<Vec<(String, String)>, serde_yaml_ng::Error> {
    [
        SdePolicy::crd(),
        Dataset::crd(),
        Project::crd(),
        ProjectApproval::crd(),
        Workspace::crd(),
        AirlockRequest::crd(),
        AirlockReview::crd(),
        AirlockReceipt::crd(),
        DestructionRecord::crd(),
    ]
    .into_iter()
    .map(|crd| Ok((format!("{}.yaml", crd.spec.names.plural), yaml(&crd)?)))
    .collect()
}

fn yaml(crd: &CustomResourceDefinition) -> Result<String, serde_yaml_ng::Error> {
    let mut value = serde_yaml_ng::from_str::<Value>(&serde_yaml_ng::to_string(crd)?)?;
    tidy(&mut value);
    serde_yaml_ng::to_string(&value)
}

/// Rust's integer widths and `Option` leak into the schema: formats that Kubernetes does not know,
/// and `nullable`, which would let an explicit null through into the bytes that people approve.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("nullable");
            if map
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|f| f.starts_with("uint"))
            {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
