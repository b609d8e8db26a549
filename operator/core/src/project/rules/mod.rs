//! Safe people, projects, data and transfers: every rule is one entry of [`TABLE`], with the row of the guidance it
//! carries (R1-R108 of the requirements matrix), the condition it shows in, and who can change what it refuses.
//!
//! A rule is judged whenever what it looks at is declared; a tier decides what must be declared.

mod consent;
mod facts;
mod governance;
mod people;
mod setting;
mod transfers;
mod upkeep;

use std::collections::BTreeSet;
use std::fmt;

use facts::Out;
pub use facts::{Deadline, Facts, Subject};
pub use transfers::{abroad, adequacy};

use crate::rejection::Rejection;

/// Who can change what a rule refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever holds the data, in the Project or the Dataset.
    Custodian,
    /// The platform team, in the SdePolicy.
    Platform,
    /// An organisation, by its own decision; the custodian then records it.
    Organisation,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Custodian => "the custodian can change this",
            Self::Platform => "the platform team can change this",
            Self::Organisation => "only an organisation can judge this; the custodian records it",
        })
    }
}

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name in messages and documentation.
    pub id: &'static str,
    /// Rows of the requirements matrix.
    pub rows: &'static str,
    /// What it checks.
    pub checks: &'static str,
    /// Who can change what it refuses.
    pub who: Who,
    /// Condition it shows in.
    pub condition: &'static str,
    /// Reason of that condition, and of Ready when nothing opens for it.
    pub reason: &'static str,
    /// Whether it keeps the Project (or the person) shut, or only tells.
    pub acts: bool,
    check: fn(&Facts<'_>, &mut Out),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// All rules, in the order in which they are told.
pub fn table() -> impl Iterator<Item = &'static Rule> {
    [
        people::RULES,
        governance::RULES,
        consent::RULES,
        setting::RULES,
        transfers::RULES,
        upkeep::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Something a rule found wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The rule.
    pub rule: &'static Rule,
    /// What is shut for it.
    pub subject: Subject,
    /// What is wrong and what to do, without the rule's name.
    pub text: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { id, rows, who, .. } = self.rule;
        let mut rest = self.text.chars();
        let first = rest.next().into_iter().flat_map(char::to_uppercase);
        write!(
            f,
            "{}{} [{id}, {rows}: {who}]",
            first.collect::<String>(),
            rest.as_str()
        )
    }
}

/// What all the rules say of one spec.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// What is wrong.
    pub found: Vec<Found>,
    /// Conditions of which some rule had something to look at.
    pub looked: BTreeSet<&'static str>,
    /// Ends that will act.
    pub deadlines: Vec<Deadline>,
    /// Ends that are over.
    pub ended: Vec<Deadline>,
}

/// Applies every rule.
pub fn judge(facts: &Facts<'_>) -> Judged {
    let mut judged = Judged::default();
    for rule in table() {
        let mut out = Out::new(facts.today);
        (rule.check)(facts, &mut out);
        if out.looked {
            judged.looked.insert(rule.condition);
        }
        judged.deadlines.extend(out.deadlines);
        judged.ended.extend(out.ended);
        judged
            .found
            .extend(out.found.into_iter().map(|(subject, text)| Found {
                rule,
                subject,
                text,
            }));
    }
    judged.deadlines.sort();
    judged.deadlines.dedup();
    judged.ended.sort();
    judged.ended.dedup();
    judged
}

impl Judged {
    /// What keeps the whole Project shut.
    pub fn rejections(&self) -> Vec<Rejection> {
        self.found
            .iter()
            .filter(|f| f.rule.acts && f.subject == Subject::Project)
            .map(|f| Rejection::new(f.rule.reason, f.to_string()))
            .collect()
    }

    /// Why a person has no access, of themselves or of their organisation.
    pub fn excludes(&self, user: &str, organisation: &str) -> Option<&Found> {
        self.found.iter().find(|f| {
            f.rule.acts
                && match &f.subject {
                    Subject::Project => false,
                    Subject::Person(of) => of == user,
                    Subject::Organisation(of) => of == organisation,
                }
        })
    }

    /// Findings of a condition.
    pub fn of(&self, condition: &str) -> impl Iterator<Item = &Found> {
        self.found
            .iter()
            .filter(move |f| f.rule.condition == condition)
    }
}
