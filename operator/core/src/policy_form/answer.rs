//! What an API server's answers show. A refusal counts only when the policy's own name is in it, in the words that the API
//! server itself puts there, and the positive control was accepted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sde_crds::project_status::FoundForm;

use crate::policy_form::ask::Attempt;

/// How names of policies from disk end (k8s.io/apiserver, `StaticConfigSuffix`); the API gives no such name.
const STATIC_SUFFIX: &str = ".static.k8s.io";
/// How many reasons are told.
const MOST: usize = 4;

/// What was answered to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Accepted.
    Accepted,
    /// Refused, with the message of the API server's Status.
    Refused(String),
    /// No answer, or one that says nothing of the request, and why.
    None(String),
}

impl Answer {
    /// The refusal that an error status is, by its code and message; every other status says nothing of the request.
    pub fn refusal(code: u16, message: &str) -> Option<Self> {
        matches!(code, 403 | 422).then(|| Self::Refused(message.to_owned()))
    }
}

/// What one attempt at one API server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Refused by the policy, in this form; or not at all.
    Form(FoundForm),
    /// Nothing, and why.
    Unknown(String),
}

/// What one API server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its address.
    pub address: String,
    /// Policy and finding.
    pub findings: Vec<(String, Finding)>,
}

/// What all the API servers that are known showed at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// When they were asked.
    pub at: Timestamp,
    /// Each.
    pub servers: Vec<Server>,
    /// How many rounds in a row, this one included, did not find every policy refusing.
    pub failures: u32,
}

/// What an attempt shows.
pub fn find(attempt: &Attempt, refused: &Answer, control: &Answer) -> Finding {
    let policy = &attempt.policy;
    match control {
        Answer::Accepted => {}
        Answer::Refused(message) => {
            let why = said(attempt, message).unwrap_or(message);
            return Finding::Unknown(format!(
                "the positive control of {policy} was refused: {why}"
            ));
        }
        Answer::None(why) => return Finding::Unknown(why.clone()),
    }
    match refused {
        Answer::Accepted => Finding::Form(FoundForm::Missing),
        Answer::None(why) => Finding::Unknown(why.clone()),
        Answer::Refused(message) => match said(attempt, message).and_then(refuser) {
            Some(name) if name == policy => Finding::Form(FoundForm::Api),
            Some(name) if name.strip_suffix(STATIC_SUFFIX) == Some(policy) => {
                Finding::Form(FoundForm::Static)
            }
            _ => Finding::Unknown(format!(
                "what {policy} must refuse was refused by something else: {}",
                said(attempt, message).unwrap_or(message)
            )),
        },
    }
}

/// What follows `RESOURCE "NAME" is forbidden: ` at the very beginning, where the API server itself puts it. Webhooks can
/// write the same words, but only behind others.
fn said<'a>(attempt: &Attempt, message: &'a str) -> Option<&'a str> {
    let (name, said) = message
        .strip_prefix(attempt.resource)?
        .strip_prefix(" \"")?
        .split_once("\" is forbidden: ")?;
    (!name.contains('"')).then_some(said)
}

/// The policy that refused, bound by a binding of its own name.
fn refuser(said: &str) -> Option<&str> {
    let (name, rest) = said
        .strip_prefix("ValidatingAdmissionPolicy '")?
        .split_once('\'')?;
    let (binding, rest) = rest.strip_prefix(" with binding '")?.split_once('\'')?;
    (binding == name && rest.starts_with(" denied request: ")).then_some(name)
}

impl Round {
    /// The form in which everything was refused everywhere. What was found missing somewhere is missing, whatever else is not known.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn form(&self) -> Result<FoundForm, String> {
        let all = || self.servers.iter().flat_map(|s| &s.findings);
        let known = all().filter_map(|(_, f)| match f {
            Finding::Form(form) => Some(*form),
            Finding::Unknown(_) => None,
        });
        let worst = known.max();
        let why: BTreeSet<String> = self
            .servers
            .iter()
            .flat_map(|s| s.findings.iter().map(move |(_, f)| (s, f)))
            .filter_map(|(server, finding)| match finding {
                Finding::Unknown(why) => Some(format!("{}: {why}", server.address)),
                Finding::Form(_) => None,
            })
            .collect();
        match worst {
            Some(FoundForm::Missing) => Ok(FoundForm::Missing),
            Some(form) if why.is_empty() => Ok(form),
            _ if why.is_empty() => Err("no API server was asked".to_owned()),
            _ => Err(why.into_iter().take(MOST).collect::<Vec<_>>().join("; ")),
        }
    }

    /// Whether some policy was found in another form than on disk, for certain.
    pub fn refutes_static(&self) -> bool {
        let mut all = self.servers.iter().flat_map(|s| &s.findings);
        all.any(|(_, f)| matches!(f, Finding::Form(FoundForm::Api | FoundForm::Missing)))
    }

    /// Policies that were found so, and where.
    pub fn found(&self, form: FoundForm) -> (Vec<&str>, Vec<&str>) {
        let mut policies = BTreeSet::new();
        let mut servers = BTreeSet::new();
        for server in &self.servers {
            for (policy, finding) in &server.findings {
                if *finding == Finding::Form(form) {
                    policies.insert(policy.as_str());
                    servers.insert(server.address.as_str());
                }
            }
        }
        (
            policies.into_iter().collect(),
            servers.into_iter().collect(),
        )
    }
}
