//! Benchmarks of `cargo e2e bench`.

pub mod open;
pub mod replay;
pub mod workspace;
