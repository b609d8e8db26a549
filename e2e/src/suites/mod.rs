//! The suites of `cargo e2e test`, one file each.

pub mod access;
mod access_leaving;
pub mod access_rights;
mod access_tokens;
pub mod all;
mod asking;
pub mod control_plane;
pub mod enforcement;
pub mod error;
pub mod faults;
pub mod lab;
pub mod lane;
pub mod life;
pub mod node;
mod node_compute;
mod node_release;
pub mod policies;
mod policies_static;
mod policy_objects;
mod policy_requests;
pub mod runner;
mod scene;
pub mod steady;
pub mod trouble;
mod trouble_apply;
mod trouble_running;
pub mod waiting;
