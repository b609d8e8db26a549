//! Why something is not opened: a constant reason for programs and a sentence that says what to do for people.

use thiserror::Error;

/// One reason why a Project or Workspace is not opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Rejection {
    /// Condition reason, CamelCase.
    pub reason: &'static str,
    /// A sentence that says what to do.
    pub message: String,
}

impl Rejection {
    /// A rejection with `reason` and `message`.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

/// The first reason and all messages, for one condition.
pub fn summarise(rejections: &[Rejection]) -> Option<(&'static str, String)> {
    let first = rejections.first()?;
    Some((
        first.reason,
        rejections
            .iter()
            .map(|r| r.message.as_str())
            .collect::<Vec<_>>()
            .join(" "),
    ))
}
