//! Conditions in Cluster API's manner: set on every visit, transition time only on change, whole seconds.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::time;

/// Condition types.
pub mod types {
    /// Summary: people can work.
    pub const READY: &str = "Ready";
    /// The approvals that SdePolicy asks for exist, for the spec in force.
    pub const APPROVED: &str = "Approved";
    /// People and their organisations are approved and current.
    pub const PEOPLE_APPROVED: &str = "PeopleApproved";
    /// Organisations are approved, assessed and of a sector that may have the data.
    pub const ORGANISATIONS_APPROVED: &str = "OrganisationsApproved";
    /// Legal basis, ethics, benefit and risk are recorded and current.
    pub const GOVERNANCE_VALID: &str = "GovernanceValid";
    /// The declared use fits the Datasets' terms.
    pub const CONSENT_MATCHED: &str = "ConsentMatched";
    /// What is granted is what was approved, and no more.
    pub const MINIMISED: &str = "Minimised";
    /// The environment is the holder's own or assessed in advance.
    pub const SETTING_APPROVED: &str = "SettingApproved";
    /// Access from abroad has a basis, and nobody is under sanctions.
    pub const TRANSFERS_LAWFUL: &str = "TransfersLawful";
    /// Nothing that the Project rests on has ended; True with a warning when something soon will.
    pub const EVIDENCE_CURRENT: &str = "EvidenceCurrent";
    /// The SdePolicy was held against the guidance in time.
    pub const POLICY_REVIEWED: &str = "PolicyReviewed";
    /// Whether declared places of access are enforced.
    pub const LOCATION_ENFORCED: &str = "LocationEnforced";
    /// Copies handed out earlier are confirmed as destroyed.
    pub const LEGACY_COPIES_RESOLVED: &str = "LegacyCopiesResolved";
    /// The admission policies refuse what they must, in the form that the tier asks for.
    pub const POLICIES_ENFORCED: &str = "PoliciesEnforced";
    /// Namespace, quota and policies are as desired.
    pub const NAMESPACE_LOCKED: &str = "NamespaceLocked";
    /// The lock was proven by trying to break it.
    pub const EGRESS_ENFORCED: &str = "EgressEnforced";
    /// The mounted data is what the custodian registered.
    pub const DATA_VERIFIED: &str = "DataVerified";
    /// The data is mounted in this workspace, read-only.
    pub const DATA_MOUNTED: &str = "DataMounted";
    /// The project is being closed.
    pub const CLOSING: &str = "Closing";
    /// What is to cross the boundary has been copied and digested.
    pub const SEALED: &str = "Sealed";
    /// It was scanned.
    pub const SCANNED: &str = "Scanned";
    /// Enough people have agreed.
    pub const REVIEWED: &str = "Reviewed";
    /// The copy that was made of it is gone again.
    pub const CHAMBER_DESTROYED: &str = "ChamberDestroyed";
}

/// True, False or Unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Holds.
    True,
    /// Does not hold.
    False,
    /// Not known.
    Unknown,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Builds the conditions of one visit on those of the last.
#[derive(Debug)]
pub struct Conditions<'a> {
    previous: &'a [Condition],
    generation: Option<i64>,
    now: Timestamp,
    set: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    /// Starts from what the status holds now.
    pub fn new(
        previous: Option<&'a Vec<Condition>>,
        generation: Option<i64>,
        now: Timestamp,
    ) -> Self {
        Self {
            previous: previous.map_or(&[], Vec::as_slice),
            generation,
            now,
            set: Vec::new(),
        }
    }

    /// Sets one condition; its transition time is kept unless the status changed.
    pub fn set(&mut self, type_: &str, status: Status, reason: &str, message: impl Into<String>) {
        let since = self
            .previous
            .iter()
            .find(|c| c.type_ == type_ && c.status == status.as_str())
            .map_or_else(
                || time::seconds(self.now),
                |c| c.last_transition_time.clone(),
            );
        self.set.retain(|c| c.type_ != type_);
        self.set.push(Condition {
            type_: type_.to_owned(),
            status: status.as_str().to_owned(),
            reason: reason.to_owned(),
            message: message.into(),
            observed_generation: self.generation,
            last_transition_time: since,
        });
    }

    /// Keeps a condition of the last visit as it was; false when there was none.
    pub fn keep(&mut self, type_: &str) -> bool {
        let Some(condition) = find(self.previous, type_) else {
            return false;
        };
        self.set.push(condition.clone());
        true
    }

    /// What was set, in the order it was set.
    pub fn finish(self) -> Vec<Condition> {
        self.set
    }
}

/// The condition of a type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Whether a condition of a type is True.
pub fn is_true(conditions: Option<&Vec<Condition>>, type_: &str) -> bool {
    conditions.is_some_and(|c| find(c, type_).is_some_and(|c| c.status == "True"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transition_time_changes_only_with_the_status() {
        let mut first = Conditions::new(None, Some(1), "2026-11-21T10:00:00.5Z".parse().unwrap());
        first.set(types::READY, Status::False, "Waiting", "a");
        let first = first.finish();
        let mut second = Conditions::new(
            Some(&first),
            Some(2),
            "2026-11-21T11:00:00Z".parse().unwrap(),
        );
        second.set(types::READY, Status::False, "Other", "b");
        let second = second.finish();
        assert_eq!(
            second[0].last_transition_time,
            first[0].last_transition_time
        );
        assert_eq!(second[0].observed_generation, Some(2));
        let mut third = Conditions::new(
            Some(&second),
            Some(2),
            "2026-11-21T12:00:00Z".parse().unwrap(),
        );
        third.set(types::READY, Status::True, "Ready", "c");
        assert_eq!(
            third.finish()[0].last_transition_time.0.to_string(),
            "2026-11-21T12:00:00Z"
        );
    }
}
