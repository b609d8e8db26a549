//! The red team: attacks on a site, each with what shows that it could have worked and who saw what arrived.
//!
//! The catalogue (what is tried), the judgement and the report know nothing of kind: they can move into
//! `kubectl sde conformance` for a user's own cluster. What reaches into nodes is in [`range`] and [`over_time`].

pub mod api;
pub mod audit;
pub mod bindings;
pub mod catalogue;
pub mod data;
pub mod escape;
pub mod exposure;
pub mod held;
pub mod inside;
pub mod judge;
pub mod network;
pub mod over_time;
pub mod range;
pub mod report;
pub mod residuals;
pub mod resources;
pub mod statics;
pub mod witness;
