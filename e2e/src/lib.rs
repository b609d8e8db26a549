//! The end-to-end harness of sde-operator behind `cargo e2e`.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail loudly"))]

pub mod bench;
pub mod cluster;
pub mod controlplane;
pub mod demo;
pub mod images;
pub mod node;
pub mod portal;
pub mod redteam;
pub mod suites;
