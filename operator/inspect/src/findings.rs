//! Collects findings: one a rule and layer, counted, so that memory is bounded and people read each once.

use crate::limits::Limits;
use crate::report::{Facts, Finding, Place};
use crate::rules::{self, Rule};

/// What was found until now.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    max: usize,
    /// What else is known.
    pub facts: Facts,
}

impl Findings {
    /// None yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            max: limits.findings.max(1),
            ..Self::default()
        }
    }

    /// `rule` is broken here.
    pub fn add(&mut self, rule: &'static Rule, place: &Place, what: impl Into<String>) {
        self.count(rule, place, 1, what);
    }

    /// `rule` is broken `count` times in this layer, first here.
    pub fn count(
        &mut self,
        rule: &'static Rule,
        place: &Place,
        count: u64,
        what: impl Into<String>,
    ) {
        let same = |f: &&mut Finding| f.rule == rule.id && f.place.inside == place.inside;
        if let Some(known) = self.list.iter_mut().find(same) {
            known.count = known.count.saturating_add(count);
        } else if self.list.len() < self.max {
            self.list
                .push(Finding::new(rule, place.clone(), count, what.into()));
        } else {
            self.overflow(rule, place, count, what.into());
        }
    }

    /// Full: the same rule elsewhere counts there; a graver one takes the place of the least grave.
    fn overflow(&mut self, rule: &'static Rule, place: &Place, count: u64, what: String) {
        if let Some(known) = self.list.iter_mut().find(|f| f.rule == rule.id) {
            known.count = known.count.saturating_add(count);
            return;
        }
        let least = self.list.iter_mut().min_by_key(|f| f.severity);
        if let Some(least) = least.filter(|f| f.severity < rule.severity) {
            *least = Finding::new(rule, place.clone(), count, what);
        }
    }

    /// Something could not be read.
    pub fn unread(&mut self, place: &Place, why: impl Into<String>) {
        self.add(&rules::G019, place, why);
    }

    /// Gravest first, then by rule and place.
    pub fn into_sorted(mut self) -> (Vec<Finding>, Facts) {
        self.list.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| a.rule.cmp(b.rule))
                .then_with(|| a.place.cmp(&b.place))
        });
        (self.list, self.facts)
    }
}
