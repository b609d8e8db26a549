//! What is told of one project: typed, so that it renders and prints as JSON alike. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use sde_core::conditions::{find, types};
use sde_crds::Workspace;
use sde_crds::destruction_record::{Claim, Outcome};
use sde_crds::project::Lifecycle;
use sde_crds::project_status::{ClosingStep, GrantStatus, Medium, ProjectPhase, ProofTarget};
use sde_crds::workspace::WorkspacePhase;
use serde::Serialize;

use super::fetch::{Found, Seen};
use super::sections;

/// One project.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Title.
    pub title: String,
    /// The custodian's organisation.
    pub custodian: String,
    /// Tier.
    pub tier: String,
    /// First day.
    pub starts: Date,
    /// Last day.
    pub expires: Date,
    /// What the custodian wants.
    pub lifecycle: Lifecycle,
    /// Phase.
    pub phase: ProjectPhase,
    /// The controller has not yet looked at the present spec.
    pub stale: bool,
    /// Summary.
    pub ready: Option<State>,
    /// Approvals of the spec.
    pub approvals: Approvals,
    /// People.
    pub people: Vec<PersonView>,
    /// The lock.
    pub lock: Lock,
    /// The data.
    pub data: Data,
    /// Workspaces.
    pub workspaces: Seen<Vec<WorkspaceView>>,
    /// The closure, once asked for.
    pub closing: Option<ClosingView>,
    /// The attestation.
    pub attestation: Attestation,
}

/// A condition.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// True, False or Unknown.
    pub status: String,
    /// Constant, for programs.
    pub reason: String,
    /// Sentence, for people.
    pub message: String,
    /// When the status last changed.
    pub since: Timestamp,
}

/// Approvals of the spec.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approvals {
    /// Digest of the present spec.
    pub digest: Option<String>,
    /// Digest of the last approved spec, when that is another one.
    pub approved_digest: Option<String>,
    /// Why the roles are not known to this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<String>,
    /// What the controller says.
    pub state: Option<State>,
    /// Each role that is asked for, or that someone decided in.
    pub roles: Vec<RoleView>,
    /// Approvals that do not count.
    pub void: Vec<Void>,
}

/// One role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Role.
    pub role: String,
    /// Where it stands.
    pub state: RoleState,
    /// Whose approval counts.
    pub by: Vec<Approver>,
}

/// Where a role stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum RoleState {
    /// Filled.
    Approved,
    /// Nobody has approved.
    Missing,
    /// Who approved is needed in another role: one more person must approve.
    NeedsAnotherPerson,
    /// Somebody rejects.
    Rejected,
}

/// Somebody whose approval counts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approver {
    /// User name.
    pub user: String,
    /// Last day.
    pub expires: Date,
    /// When it was made.
    pub at: Option<Timestamp>,
}

/// An approval that does not count.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Void {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Who made it.
    pub approver: String,
    /// Why it does not count.
    pub why: String,
}

/// A person.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonView {
    /// User name.
    pub user: String,
    /// Organisation.
    pub organisation: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Whether the person may work when the project is open.
    pub approved: bool,
    /// Why not.
    pub why: Option<String>,
}

/// The lock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// EgressEnforced.
    pub state: Option<State>,
    /// NamespaceLocked.
    pub namespace: Option<State>,
    /// PoliciesEnforced.
    pub policies: Option<State>,
    /// When the last proof was judged.
    pub proven_at: Option<Timestamp>,
    /// On which node.
    pub node: Option<String>,
    /// Each target and its verdict.
    pub targets: Vec<ProofTarget>,
}

/// The data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Data {
    /// DataVerified.
    pub state: Option<State>,
    /// Grants in force.
    pub grants: Vec<GrantStatus>,
    /// Grants of the spec that are not in force: name and dataset.
    pub waiting: Vec<(String, String)>,
}

/// A workspace. Its address is not shown: nobody but the hub's proxy may use it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceView {
    /// Name.
    pub name: String,
    /// Person.
    pub user: String,
    /// Environment.
    pub environment: String,
    /// Phase.
    pub phase: WorkspacePhase,
    /// Node.
    pub node: Option<String>,
    /// Ready.
    pub ready: Option<State>,
    /// EgressEnforced.
    pub lock: Option<State>,
    /// How many starts in a row were refused.
    pub failed_starts: i64,
}

/// The closure.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosingView {
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Closing: which step and why it waits.
    pub state: Option<State>,
    /// Steps begun.
    pub steps: Vec<ClosingStep>,
    /// What a Closure approval names.
    pub inventory_digest: Option<String>,
    /// Everything that holds or held data.
    pub inventory: Vec<Medium>,
    /// Whose Closure approvals count; none when they are not visible.
    pub approved_by: Vec<String>,
    /// How many people must approve.
    pub approvers_needed: Option<i64>,
    /// Closure approvals that do not count.
    pub void: Vec<Void>,
}

/// The attestation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attestation {
    /// Id of the key that signs: keep the key itself from the start.
    pub key_id: Option<String>,
    /// Name of the record.
    pub record: Option<String>,
    /// How the closure ended.
    pub outcome: Option<Outcome>,
    /// What is claimed.
    pub claim: Option<Claim>,
    /// When it was signed.
    pub issued_at: Option<Timestamp>,
}

/// Everything told of a project at the time `now`.
pub fn view(found: &Found, now: Timestamp) -> ProjectView {
    let project = &found.project;
    let status = project.status.clone().unwrap_or_default();
    let conditions = status.conditions.clone().unwrap_or_default();
    let of = |type_| state(&conditions, type_);
    let record = found.record.as_ref().map(|r| &r.spec);
    ProjectView {
        name: project.metadata.name.clone().unwrap_or_default(),
        uid: project.metadata.uid.clone().unwrap_or_default(),
        title: project.spec.title.clone(),
        custodian: project.spec.custodian.organisation.clone(),
        tier: project.spec.tier.clone(),
        starts: project.spec.schedule.starts,
        expires: project.spec.schedule.expires,
        lifecycle: project.spec.lifecycle,
        phase: status.phase,
        stale: status.observed_generation != project.metadata.generation,
        ready: of(types::READY),
        approvals: sections::approvals(found, &status, of(types::APPROVED), now),
        people: sections::people(found, &status, now),
        lock: Lock {
            state: of(types::EGRESS_ENFORCED),
            namespace: of(types::NAMESPACE_LOCKED),
            policies: of(types::POLICIES_ENFORCED),
            proven_at: status.proof.as_ref().map(|p| p.time.0),
            node: status.proof.as_ref().and_then(|p| p.node.clone()),
            targets: status
                .proof
                .as_ref()
                .map(|p| p.targets.clone())
                .unwrap_or_default(),
        },
        data: sections::data(&project.spec, &status, of(types::DATA_VERIFIED)),
        workspaces: workspaces(&found.workspaces),
        closing: sections::closing(found, &status, of(types::CLOSING), now),
        attestation: Attestation {
            key_id: status.attestation_key.as_ref().map(|k| k.key_id.clone()),
            record: status.destruction_record.clone(),
            outcome: record.map(|r| r.outcome),
            claim: record.map(|r| r.claim),
            issued_at: record.map(|r| r.issued_at.0),
        },
    }
}

fn state(conditions: &[Condition], type_: &str) -> Option<State> {
    find(conditions, type_).map(|c| State {
        status: c.status.clone(),
        reason: c.reason.clone(),
        message: c.message.clone(),
        since: c.last_transition_time.0,
    })
}

fn workspaces(seen: &Seen<Vec<Workspace>>) -> Seen<Vec<WorkspaceView>> {
    match seen {
        Seen::Hidden(why) => Seen::Hidden(why.clone()),
        Seen::Visible(all) => Seen::Visible(all.iter().map(workspace).collect()),
    }
}

fn workspace(workspace: &Workspace) -> WorkspaceView {
    let status = workspace.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    WorkspaceView {
        name: workspace.metadata.name.clone().unwrap_or_default(),
        user: workspace.spec.user.clone(),
        environment: workspace.spec.environment.clone(),
        phase: status.phase,
        node: status.pod.and_then(|p| p.node),
        ready: state(&conditions, types::READY),
        lock: state(&conditions, types::EGRESS_ENFORCED),
        failed_starts: status.failed_starts,
    }
}
