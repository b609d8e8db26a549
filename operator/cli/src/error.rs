//! What can go wrong in a command, in sentences that say what to do, and the exit code of each.

use std::path::PathBuf;
use std::process::ExitCode;

use sde_core::refusal::Refusal;
use thiserror::Error;

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Done, or the answer is yes.
    Yes,
    /// Carried out, and the answer is no: not verified, not fit.
    No,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Yes => Self::SUCCESS,
            Done::No => Self::from(1),
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug, Error)]
pub enum CliError {
    /// Asked for in a way that cannot work.
    #[error("{0}")]
    Usage(String),
    /// No cluster configuration can be used.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
    /// The API server refused, or could not be reached.
    #[error("{doing}: {}", explain(.source))]
    Api {
        /// What was being done.
        doing: String,
        /// The client's error.
        source: Box<kube::Error>,
    },
    /// Something stands against it; the sentence says what to do.
    #[error("{0}")]
    Refused(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] std::io::Error),
    /// What was to be printed has no JSON form.
    #[error("cannot print JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Incomplete(text) => Self::Usage(text),
            Refusal::Refused(text) => Self::Refused(text),
        }
    }
}

impl CliError {
    /// An API error, with what was being done.
    pub fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Api {
            doing,
            source: Box::new(source),
        }
    }

    /// A file error.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// 2 for usage, 1 for all else.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }
}

/// A client error as a sentence. The API server's own message is the best there is, since our
/// policies' messages say what to do.
pub fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status)
            if status.code == 404 && ["requested resource", "page not found"].iter().any(|s| status.message.contains(s)) =>
        {
            "this cluster does not serve sde-operator.dev/v1alpha1: install the chart first (kubectl sde doctor says what is missing)".to_owned()
        }
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        kube::Error::Api(status) => format!("HTTP {} {}", status.code, status.reason),
        other => chain(other),
    }
}

/// An error and what caused it, as a sentence.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Whether the API server said that there is no such object.
pub fn is_code(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
