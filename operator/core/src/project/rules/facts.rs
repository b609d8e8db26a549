//! What rules look at, and what they say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;
use sde_crds::Evidence;
use sde_crds::dataset::DatasetSpec;
use sde_crds::policy::SdePolicySpec;
use sde_crds::policy_lists::Requirement;
use sde_crds::project::ProjectSpec;

/// Everything a rule may look at.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Name of the Project.
    pub project: &'a str,
    /// The spec that is judged: in force, or the present one while nothing is approved.
    pub spec: &'a ProjectSpec,
    /// The present spec: what it says against somebody acts at once.
    pub present: &'a ProjectSpec,
    /// The policy.
    pub policy: &'a SdePolicySpec,
    /// All Datasets by name.
    pub datasets: &'a BTreeMap<String, DatasetSpec>,
    /// People whose approvals of the judged spec count.
    pub approvers: &'a BTreeSet<String>,
    /// Today.
    pub today: Date,
}

impl Facts<'_> {
    /// Whether the Project's tier asks for `requirement`.
    pub fn requires(&self, requirement: Requirement) -> bool {
        self.policy
            .tiers
            .iter()
            .find(|t| t.name == self.spec.tier)
            .is_some_and(|t| t.requires.iter().flatten().any(|r| *r == requirement))
    }

    /// Datasets that are granted and registered.
    pub fn granted(&self) -> impl Iterator<Item = (&str, &DatasetSpec)> {
        self.spec
            .datasets
            .iter()
            .filter_map(|g| Some((g.dataset.as_str(), self.datasets.get(&g.dataset)?)))
    }
}

/// What a rule shuts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The whole Project.
    Project,
    /// One person.
    Person(String),
    /// One organisation, and so its people.
    Organisation(String),
}

/// A last day that will act.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// Last day on which it holds.
    pub last: Date,
    /// What ends.
    pub what: String,
}

/// What one rule says.
#[derive(Debug)]
pub struct Out {
    pub(super) today: Date,
    pub(super) looked: bool,
    pub(super) found: Vec<(Subject, String)>,
    pub(super) deadlines: Vec<Deadline>,
    pub(super) ended: Vec<Deadline>,
}

impl Out {
    pub(super) fn new(today: Date) -> Self {
        Self {
            today,
            looked: false,
            found: Vec::new(),
            deadlines: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Something is declared that the rule judges.
    pub fn look(&mut self) {
        self.looked = true;
    }

    /// Something is wrong.
    pub fn refuse(&mut self, subject: &Subject, text: impl Into<String>) {
        self.looked = true;
        self.found.push((subject.clone(), text.into()));
    }

    /// Something that holds through `last`. What is over is refused, what is not will be.
    pub fn until(&mut self, subject: &Subject, what: &str, last: Date, renew: &str) {
        let deadline = Deadline {
            last,
            what: what.to_owned(),
        };
        self.looked = true;
        if self.today > last {
            self.ended.push(deadline);
            self.refuse(subject, format!("{what} expired on {last}: {renew}."));
        } else {
            self.deadlines.push(deadline);
        }
    }

    /// Evidence that must be of today or before, and not be over.
    pub fn evidence(&mut self, subject: &Subject, what: &str, evidence: &Evidence, renew: &str) {
        self.looked = true;
        if evidence.date > self.today {
            let date = evidence.date;
            self.refuse(
                subject,
                format!("{what} is dated {date}, which is to come: correct it."),
            );
        }
        if let Some(last) = evidence.expires {
            self.until(subject, what, last, renew);
        }
    }

    /// Evidence that may be demanded.
    pub fn demanded(
        &mut self,
        subject: &Subject,
        what: &str,
        evidence: Option<&Evidence>,
        demanded: bool,
        renew: &str,
    ) {
        match evidence {
            Some(evidence) => self.evidence(subject, what, evidence, renew),
            None if demanded => self.refuse(subject, format!("{what} is missing: {renew}.")),
            None => {}
        }
    }

    /// A list that is true as of a day and may be relied on for so many days. Says whether it may be today.
    pub fn list(&mut self, what: &str, as_of: Date, days: i64) -> bool {
        self.looked = true;
        let last = as_of.checked_add(days.days()).unwrap_or(Date::MIN);
        let fresh = as_of <= self.today && self.today <= last;
        if fresh {
            self.deadlines.push(Deadline {
                last,
                what: what.to_owned(),
            });
        } else {
            self.refuse(
                &Subject::Project,
                format!("{what} is of {as_of} and may be relied on through {last}: nothing opens on a list that is stale or dated ahead. Bring the SdePolicy up to date."),
            );
        }
        fresh
    }
}
