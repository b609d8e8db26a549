//! The table of requirements: `docs/requirements.yaml` as a page, with what carries each row of the guidance.

use serde::Deserialize;

/// One row of the requirements matrix and what carries it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// R1 to R79.
    pub row: String,
    /// What the guidance expects, in a few words.
    pub title: String,
    /// Fields, `Kind.path`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Conditions, `Kind/Type Reason`.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// Files of `policies/`, without `.yaml`.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Test functions, and titles of cases in `e2e/`.
    #[serde(default)]
    pub tests: Vec<String>,
    /// What only an organisation can do, and who.
    pub organisational: Option<String>,
    /// What nothing here does yet, and the issue that will.
    pub not_yet: Option<String>,
}

/// Reads the rows.
///
/// # Errors
/// When the text is not a list of rows.
pub fn read(yaml: &str) -> Result<Vec<Requirement>, serde_yaml_ng::Error> {
    serde_yaml_ng::from_str(yaml)
}

/// The page.
pub fn page(rows: &[Requirement]) -> String {
    let mut page = String::from(
        "# Requirements

Written by `cargo run -p sde-crds` from `docs/requirements.yaml`; tests check that every field, reason, policy and test named here exists. Rows are those of the UK guidance on human genomic data of 2 July 2026. *Organisational*: only an organisation can do it, and who; the operator asks for a dated reference with a digest where it can, and checks that it is there and current. *Not yet*: nothing here does it.

| row | expectation | carried by | tested by |
|---|---|---|---|
",
    );
    for row in rows {
        let mut carried = Vec::new();
        named(&mut carried, "fields", &row.fields);
        named(&mut carried, "conditions", &row.conditions);
        named(&mut carried, "policies", &row.policies);
        if let Some(who) = &row.organisational {
            carried.push(format!("*organisational*: {who}"));
        }
        if let Some(what) = &row.not_yet {
            carried.push(format!("*not yet*: {what}"));
        }
        page.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            row.row,
            row.title,
            carried.join("<br>"),
            code(&row.tests)
        ));
    }
    page
}

fn named(to: &mut Vec<String>, what: &str, names: &[String]) {
    if !names.is_empty() {
        to.push(format!("{what}: {}", code(names)));
    }
}

fn code(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    quoted.join(", ")
}
