//! Which approval may be created, or why none. Pure. Says before the API server does what would be refused or void.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sde_crds::project::Lifecycle;
use sde_crds::project_approval::{ApprovalRole, Decision};
use sde_crds::{Project, ProjectApproval, ProjectApprovalSpec};

use crate::approvals::short;
use crate::closing::inventory;
use crate::project::validate::spec_digest;
use crate::refusal::Refusal;
use crate::time;

/// How long a Closure approval counts unless told otherwise, in days: the inventory is frozen and nothing should wait for long.
const CLOSURE_DAYS: i64 = 30;

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Role.
    pub role: ApprovalRole,
    /// Decision.
    pub decision: Decision,
    /// Last day, if given.
    pub expires: Option<Date>,
    /// Reference of the record.
    pub reference: Option<String>,
    /// Who decides, as the API server knows them.
    pub approver: String,
}

/// The approval to create.
///
/// # Errors
/// [`Refusal::Refused`] with what to do, [`Refusal::Incomplete`] for a date that is past.
pub fn plan(
    project: &Project,
    existing: &[ProjectApproval],
    request: &Request,
    now: Timestamp,
) -> Result<ProjectApproval, Refusal> {
    let name = project.metadata.name.clone().unwrap_or_default();
    let uid = project.metadata.uid.clone().unwrap_or_default();
    let digest = digest(project, request.role)?;
    if request.decision != Decision::Revoked {
        eligible(project, &request.approver)?;
    }
    let expires = expires(project, request, now)?;
    let mine: Vec<_> = existing
        .iter()
        .filter(|a| {
            a.spec.role == request.role
                && a.spec.project_uid == uid
                && a.spec.digest == digest
                && a.spec.approver == request.approver
        })
        .collect();
    not_twice(&mine, request, expires)?;
    Ok(ProjectApproval {
        metadata: ObjectMeta {
            name: Some(object_name(&name, request, &digest, expires)),
            ..ObjectMeta::default()
        },
        spec: ProjectApprovalSpec {
            project: name,
            project_uid: uid,
            role: request.role,
            decision: request.decision,
            digest,
            approver: request.approver.clone(),
            submitted_by: project.spec.submitted_by.clone(),
            expires,
            reference: request.reference.clone(),
        },
    })
}

/// The digest in the status, if it is of what is shown here: it is computed again.
fn digest(project: &Project, role: ApprovalRole) -> Result<String, Refusal> {
    let name = project.metadata.name.clone().unwrap_or_default();
    let uid = project.metadata.uid.clone().unwrap_or_default();
    let status = project.status.clone().unwrap_or_default();
    let refuse = |text: String| Err(Refusal::Refused(text));
    let (told, ours) = if role == ApprovalRole::Closure {
        if project.spec.lifecycle != Lifecycle::Closed {
            return refuse(format!(
                "project {name} is not being closed, so there is nothing to destroy: closing it comes first"
            ));
        }
        let closing = status
            .closing
            .unwrap_or_else(|| sde_crds::project_status::ClosingStatus {
                requested_at: Time(Timestamp::UNIX_EPOCH),
                inventory_digest: None,
                inventory: None,
                airlock: None,
                steps: Vec::new(),
            });
        (
            closing.inventory_digest,
            inventory::digest(
                &uid,
                &project.spec.closure,
                &closing.inventory.unwrap_or_default(),
            ),
        )
    } else {
        if project.spec.lifecycle == Lifecycle::Closed {
            return refuse(format!(
                "project {name} is closed for good: only role Closure can still be decided"
            ));
        }
        (status.spec_digest, spec_digest(&uid, &project.spec))
    };
    match told {
        None if role == ApprovalRole::Closure => refuse(format!(
            "the inventory of {name} is not taken yet: that waits until nothing runs. Approve then"
        )),
        None => refuse(format!(
            "the controller has not yet put a digest of {name} into its status: wait a moment, and if it stays so, tell the platform team"
        )),
        Some(told) if told != ours => refuse(format!(
            "the digest in the status, {}, is not of what is there now, {}: the spec has just changed, or this program is of another version than the controller. Try again in a moment",
            short(&told),
            short(&ours)
        )),
        Some(told) => Ok(told),
    }
}

/// The API server refuses these, or the controller voids them.
fn eligible(project: &Project, approver: &str) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::Refused(text));
    if approver == project.spec.submitted_by {
        return refuse(format!(
            "you are {approver}, who submitted this spec, and nobody approves their own: another person must approve"
        ));
    }
    if project.spec.people.iter().any(|p| p.user == approver) {
        return refuse(format!(
            "you are {approver}, one of the project's people: somebody outside it must approve"
        ));
    }
    if approver.starts_with("system:") {
        return refuse(format!(
            "you are {approver}, and approvals are decisions of people: log in as yourself"
        ));
    }
    Ok(())
}

fn expires(project: &Project, request: &Request, now: Timestamp) -> Result<Date, Refusal> {
    let today = time::today(now);
    let default = if request.role == ApprovalRole::Closure {
        today.checked_add(CLOSURE_DAYS.days()).unwrap_or(today)
    } else {
        project.spec.schedule.expires
    };
    let expires = request.expires.unwrap_or(default);
    if expires < today && request.expires.is_none() {
        return Err(Refusal::Incomplete(format!(
            "the project's last day, {expires}, is past: say how long your decision counts"
        )));
    }
    if expires < today {
        return Err(Refusal::Incomplete(format!(
            "the last day, {expires}, is past: today is {today}"
        )));
    }
    Ok(expires)
}

fn not_twice(mine: &[&ProjectApproval], request: &Request, expires: Date) -> Result<(), Refusal> {
    let find = |decision| {
        mine.iter()
            .filter(move |a| a.spec.decision == decision)
            .max_by_key(|a| a.spec.expires)
    };
    let named = |a: &ProjectApproval| a.metadata.name.clone().unwrap_or_default();
    let refuse = |text: String| Err(Refusal::Refused(text));
    if let Some(revoked) = find(Decision::Revoked) {
        return refuse(format!(
            "you have withdrawn from this role for these very bytes ({}), and that stays: another person must approve, or the spec must change",
            named(revoked)
        ));
    }
    match (request.decision, find(request.decision)) {
        (Decision::Revoked, _) if find(Decision::Approved).is_none() => refuse(
            "there is no approval of yours in this role for these bytes to withdraw".to_owned(),
        ),
        // A longer one renews.
        (Decision::Approved | Decision::Rejected, Some(earlier))
            if earlier.spec.expires >= expires =>
        {
            refuse(format!(
                "you have decided so already: {} counts through {}",
                named(earlier),
                earlier.spec.expires
            ))
        }
        _ => Ok(()),
    }
}

/// The same decision always has the same name, so that saying it twice creates it once.
fn object_name(project: &str, request: &Request, digest: &str, expires: Date) -> String {
    let text = format!(
        "{}\n{digest}\n{:?}\n{expires}",
        request.approver, request.decision
    );
    let hash = sde_evidence::sha256(text.as_bytes()).hex();
    let role = request.role.to_string().to_lowercase();
    format!("{project}-{role}-{}", hash.get(..10).unwrap_or_default())
}
