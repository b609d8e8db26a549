//! AL-S: disclosure control of tables and figures.

super::rules! {
S001 = "AL-S001" Hold: "a count above zero and below the threshold",
    "Few people can be recognised.", "ACRO: 10; OpenSAFELY 7, GEL and FinnGen 5, All of Us 20",
    "Suppress the cell and one more in its row and column, or join groups.";
S002 = "AL-S002" Warn: "counts of zero",
    "That nobody, or everybody, in a group has something is disclosed.", "ACRO treats zeros as disclosive",
    "Check that the zero cannot be anything else (men, ovarian cancer).";
S004 = "AL-S004" Hold: "a model with few residual degrees of freedom",
    "It can be turned back into its data.", "ACRO: 10",
    "Use fewer terms or more people.";
S005 = "AL-S005" Hold: "minimum, maximum or other end points",
    "They are one person's value.", "ACRO",
    "Release the 5th and 95th percentile of groups over the threshold.";
S006 = "AL-S006" Hold: "a survival curve whose steps are few people, or whose number at risk is not known",
    "Each step is a person, or a few, and when it happened to them.", "ACRO: 10",
    "Round or band the times so that each step is at least the threshold, and give the number at risk.";
S007 = "AL-S007" Hold: "a suppressed cell, or a small group, that follows from totals",
    "Subtraction brings it back.", "ACRO; standards AL-S007",
    "Suppress a second cell in the same row and column, or round all counts.";
S008 = "AL-S008" Warn: "counts that are not rounded",
    "Differences between releases disclose single people.", "ACRO and OpenSAFELY round to 5",
    "Round counts to 5 where exact ones are not needed.";
S011 = "AL-S011" Hold: "more rows, or columns, than a table of results has",
    "Long tables are data.", "OpenSAFELY: 5000",
    "Release what is reported; GWAS summary statistics have their own ceiling when their columns can be recognised.";
S012 = "AL-S012" Hold: "a figure without the counts behind it",
    "Points and steps are people; that is seen in the numbers, not in the picture.", "ACRO, OpenSAFELY",
    "Add a table of the counts behind each figure to the request.";
S013 = "AL-S013" Hold: "outputs that ACRO did not pass, or an exception asked of it",
    "Its findings are the researcher's own; people decide on the exception.", "ACRO: results.json",
    "Suppress what ACRO says, or explain in the request why the output is safe.";
S014 = "AL-S014" Hold: "a table without names of columns",
    "Nobody can say what its numbers are; a piece of a split file looks like this.", "ours",
    "Write a header.";
}
