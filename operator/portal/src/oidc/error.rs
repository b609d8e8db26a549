//! What can go wrong with the sign-in service, in sentences that say what to do.

use std::path::PathBuf;

use thiserror::Error;

use crate::user::NotAName;

/// The portal cannot be set up for its issuer.
#[derive(Debug, Error)]
pub enum OidcError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The client secret's file holds none.
    #[error("{}: the client secret is empty", .0.display())]
    EmptySecret(PathBuf),
    /// The certificate authority or an address cannot be used.
    #[error("{what}: {cause}")]
    Unusable {
        /// What.
        what: &'static str,
        /// Why.
        cause: String,
    },
}

/// Why somebody is not signed in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SignInError {
    /// The issuer has not answered yet.
    #[error("the sign-in service cannot be reached at the moment: try again in a minute")]
    NotReady,
    /// The answer is not of this browser, or is too late.
    #[error(
        "this sign-in was begun in another browser or too long ago, or has been used already: begin again"
    )]
    NotBegun,
    /// The issuer says no.
    #[error("the sign-in service did not sign you in ({0})")]
    Refused(String),
    /// The code gave no tokens.
    #[error("the sign-in service did not confirm who you are: begin again")]
    NoToken(String),
    /// The ID token is not one for us, now, of this sign-in.
    #[error("what the sign-in service says of you cannot be believed: begin again")]
    BadToken(String),
    /// It does not say who it is.
    #[error("the sign-in service does not say your name (claim {0}): ask your platform team")]
    NoName(String),
    /// The name is none that a Project can say.
    #[error(
        "the sign-in service calls you {0:?}, and {NotAName}: ask your platform team for a name like that, or which claim holds it"
    )]
    Name(String),
}

impl SignInError {
    /// What the log says beyond what the person is told.
    pub fn cause(&self) -> &str {
        match self {
            Self::NoToken(cause) | Self::BadToken(cause) => cause,
            _ => "",
        }
    }
}
