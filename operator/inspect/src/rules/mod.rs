//! The catalogue: every rule as data, with its severity, why it is there, where it comes from, and what to do.
//!
//! Ids are those of the research on airlock rules; where a source is "ours", the number is our choice.

mod documents;
mod generic;
mod history;
mod imports;
mod individual;
mod statistics;

pub use documents::*;
pub use generic::*;
pub use imports::*;
pub use individual::*;
pub use statistics::*;

use serde::Serialize;

use crate::report::Severity;

/// One rule.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id in findings and documentation.
    pub id: &'static str,
    /// What it does to a request.
    pub severity: Severity,
    /// What it looks for.
    pub checks: &'static str,
    /// Why that matters.
    pub rationale: &'static str,
    /// Where the rule or its number comes from.
    pub source: &'static str,
    /// What the researcher should do.
    pub advice: &'static str,
}

/// All rules, in the order of the catalogue.
pub fn table() -> impl Iterator<Item = &'static Rule> {
    [
        generic::ALL,
        individual::ALL,
        statistics::ALL,
        documents::ALL,
        imports::ALL,
        history::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Makes one static a rule, and the list of them, so that none can be left out of the catalogue.
macro_rules! rules {
    ($($name:ident = $id:literal $severity:ident: $checks:literal, $rationale:literal, $source:literal, $advice:literal;)*) => {
        $(
            #[doc = $checks]
            pub static $name: $crate::rules::Rule = $crate::rules::Rule {
                id: $id,
                severity: $crate::report::Severity::$severity,
                checks: $checks,
                rationale: $rationale,
                source: $source,
                advice: $advice,
            };
        )*
        /// Every rule of this file.
        pub static ALL: &[&$crate::rules::Rule] = &[$(&$name),*];
    };
}
use rules;
