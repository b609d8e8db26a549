//! The end-to-end harness of sde-operator behind `cargo e2e`.
pub mod bench;
pub mod cluster;
pub mod controlplane;
pub mod demo;
pub mod images;
pub mod node;
pub mod suites;
