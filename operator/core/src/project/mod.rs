//! Project: from a custodian's approved YAML to a locked namespace with data, proven on a schedule.

pub mod access;
pub mod data;
pub mod desired;
pub mod duo;
pub mod egress;
pub mod governed;
pub mod limits;
pub mod lockdown;
pub mod observe;
pub mod policies;
pub mod refused;
pub mod required;
pub mod rules;
pub mod standing;
pub mod status;
pub mod validate;
pub mod verified;

pub use desired::{Desired, desired};
pub use observe::Observed;
pub use status::status;
pub use validate::{State, Validated, validate};
