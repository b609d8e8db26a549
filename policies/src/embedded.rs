//! The policies as text, for programs that look for them in a cluster. Written by `cargo run -p sde-policies`.

/// Short name and text of every policy, by name.
#[rustfmt::skip]
pub const POLICIES: [(&str, &str); 23] = [
    ("airlockreceipt-controller", include_str!("../airlockreceipt-controller.yaml")),
    ("airlockrequest-requester", include_str!("../airlockrequest-requester.yaml")),
    ("airlockreview-reviewer", include_str!("../airlockreview-reviewer.yaml")),
    ("cluster-network-policies", include_str!("../cluster-network-policies.yaml")),
    ("destructionrecord-controller", include_str!("../destructionrecord-controller.yaml")),
    ("impersonation-roles", include_str!("../impersonation-roles.yaml")),
    ("node-proxy", include_str!("../node-proxy.yaml")),
    ("project-access", include_str!("../project-access.yaml")),
    ("project-claims", include_str!("../project-claims.yaml")),
    ("project-copies", include_str!("../project-copies.yaml")),
    ("project-deletion", include_str!("../project-deletion.yaml")),
    ("project-events", include_str!("../project-events.yaml")),
    ("project-namespace-contents", include_str!("../project-namespace-contents.yaml")),
    ("project-namespace-identity", include_str!("../project-namespace-identity.yaml")),
    ("project-namespace-lock", include_str!("../project-namespace-lock.yaml")),
    ("project-pod-shape", include_str!("../project-pod-shape.yaml")),
    ("project-submitter", include_str!("../project-submitter.yaml")),
    ("project-tokens", include_str!("../project-tokens.yaml")),
    ("project-volumes", include_str!("../project-volumes.yaml")),
    ("projectapproval-approver", include_str!("../projectapproval-approver.yaml")),
    ("status-controller", include_str!("../status-controller.yaml")),
    ("system-namespace", include_str!("../system-namespace.yaml")),
    ("workspace-person", include_str!("../workspace-person.yaml")),
];
