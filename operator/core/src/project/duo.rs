//! Data Use Ontology: whether a declared use fits a Dataset's terms. Pure; the codes are those of EBISPOT/DUO.
//!
//! The meaning of a term is its own; what it leaves to be said (which disease, which country) is in the Dataset's
//! `dataUse`. A code that is not known here, a term without its part, and data without a permission term permit nothing.

use jiff::civil::Date;
use sde_crds::dataset::DataUse;
use sde_crds::declarations::{DeclaredUse, Disease, UsePurpose};

/// The use, and what of the Project a term may look at.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Name of the Project.
    pub project: &'a str,
    /// What it declares.
    pub declared: &'a DeclaredUse,
    /// Organisations of its people.
    pub organisations: Vec<&'a str>,
    /// Whether each of them is not for profit.
    pub not_for_profit: bool,
    /// Its people.
    pub users: Vec<&'a str>,
    /// Countries of organisations and of people's access.
    pub countries: Vec<&'a str>,
    /// Whether ethics approval is required and referred to.
    pub ethics: bool,
    /// First day.
    pub starts: Date,
    /// Last day.
    pub expires: Date,
}

/// Why the use does not fit, a sentence a term; empty when it fits.
pub fn refusals(terms: &[String], parts: Option<&DataUse>, asked: &Asked<'_>) -> Vec<String> {
    let none = DataUse::default();
    let parts = parts.unwrap_or(&none);
    let mut no: Vec<String> = terms
        .iter()
        .filter_map(|term| {
            let why = refusal(term, parts, asked)?;
            Some(format!("{term}: {why}"))
        })
        .collect();
    let permits = |code: &str| terms.iter().any(|t| t == code);
    if !PERMISSIONS.iter().any(|code| permits(code)) {
        no.push(
            "no permission term (GRU, HMB, DS, POA or NRES) is among its terms, so it permits nothing"
                .to_owned(),
        );
    }
    if asked.declared.clinical_care == Some(true) && !permits(CC) && !permits(NRES) {
        no.push(format!("clinical care needs {CC}"));
    }
    no
}

const NRES: &str = "DUO:0000004";
const CC: &str = "DUO:0000043";
/// Terms that permit; all others restrict.
const PERMISSIONS: [&str; 5] = [
    NRES,
    "DUO:0000006",
    "DUO:0000007",
    "DUO:0000011",
    "DUO:0000042",
];

fn refusal(term: &str, parts: &DataUse, asked: &Asked<'_>) -> Option<String> {
    let declared = asked.declared;
    let health = matches!(declared.purpose, UsePurpose::Health | UsePurpose::Disease);
    let ancestry = declared.ancestry_research || declared.purpose == UsePurpose::Ancestry;
    match term {
        // NRES no restriction; GRU general research; CC clinical care, which adds a permission.
        NRES | "DUO:0000042" | CC => None,
        // HMB
        "DUO:0000006" => unless(
            health && !ancestry,
            "health, medical or biomedical research only, ancestry excluded",
        ),
        // DS
        "DUO:0000007" => match &parts.diseases {
            None => missing("diseases"),
            Some(allowed) => unless(
                declared.purpose == UsePurpose::Disease
                    && !ancestry
                    && declared
                        .diseases
                        .as_ref()
                        .is_some_and(|d| !d.is_empty() && d.iter().all(|d| below(d, allowed))),
                format!("research into {} only", allowed.join(", ")),
            ),
        },
        // POA
        "DUO:0000011" => unless(
            declared.purpose == UsePurpose::Ancestry,
            "population origins or ancestry only",
        ),
        // RS
        "DUO:0000012" => listed(
            parts.research_types.as_deref(),
            "researchTypes",
            declared
                .research_types
                .iter()
                .flatten()
                .map(String::as_str)
                .collect(),
        ),
        // NMDS
        "DUO:0000015" => unless(!declared.methods_research, "no development of methods"),
        // GSO
        "DUO:0000016" => unless(
            declared.genetic_only == Some(true),
            "genetic studies only: declare geneticOnly",
        ),
        // NPUNCU
        "DUO:0000018" => unless(
            asked.not_for_profit && !declared.commercial,
            "not-for-profit organisations and non-commercial use only",
        ),
        // PUB
        "DUO:0000019" => unless(
            declared.publication == Some(true),
            "results must be published: declare publication",
        ),
        // COL
        "DUO:0000020" => unless(
            declared.collaboration.is_some(),
            "only in collaboration with the primary investigators: give collaboration",
        ),
        // IRB
        "DUO:0000021" => unless(asked.ethics, "ethics approval is required"),
        // GS
        "DUO:0000022" => listed(
            parts.countries.as_deref(),
            "countries",
            asked.countries.clone(),
        ),
        // MOR
        "DUO:0000024" => match parts.publication_not_before {
            None => missing("publicationNotBefore"),
            Some(from) => unless(
                declared.publication_not_before.is_some_and(|d| d >= from),
                format!("nothing is published before {from}: declare publicationNotBefore"),
            ),
        },
        // TS
        "DUO:0000025" => match parts.months {
            None => missing("months"),
            Some(months) => unless(
                last_day(asked.starts, months).is_some_and(|last| asked.expires <= last),
                format!("for {months} months from schedule.starts only"),
            ),
        },
        // US
        "DUO:0000026" => listed(parts.users.as_deref(), "users", asked.users.clone()),
        // PS
        "DUO:0000027" => listed(parts.projects.as_deref(), "projects", vec![asked.project]),
        // IS
        "DUO:0000028" => listed(
            parts.organisations.as_deref(),
            "organisations",
            asked.organisations.clone(),
        ),
        // RTN
        "DUO:0000029" => unless(
            declared.return_of_results == Some(true),
            "derived data goes back to the custodian: declare returnOfResults",
        ),
        // NPOA
        "DUO:0000044" => unless(!ancestry, "no research into population origins or ancestry"),
        // NPU
        "DUO:0000045" => unless(asked.not_for_profit, "not-for-profit organisations only"),
        // NCU
        "DUO:0000046" => unless(!declared.commercial, "no commercial use"),
        _ => Some("not a term that can be decided here, so it permits nothing".to_owned()),
    }
}

fn unless(fits: bool, why: impl Into<String>) -> Option<String> {
    (!fits).then(|| why.into())
}

fn missing(part: &str) -> Option<String> {
    Some(format!(
        "the Dataset's dataUse.{part} is not given, so it permits nothing"
    ))
}

/// All of `asked` are among `allowed`, and something is asked.
fn listed(allowed: Option<&[String]>, part: &str, asked: Vec<&str>) -> Option<String> {
    let Some(allowed) = allowed else {
        return missing(part);
    };
    unless(
        !asked.is_empty() && asked.iter().all(|a| allowed.iter().any(|b| b == a)),
        format!(
            "only for {} of the Dataset's dataUse.{part}",
            allowed.join(", ")
        ),
    )
}

/// The disease itself, or one of the terms above it, is allowed.
fn below(disease: &Disease, allowed: &[String]) -> bool {
    std::iter::once(&disease.term)
        .chain(disease.ancestors.iter().flatten())
        .any(|term| allowed.contains(term))
}

fn last_day(starts: Date, months: i64) -> Option<Date> {
    let span = jiff::Span::new().try_months(months).ok()?;
    starts.checked_add(span).ok()
}
