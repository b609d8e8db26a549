//! Names that every part of the system must spell the same: labels, annotations, namespaces,
//! finalizers, ports.

/// API group of all kinds.
pub const GROUP: &str = "sde-operator.dev";
/// API version of all kinds.
pub const VERSION: &str = "v1alpha1";

/// Label that marks what the controller made; the stores select by it.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "sde-operator";
/// Label with the Project's name, on everything made for it.
pub const PROJECT_LABEL: &str = "sde-operator.dev/project";
/// Label with the Project's UID: a Project made again under an old name is another one.
pub const PROJECT_UID_LABEL: &str = "sde-operator.dev/project-uid";
/// Label with the Workspace's name, on what is made for one start of it.
pub const WORKSPACE_LABEL: &str = "sde-operator.dev/workspace";
/// Label with the dataset grant's name, on its volume, claim and check.
pub const GRANT_LABEL: &str = "sde-operator.dev/grant";
/// Label with the AirlockRequest's name, on the chamber and jobs of it.
pub const AIRLOCK_REQUEST_LABEL: &str = "sde-operator.dev/airlock-request";
/// Label with the AirlockRequest's UID: a volume is found by it when it has no claim.
pub const AIRLOCK_REQUEST_UID_LABEL: &str = "sde-operator.dev/airlock-request-uid";
/// Label that says which of our pods this is: [`component`].
pub const COMPONENT_LABEL: &str = "sde-operator.dev/component";

/// Values of [`COMPONENT_LABEL`].
pub mod component {
    /// A person's notebook.
    pub const WORKSPACE: &str = "workspace";
    /// The pod that proves the lock on a schedule and that workspaces dial as a neighbour.
    pub const STANDING_PROBE: &str = "standing-probe";
    /// The pod that checks a grant's manifest.
    pub const DATA_CHECK: &str = "data-check";
    /// A pod that does one job in an airlock request's chamber.
    pub const AIRLOCK_JOB: &str = "airlock-job";
}

/// Annotation through which the controller opens a pod's gate: `confirmed <pod uid>`.
pub const GATE_ANNOTATION: &str = "sde-operator.dev/gate";
/// Annotation with the sentinel's boot id at the time the pod was made.
pub const SENTINEL_BOOT_ANNOTATION: &str = "sde-operator.dev/sentinel-boot-id";
/// Annotation with the digest of what the controller wanted when it made a pod, since pods cannot be changed.
pub const DESIRED_DIGEST_ANNOTATION: &str = "sde-operator.dev/desired-digest";
/// Namespace label with the Project's tier.
pub const TIER_LABEL: &str = "sde-operator.dev/tier";
/// Namespace annotation, read by the policies: the image references, by digest, that may run or be mounted in this
/// project, sorted, with commas between; empty while the project is not open.
pub const IMAGES_ANNOTATION: &str = "sde-operator.dev/images";
/// Namespace annotation, read by the policies: the extended resources that the project was granted, sorted, with commas
/// between; empty while the project is not open.
pub const RESOURCES_ANNOTATION: &str = "sde-operator.dev/resources";
/// Namespace annotation, read by the policies: user names of the project's people who are approved and current, sorted,
/// with commas between; empty while the project is not open.
pub const MEMBERS_ANNOTATION: &str = "sde-operator.dev/members";
/// Finalizer that keeps a Project until its attestation is stored.
pub const CLOSING_FINALIZER: &str = "sde-operator.dev/closing";

/// Annotation of an airlock job: what it does.
pub const AIRLOCK_KIND_ANNOTATION: &str = "sde-operator.dev/airlock-kind";
/// Annotation of an airlock job: the request's round for which it was made.
pub const AIRLOCK_ROUND_ANNOTATION: &str = "sde-operator.dev/airlock-round";
/// Annotation of an airlock job: which attempt it is in that round.
pub const AIRLOCK_ATTEMPT_ANNOTATION: &str = "sde-operator.dev/airlock-attempt";
/// Finalizer that keeps an AirlockRequest until its chamber is destroyed.
pub const AIRLOCK_FINALIZER: &str = "sde-operator.dev/airlock";

/// Prefix of airlock namespaces.
pub const AIRLOCK_NAMESPACE_PREFIX: &str = "sde-airlock-";
/// Namespace where a Project's chambers are scanned, reviewed and released from.
pub fn airlock_namespace(project: &str) -> String {
    format!("{AIRLOCK_NAMESPACE_PREFIX}{project}")
}
/// Prefix of project namespaces.
pub const PROJECT_NAMESPACE_PREFIX: &str = "sde-project-";
/// Namespace of a Project's workspaces.
pub fn project_namespace(project: &str) -> String {
    format!("{PROJECT_NAMESPACE_PREFIX}{project}")
}

/// Pod label by which the hub's proxy is known in the hub's namespace.
pub const PROXY_LABEL: (&str, &str) = ("app.kubernetes.io/component", "proxy");
/// ClusterRole that the controller binds for the hub in each project namespace, and the name of that binding.
pub const HUB_CLUSTER_ROLE: &str = "sde-hub";
/// ClusterRole that the controller binds for a project's people in its namespace, and the name of that binding.
pub const RESEARCHER_CLUSTER_ROLE: &str = "sde-researcher";
/// ClusterRole by which the hub acts for people, kept by the controller.
pub const HUB_IMPERSONATION: &str = "sde-hub-impersonation";
/// ClusterRole by which the portal asks for people, kept by the controller.
pub const PORTAL_REQUEST_IMPERSONATION: &str = "sde-portal-request-impersonation";
/// ClusterRole by which the portal decides for people, kept by the controller.
pub const PORTAL_DECIDE_IMPERSONATION: &str = "sde-portal-decide-impersonation";
/// Annotation of those three: `constrained` (KEP-5284) or `plain`.
pub const IMPERSONATION_ANNOTATION: &str = "sde-operator.dev/impersonation";
/// ServiceAccount of the portal for what people ask, in the operator's namespace.
pub const PORTAL_REQUEST_SERVICE_ACCOUNT: &str = "portal-request";
/// ServiceAccount of the portal for what people decide, in the operator's namespace.
pub const PORTAL_DECIDE_SERVICE_ACCOUNT: &str = "portal-decide";
/// ServiceAccount of the hub, in the hub's namespace.
pub const HUB_SERVICE_ACCOUNT: &str = "hub";
/// Label of airlock jobs that the door may reach.
pub const DOOR_LABEL: &str = "sde-operator.dev/airlock-door";
/// Pod label by which the door is known in the operator's namespace.
pub const DOOR: (&str, &str) = ("app.kubernetes.io/component", "door");
/// Port on which an airlock job serves the door.
pub const DOOR_PORT: u16 = 8444;
/// Port on which a notebook listens.
pub const NOTEBOOK_PORT: u16 = 8888;
/// Port on which the sentinel and the standing probe pod answer anyone, over TCP and UDP.
pub const SENTINEL_PORT: u16 = 7777;

/// The one SdePolicy that is read.
pub const POLICY_NAME: &str = "default";
