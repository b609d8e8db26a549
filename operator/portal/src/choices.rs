//! The vocabularies that people choose from in forms, value by value, in words.

use crate::inputs::Choice;

/// `Statistic`.
pub const STATISTICS: &[Choice] = &[
    (
        "Frequencies",
        "Frequencies: counts, tables of counts, proportions",
    ),
    ("Position", "Medians, percentiles"),
    ("ExtremeValues", "Minimum and maximum"),
    ("Shape", "Standard deviation, skewness, kurtosis"),
    ("LinearAggregation", "Means, totals"),
    ("Mode", "Most frequent value"),
    (
        "ConcentrationRatio",
        "Gini and other concentration measures",
    ),
    ("Ratio", "Ratios, odds ratios, risk ratios"),
    (
        "Survival",
        "Hazard and survival tables, Kaplan-Meier curves",
    ),
    ("HypothesisTest", "Test statistics and p-values"),
    ("Association", "Correlation and regression coefficients"),
    (
        "LinkedTable",
        "Several tables of one population that can be linked",
    ),
    ("Cluster", "Clusters"),
    (
        "GwasSummary",
        "Association statistics by variant over the genome",
    ),
    ("Figure", "A plot"),
    ("Model", "Parameters of a trained model"),
    ("Code", "Program text"),
    ("Document", "Prose"),
];

/// `SuppressionMethod`.
pub const SUPPRESSION: &[Choice] = &[
    ("NotApplicable", "No count of people can be told from it"),
    ("None", "Nothing was done: every count is shown as it is"),
    ("Suppressed", "Counts below a threshold are left out"),
    (
        "SuppressedAndSecondary",
        "So are those from which they could be told",
    ),
    ("Rounded", "Counts are rounded"),
    ("Perturbed", "Noise was added"),
];

/// `IntendedUse`.
pub const USES: &[Choice] = &[
    ("Publication", "An article, a preprint, its supplement"),
    ("Thesis", "A thesis"),
    ("Presentation", "A talk or poster"),
    (
        "Report",
        "A report to a funder, a regulator or the custodian",
    ),
    ("Discussion", "Discussion among the project's people"),
    ("MetaAnalysis", "Meta-analysis with others"),
    ("Software", "Software that others may use"),
    ("PublicSummary", "A summary for participants or the public"),
];

/// `ImportKind`.
pub const IMPORTS: &[Choice] = &[
    (
        "Data",
        "Data that cannot be joined to the project's people: references, annotations, maps",
    ),
    ("Code", "Program text"),
    ("Binary", "Programs that run as they are"),
    (
        "LinkageData",
        "Data that can be joined to the project's people",
    ),
    ("Model", "A trained model"),
];

/// `ReviewDecision`.
pub const DECISIONS: &[Choice] = &[
    ("Approve", "Approve: it may be released"),
    (
        "Return",
        "Return: it goes back with what to change, once everybody needed has voted",
    ),
    ("Reject", "Reject: never as it is; one rejection is enough"),
    (
        "Reopen",
        "Reopen (custodian): what was blocked may be reviewed",
    ),
    (
        "Revoke",
        "Revoke: nothing more of it is handed out; one is enough",
    ),
    (
        "Waive",
        "Waive (custodian): closing need not wait until it is collected",
    ),
];

/// `ReviewReason`.
pub const REASONS: &[Choice] = &[
    (
        "SafeAsDeclared",
        "Nothing identifies anybody and it is as declared",
    ),
    ("HeldButSafe", "Held by a rule that does not apply here"),
    ("SmallCounts", "Counts are too small or can be worked out"),
    ("IndividualLevel", "About single people"),
    ("Identifiers", "Identifiers"),
    (
        "Differencing",
        "With earlier releases it tells more than it may",
    ),
    (
        "ModelLeaks",
        "A model that gives away whom it was trained on",
    ),
    ("NotAsDeclared", "Not what was declared"),
    ("BeyondPurpose", "Beyond the project's purpose"),
    ("MoreThanNeeded", "More than is needed to share the result"),
    (
        "CannotBeJudged",
        "Cannot be judged as it is: format, missing counts, missing code",
    ),
    ("UnsafeImport", "Malicious or unlicensed"),
    ("CustodiansDecision", "A decision of the data holder"),
];

/// `Because`.
pub const BECAUSE: &[Choice] = &[
    (
        "FalsePositive",
        "It matched something that is not what it looks for",
    ),
    ("CountsSeen", "The counts were seen and are large enough"),
    ("NotLinkable", "It cannot be linked to anybody"),
    ("AlreadyPublic", "It was published before"),
    ("RiskWeighed", "The risk was weighed and is small"),
];

/// `ApprovalRole`, without Closure, which has its own page.
pub const APPROVAL_ROLES: &[Choice] = &[
    ("DataAccess", "Data access committee"),
    ("PublicBenefit", "Public benefit is weighed"),
    ("Ethics", "Ethics approval is seen"),
    ("Transfer", "Access from abroad is weighed"),
];

/// `Decision`.
pub const APPROVALS: &[Choice] = &[
    ("Approved", "Approve"),
    (
        "Rejected",
        "Reject: these bytes can then not be approved any more",
    ),
    ("Revoked", "Withdraw an earlier approval of mine"),
];

/// A value of the API in words; the value itself where this portal does not know it.
pub fn says(choices: &[Choice], value: &impl std::fmt::Debug) -> String {
    let value = format!("{value:?}");
    let known = choices.iter().find(|(v, _)| *v == value);
    known.map_or(value, |(_, says)| (*says).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::value;
    use sde_crds::airlock_request::{ImportKind, IntendedUse, Statistic, SuppressionMethod};
    use sde_crds::airlock_review::{Because, ReviewDecision, ReviewReason};
    use sde_crds::project_approval::{ApprovalRole, Decision};

    #[test]
    fn every_choice_is_one_of_the_api_s() {
        assert!(
            STATISTICS
                .iter()
                .all(|(v, _)| value::<Statistic>(v).is_some())
        );
        assert!(
            SUPPRESSION
                .iter()
                .all(|(v, _)| value::<SuppressionMethod>(v).is_some())
        );
        assert!(USES.iter().all(|(v, _)| value::<IntendedUse>(v).is_some()));
        assert!(
            IMPORTS
                .iter()
                .all(|(v, _)| value::<ImportKind>(v).is_some())
        );
        assert!(
            DECISIONS
                .iter()
                .all(|(v, _)| value::<ReviewDecision>(v).is_some())
        );
        assert!(
            REASONS
                .iter()
                .all(|(v, _)| value::<ReviewReason>(v).is_some())
        );
        assert!(BECAUSE.iter().all(|(v, _)| value::<Because>(v).is_some()));
        assert!(
            APPROVAL_ROLES
                .iter()
                .all(|(v, _)| value::<ApprovalRole>(v).is_some())
        );
        assert!(
            APPROVALS
                .iter()
                .all(|(v, _)| value::<Decision>(v).is_some())
        );
        assert!(value::<Statistic>("Nothing").is_none());
    }
}
