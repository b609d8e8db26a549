//! The suites of `cargo e2e test`, one file each.

pub mod error;
pub mod faults;
pub mod lab;
pub mod lane;
pub mod life;
pub mod runner;
pub mod steady;
pub mod trouble;
mod trouble_running;
