//! What the benchmark is known to find wrong: the table in the documentation between two marks, asserted exactly.

use std::collections::BTreeSet;

use crate::cluster::error::Result;
use crate::cluster::paths;

const BEGIN: &str = "<!-- bench airlock: known -->";
const END: &str = "<!-- bench airlock: end -->";

/// One thing that is not as it should be: a file, what was done with it, what happens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Format, or honest result.
    pub what: String,
    /// Disguise; `as it is` for honest results.
    pub disguise: String,
    /// `passes`, `held` (an honest result), or `another rule`.
    pub happens: String,
}

/// The documentation's list.
///
/// # Errors
/// When the page cannot be read.
pub fn known() -> Result<BTreeSet<Known>> {
    let page = paths::read(&paths::repository().join("docs/src/airlock-inspect.md"))?;
    Ok(parse(&page))
}

fn parse(page: &str) -> BTreeSet<Known> {
    let listed = page
        .split(BEGIN)
        .nth(1)
        .and_then(|rest| rest.split(END).next());
    let rows = listed
        .unwrap_or_default()
        .lines()
        .filter(|l| l.starts_with('|'));
    // Names of columns and the line under them.
    rows.skip(2)
        .filter_map(|row| {
            let mut cells = row.split('|').skip(1).map(|c| c.trim().to_owned());
            Some(Known {
                what: cells.next()?,
                disguise: cells.next()?,
                happens: cells.next()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_from_the_page() {
        let page = format!(
            "x\n{BEGIN}\n\n| a | b | c | why |\n|---|---|---|---|\n| BED | zip | passes | since |\n{END}\n| y | z | w |"
        );
        let found: Vec<Known> = parse(&page).into_iter().collect();
        let wanted = Known {
            what: "BED".into(),
            disguise: "zip".into(),
            happens: "passes".into(),
        };
        assert_eq!(found, [wanted]);
        assert!(known().is_ok());
    }
}
