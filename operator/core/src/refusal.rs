//! Why a person's act is not even tried: said before the API server or the controller does what would be refused or have no effect.
//! In sentences for command line and portal alike, so they name neither flags nor fields of a form.

use thiserror::Error;

/// Why an act is not tried.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Something is missing or contradicts itself.
    #[error("{0}")]
    Incomplete(String),
    /// Something stands against it.
    #[error("{0}")]
    Refused(String),
}

impl Refusal {
    /// Something stands against it.
    pub(crate) fn refused<T>(text: impl Into<String>) -> Result<T, Self> {
        Err(Self::Refused(text.into()))
    }
}
