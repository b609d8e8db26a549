//! Benchmarks of `cargo e2e bench`.

pub mod airlock;
mod airlock_known;
mod airlock_make;
mod airlock_table;
pub mod open;
pub mod replay;
pub mod workspace;
