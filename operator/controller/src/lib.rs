//! The machinery round `sde-core`: watches and stores, queue and workers, apply and prune, lease, events,
//! metrics; and the four reconcilers that use it.

pub mod access;
pub mod admin;
pub mod airlock;
pub mod apply;
pub mod cli;
pub mod client;
pub mod cluster;
pub mod context;
pub mod controllers;
pub mod dataset;
pub mod events;
pub mod key;
pub mod keys;
pub mod labels;
pub mod leadership;
pub mod lease;
pub mod metrics;
pub mod policy_form;
pub mod project;
pub mod queue;
pub mod reconcile;
pub mod retry;
pub mod routes;
pub mod run;
pub mod sentinel;
pub mod store;
pub mod stores;
pub mod telemetry;
pub mod watches;
pub mod worker;
pub mod workspace;
pub mod writes;
