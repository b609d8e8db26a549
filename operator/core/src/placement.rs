//! Where the pods of a tier run: its node pool, sandbox and priority (R13, R14).

use k8s_openapi::api::core::v1::{PodSpec, Toleration};
use sde_crds::policy::{Placement, SdePolicySpec};

/// The placement of a tier; none when the tier says nothing, or is not the policy's.
pub fn of_tier(policy: &SdePolicySpec, tier: &str) -> Option<Placement> {
    let tier = policy.tiers.iter().find(|t| t.name == tier)?;
    tier.placement.clone()
}

/// The same pod, where its tier runs.
pub fn placed(placement: Option<&Placement>, spec: PodSpec) -> PodSpec {
    let Some(placement) = placement else {
        return spec;
    };
    let tolerations = placement.tolerations.as_ref().map(|all| {
        all.iter()
            .map(|toleration| Toleration {
                key: Some(toleration.key.clone()),
                operator: Some(
                    if toleration.value.is_some() {
                        "Equal"
                    } else {
                        "Exists"
                    }
                    .to_owned(),
                ),
                value: toleration.value.clone(),
                effect: Some(toleration.effect.to_string()),
                toleration_seconds: None,
            })
            .collect()
    });
    PodSpec {
        node_selector: placement.node_selector.clone(),
        tolerations,
        runtime_class_name: placement.runtime_class_name.clone(),
        priority_class_name: placement.priority_class_name.clone(),
        ..spec
    }
}
