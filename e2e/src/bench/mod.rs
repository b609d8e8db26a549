//! Benchmarks of `cargo e2e bench`.

pub mod airlock;
pub mod airlock_known;
pub mod airlock_make;
mod airlock_table;
pub mod open;
pub mod replay;
pub mod workspace;
