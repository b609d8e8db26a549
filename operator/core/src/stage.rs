//! Typestate of what is desired: only what was applied can become a status.

/// Computed, not yet written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {}
/// Written, or seen to be so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {}
