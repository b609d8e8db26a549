//! What the operator decides, as functions of what was observed: no client, no async, no clock, no randomness.
//!
//! Every kind has a folder with the same files: `observe` (the plain input), `validate`, `desired`, `status`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod airlock;
pub mod approvals;
pub mod approving;
pub mod closing;
pub mod conditions;
pub mod dataset;
pub mod in_force;
pub mod labels;
pub mod lock;
pub mod placement;
pub mod pod;
pub mod policy_form;
pub mod project;
pub mod proving;
pub mod quantity;
pub mod refusal;
pub mod rejection;
pub mod say;
pub mod settings;
pub mod stage;
pub mod targets;
pub mod time;
pub mod workspace;
