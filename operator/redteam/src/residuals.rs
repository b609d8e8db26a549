//! The residual list: attacks that are known to work, who owns that, and how use of it is seen. Asserted exactly.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{RedteamError, Result};
use crate::judge::Verdict;
use crate::report::Finding;

const FILE: &str = include_str!("residuals.yaml");

/// One residual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Residual {
    /// Its name in the threat model.
    pub id: String,
    /// What stays possible, in a sentence.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it is open.
    pub reason: String,
    /// How its use is seen.
    pub detected: String,
    /// Findings that are open although the policies are loaded from disk.
    #[serde(default)]
    pub findings: Vec<String>,
    /// Findings that are open besides where the policies are only loaded through the API.
    #[serde(default)]
    pub api_form: Vec<String>,
}

/// The list.
///
/// # Errors
/// When the file does not parse.
pub fn list() -> Result<Vec<Residual>> {
    serde_yaml_ng::from_str(FILE).map_err(|error| RedteamError::malformed("residuals.yaml", error))
}

/// Which residual each open finding belongs to, with the static form and on the API form alone.
pub fn by_finding(list: &[Residual]) -> (BTreeMap<&str, &str>, BTreeMap<&str, &str>) {
    let with = |of: fn(&Residual) -> &Vec<String>| {
        list.iter()
            .flat_map(|r| of(r).iter().map(|f| (f.as_str(), r.id.as_str())))
            .collect()
    };
    (with(|r| &r.findings), with(|r| &r.api_form))
}

/// What is wrong with a cluster: an attack that is open beyond the list, or inconclusive.
pub fn beyond(findings: &[Finding], list: &[Residual]) -> Vec<String> {
    let (known, _) = by_finding(list);
    let problem = |finding: &Finding| {
        let id = finding.id.as_str();
        match finding.verdict {
            Verdict::Open if !known.contains_key(id) => Some(format!(
                "{id} is open: attempt {}; witness {}",
                finding.attempt, finding.witness
            )),
            Verdict::Inconclusive => Some(format!(
                "{id} is inconclusive: attempt {}; control {}; witness {}",
                finding.attempt, finding.control, finding.witness
            )),
            _ => None,
        }
    };
    findings.iter().filter_map(problem).collect()
}

/// What is wrong with a run on our own range: what is [`beyond`] the list, and a residual that is not open.
/// Residuals of attacks that were not tried in this run are left out.
pub fn problems(findings: &[Finding], list: &[Residual]) -> Vec<String> {
    let (known, known_api) = by_finding(list);
    let mut problems = beyond(findings, list);
    for finding in findings {
        let id = finding.id.as_str();
        if let (Verdict::Blocked | Verdict::NotApplicable, Some(residual)) =
            (finding.verdict, known.get(id))
        {
            problems.push(format!(
                "{id} is on the residual list ({residual}) and is not open: take it off"
            ));
        }
        let listed = known.contains_key(id) || known_api.contains_key(id);
        match (finding.api_form, listed) {
            (Some(Verdict::Open), false) => {
                problems.push(format!("{id} is open on the API form and not listed"))
            }
            (Some(Verdict::Inconclusive), _) => {
                problems.push(format!("{id} is inconclusive on the API form"))
            }
            (Some(Verdict::Blocked | Verdict::NotApplicable), _) if known_api.contains_key(id) => {
                problems.push(format!(
                    "{id} is listed as open on the API form and is not: take it off"
                ))
            }
            _ => {}
        }
    }
    problems
}

/// Findings named in the list that no attack of the catalogue gives.
pub fn unknown<'a>(list: &'a [Residual], ids: &BTreeSet<String>) -> Vec<&'a str> {
    list.iter()
        .flat_map(|r| r.findings.iter().chain(&r.api_form))
        .map(String::as_str)
        .filter(|id| !ids.contains(*id))
        .collect()
}

/// The list as a page of the documentation.
pub fn page(list: &[Residual]) -> String {
    let mut text = String::from(
        "# Residual list\n\n\
         What the red team ([how it works](red-team.md)) can still do. A run of `cargo e2e test redteam` fails when \
         anything else is open, when a verdict is inconclusive, and when something below is no longer open. This page \
         is made from `operator/redteam/src/residuals.yaml`; what no attack can show (side channels, people) is in the \
         [threat model](threat-model.md).\n\n\
         *Always* names findings that are open although the policies are loaded from disk. *API form* names those that \
         are open besides where they are only loaded through the API: whoever may delete the policies' bindings does so first.\n",
    );
    for residual in list {
        let names = |ids: &[String]| {
            ids.iter()
                .map(|id| format!("`{id}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        text += &format!(
            "\n## {}: {}\n\n- **Owner**: {}\n- **Why**: {}\n- **How its use is seen**: {}\n",
            residual.id, residual.title, residual.owner, residual.reason, residual.detected
        );
        if !residual.findings.is_empty() {
            text += &format!("- **Always**: {}\n", names(&residual.findings));
        }
        if !residual.api_form.is_empty() {
            text += &format!("- **API form**: {}\n", names(&residual.api_form));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::report::tests::finding;

    fn listed(id: &str) -> Vec<Residual> {
        vec![Residual {
            id: "R1".to_owned(),
            title: "t".to_owned(),
            owner: "o".to_owned(),
            reason: "r".to_owned(),
            detected: "d".to_owned(),
            findings: vec![id.to_owned()],
            api_form: Vec::new(),
        }]
    }

    #[test]
    fn the_list_is_exact_both_ways() {
        let open = [finding("A", Verdict::Open)];
        assert_eq!(problems(&open, &listed("A")), Vec::<String>::new());
        assert_eq!(problems(&open, &[]).len(), 1);
        let blocked = [finding("A", Verdict::Blocked)];
        assert_eq!(problems(&blocked, &listed("A")).len(), 1);
        assert_eq!(beyond(&blocked, &listed("A")), Vec::<String>::new());
        assert_eq!(problems(&blocked, &[]), Vec::<String>::new());
        let unsure = [finding("A", Verdict::Inconclusive)];
        assert_eq!(problems(&unsure, &listed("A")).len(), 1);
    }

    #[test]
    fn the_api_form_is_exact_too() {
        let mut one = finding("A", Verdict::Blocked);
        one.api_form = Some(Verdict::Open);
        assert_eq!(problems(&[one.clone()], &[]).len(), 1);
        let mut list = listed("B");
        list[0].api_form = vec!["A".to_owned()];
        assert_eq!(problems(&[one.clone()], &list), Vec::<String>::new());
        one.api_form = Some(Verdict::Blocked);
        assert_eq!(problems(&[one], &list).len(), 1);
    }

    #[test]
    fn it_names_attacks_that_exist() {
        let ids = catalogue::all()
            .expect("the catalogue parses")
            .iter()
            .flat_map(|(group, attack)| catalogue::finding_ids(*group, attack))
            .collect();
        let list = list().expect("the list parses");
        assert_eq!(unknown(&list, &ids), Vec::<&str>::new());
    }

    /// `SDE_BLESS=1` writes the page.
    #[test]
    fn the_page_is_the_list() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/residuals.md");
        let page = page(&list().expect("the list parses"));
        if std::env::var_os("SDE_BLESS").is_some() {
            std::fs::write(&path, &page).expect("docs/src can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == page,
            "docs/src/residuals.md is old: SDE_BLESS=1 cargo test -p sde-redteam residuals"
        );
    }
}
