//! The red team's attempts on a range of its own, each with what shows that it could have worked and who saw what arrived. What
//! is tried, how it is judged and what is known to stay possible is in the crate `sde-redteam`.

pub mod api;
pub mod audit;
pub mod bindings;
pub mod data;
pub mod escape;
pub mod exposure;
pub mod held;
pub mod inside;
pub mod network;
pub mod over_time;
pub mod range;
pub mod resources;
pub mod statics;
pub mod witness;
