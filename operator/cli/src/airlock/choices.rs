//! What people may say on the command line: the vocabularies of AirlockReview, text as short as the API has it, and where the door is.

use clap::ValueEnum;
use reqwest::Url;
use sde_crds::airlock_review::{Answer, Because, ReviewDecision, ReviewReason, ReviewRole};

/// Spells a vocabulary of the API out for the command line, value by value, each with its help.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident for $of:ty { $($(#[$help:meta])* $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        #[value(rename_all = "PascalCase")]
        pub enum $name { $($(#[$help])* $value,)* }

        impl From<$name> for $of {
            fn from(value: $name) -> Self {
                match value { $($name::$value => Self::$value,)* }
            }
        }
    };
}

choices! {
    /// [`ReviewRole`] on the command line.
    Role for ReviewRole {
        /// Output Checker
        OutputChecker,
        /// An Output Checker who may answer for what was held
        Senior,
        /// Somebody who can judge what a model gives away
        MachineLearning,
        /// The data holder's own
        Custodian,
    }
}

choices! {
    /// [`ReviewDecision`] on the command line.
    Decision for ReviewDecision {
        /// May be released
        Approve,
        /// Goes back with what to change, once everybody needed has voted
        Return,
        /// Never as it is; one is enough
        Reject,
        /// A Custodian: what was Blocked may be reviewed
        Reopen,
        /// No longer handed out; one is enough
        Revoke,
        /// A Custodian: closing need not wait until it is collected
        Waive,
    }
}

choices! {
    /// [`ReviewReason`] on the command line.
    Reason for ReviewReason {
        /// Nothing identifies anybody and it is as declared
        SafeAsDeclared,
        /// Held by a rule that does not apply here; see --answer
        HeldButSafe,
        /// Counts are too small or can be worked out
        SmallCounts,
        /// About single people
        IndividualLevel,
        /// Identifiers
        Identifiers,
        /// With earlier releases it tells more than it may
        Differencing,
        /// A model that gives away whom it was trained on
        ModelLeaks,
        /// Not what was declared
        NotAsDeclared,
        /// Beyond the project's purpose
        BeyondPurpose,
        /// More than is needed to share the result
        MoreThanNeeded,
        /// Cannot be judged as it is: format, missing counts, missing code
        CannotBeJudged,
        /// Malicious or unlicensed
        UnsafeImport,
        /// A decision of the data holder
        CustodiansDecision,
    }
}

choices! {
    /// [`Because`] on the command line.
    Why for Because {
        /// It matched something that is not what it looks for
        FalsePositive,
        /// The counts were seen and are large enough
        CountsSeen,
        /// It cannot be linked to anybody
        NotLinkable,
        /// It was published before
        AlreadyPublic,
        /// The risk was weighed and is small
        RiskWeighed,
    }
}

/// Reads `RULE=CODE`.
pub fn answer(text: &str) -> Result<Answer, String> {
    let codes = || {
        let names = Why::value_variants()
            .iter()
            .filter_map(Why::to_possible_value);
        let names: Vec<String> = names.map(|v| v.get_name().to_owned()).collect();
        format!("write RULE=CODE, CODE one of {}", names.join(", "))
    };
    let (rule, code) = text.split_once('=').ok_or_else(codes)?;
    if super::view::rule(rule).is_none() {
        return Err(format!("there is no rule {rule}"));
    }
    let because = Why::from_str(code, false).map_err(|_| codes())?;
    Ok(Answer {
        rule: rule.to_owned(),
        because: because.into(),
    })
}

/// Reads the address of a door.
pub fn door(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.path() == "/";
    if url.scheme() == "https" && url.has_host() && plain {
        return Ok(url);
    }
    Err("write it as the portal shows it, such as https://door.sde.example.org".to_owned())
}

/// Reads a sentence that the API takes (`sde_crds::schema::words`).
pub fn words(text: &str) -> Result<String, String> {
    let word = |w: &str| (1..=32).contains(&w.chars().count()) && !w.contains(char::is_whitespace);
    let fits = text.chars().count() <= 160 && text.split(' ').all(word);
    if fits && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(
        "write at most 160 characters in words of at most 32, with single spaces between"
            .to_owned(),
    )
}
