//! The page: self-contained, without scripts, readable by a screen reader and on paper.

use std::collections::BTreeMap;

use minijinja::{Environment, context};

use super::Report;
use crate::catalogue::Group;

const TEMPLATE: &str = include_str!("report.html");

/// The groups in the page's order, each with what it is.
const GROUPS: [(Group, &str); 6] = [
    (Group::Network, "Ways out of a notebook's network"),
    (Group::Data, "Writing to data that is read-only"),
    (Group::Escape, "Out of the container"),
    (Group::Resources, "Taking what others need"),
    (Group::Api, "Through the API server"),
    (Group::Time, "Over time"),
];

/// Renders the report.
///
/// # Errors
/// When the template is wrong.
pub fn page(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("report.html", TEMPLATE)?;
    let groups: Vec<_> = GROUPS
        .iter()
        .map(|(group, title)| {
            let findings: Vec<_> = report
                .findings
                .iter()
                .filter(|finding| finding.group == *group)
                .collect();
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for finding in &findings {
                *counts.entry(finding.verdict.name()).or_default() += 1;
            }
            context! { title, findings, counts }
        })
        .collect();
    environment
        .get_template("report.html")?
        .render(context! { report, groups })
}
