//! Which approvals count: for exactly these bytes, by other people, current and not withdrawn (design promises 4 and 5).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use sde_crds::ProjectApproval;
use sde_crds::project::ProjectSpec;
use sde_crds::project_approval::{ApprovalRole, Decision};

use crate::labels::ProjectId;
use crate::project::rules::Deadline;
use crate::time;

/// What the approvals say of one digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// People who approve, by role.
    pub approved: BTreeMap<ApprovalRole, BTreeSet<String>>,
    /// Approvals that were looked at and do not count, with why.
    pub void: Vec<(String, String)>,
    /// Roles in which someone rejects.
    pub rejected: BTreeSet<ApprovalRole>,
    /// Last day of each approval that counts, the latest where one person gave several.
    pub last: BTreeMap<(ApprovalRole, String), Date>,
}

/// Reads the approvals of one project for one digest. `spec` is the spec that the digest is of: its
/// submitter and its people cannot approve it.
pub fn decide(
    id: &ProjectId,
    spec: &ProjectSpec,
    digest: &str,
    approvals: &[ProjectApproval],
    now: Timestamp,
) -> Decided {
    let mut decided = Decided {
        approved: BTreeMap::new(),
        void: Vec::new(),
        rejected: BTreeSet::new(),
        last: BTreeMap::new(),
    };
    let mut revoked = BTreeSet::new();
    let mut yes = Vec::new();
    // The approvals of a spec say nothing of a closure, and the other way round.
    let closure = digest.starts_with("inventory:");
    let of_kind = |a: &&ProjectApproval| (a.spec.role == ApprovalRole::Closure) == closure;
    let named = approvals.iter().filter(|a| a.spec.project == id.name);
    for approval in named.filter(of_kind) {
        let name = approval.metadata.name.clone().unwrap_or_default();
        let of = &approval.spec;
        // Withdrawing is believed even when an approval would not be: it only locks.
        if of.decision == Decision::Revoked && of.project_uid == id.uid && of.digest == digest {
            revoked.insert((of.role, of.approver.clone()));
            continue;
        }
        if let Some(why) = void(id, spec, digest, approval, now) {
            decided.void.push((name, why));
        } else if of.decision == Decision::Rejected {
            decided.rejected.insert(of.role);
        } else {
            yes.push((of.role, of.approver.clone(), of.expires));
        }
    }
    for (role, approver, expires) in yes {
        let key = (role, approver.clone());
        if !revoked.contains(&key) {
            decided.approved.entry(role).or_default().insert(approver);
            let last = decided.last.entry(key).or_insert(expires);
            *last = expires.max(*last);
        }
    }
    decided.void.sort();
    decided
}

fn void(
    id: &ProjectId,
    spec: &ProjectSpec,
    digest: &str,
    approval: &ProjectApproval,
    now: Timestamp,
) -> Option<String> {
    let of = &approval.spec;
    if of.project_uid != id.uid {
        return Some("it names another Project's UID".to_owned());
    }
    if of.digest != digest {
        return Some(format!("it is for {}", short(&of.digest)));
    }
    if of.submitted_by != spec.submitted_by {
        return Some("its submittedBy is not the Project's".to_owned());
    }
    if of.approver == spec.submitted_by {
        return Some("the approver submitted the spec".to_owned());
    }
    if spec.people.iter().any(|p| p.user == of.approver) {
        return Some("the approver is one of the project's people".to_owned());
    }
    time::expired(of.expires, now).then(|| format!("it expired on {}", of.expires))
}

/// The first characters of a digest, enough for people to compare.
pub fn short(digest: &str) -> String {
    let end = digest.rfind(':').map_or(0, |i| i + 1) + 12;
    format!("{}...", digest.get(..end).unwrap_or(digest))
}

impl Decided {
    /// Roles of `required` that cannot all be filled by distinct people; empty when the spec is approved.
    pub fn missing(&self, required: &[ApprovalRole]) -> Vec<ApprovalRole> {
        let mut holder: BTreeMap<&str, ApprovalRole> = BTreeMap::new();
        required
            .iter()
            .copied()
            .filter(|role| !self.fill(*role, &mut holder, &mut BTreeSet::new()))
            .collect()
    }

    /// Kuhn's augmenting path: gives `role` a person, moving others to another of theirs where needed.
    fn fill<'a>(
        &'a self,
        role: ApprovalRole,
        holder: &mut BTreeMap<&'a str, ApprovalRole>,
        tried: &mut BTreeSet<&'a str>,
    ) -> bool {
        let Some(people) = self.approved.get(&role) else {
            return false;
        };
        for person in people {
            if !tried.insert(person) {
                continue;
            }
            let free = match holder.get(person.as_str()).copied() {
                None => true,
                Some(other) => self.fill(other, holder, tried),
            };
            if free {
                holder.insert(person, role);
                return true;
            }
        }
        false
    }

    /// Everybody whose approval counts, in whatever role.
    pub fn approvers(&self) -> BTreeSet<String> {
        self.approved.values().flatten().cloned().collect()
    }

    /// When each role of `required` will no longer be filled by as many people as it takes.
    pub fn deadlines(&self, required: &[ApprovalRole]) -> Vec<Deadline> {
        let roles: BTreeSet<ApprovalRole> = required.iter().copied().collect();
        let ends = |role: ApprovalRole| {
            let people = required.iter().filter(|r| **r == role).count();
            let mut last: Vec<Date> = self
                .last
                .iter()
                .filter(|((of, _), _)| *of == role)
                .map(|(_, last)| *last)
                .collect();
            last.sort_unstable_by(|a, b| b.cmp(a));
            last.get(people.saturating_sub(1)).copied()
        };
        roles
            .into_iter()
            .filter_map(|role| {
                Some(Deadline {
                    last: ends(role)?,
                    what: format!("approval in role {role}"),
                })
            })
            .collect()
    }

    /// Distinct people who approve in `role`.
    pub fn count(&self, role: ApprovalRole) -> usize {
        self.approved.get(&role).map_or(0, BTreeSet::len)
    }

    /// What does not count and why, as one sentence; empty when there is nothing to say.
    pub fn explain(&self) -> String {
        if self.void.is_empty() {
            return String::new();
        }
        let list = self
            .void
            .iter()
            .take(4)
            .map(|(name, why)| format!("{name}: {why}"))
            .collect::<Vec<_>>();
        format!(" Not counted: {}.", list.join("; ").trim_end_matches('.'))
    }
}
