//! Tests of the decisions as a whole: golden files, tables, properties and model-checked protocols.
#![allow(clippy::unwrap_used, clippy::type_complexity)]

mod access;
mod airlock;
mod airlock_model;
mod airlock_objects;
mod airlock_properties;
mod airlock_receipts;
mod airlock_report;
mod airlock_serving;
mod airlock_sim;
mod airlock_task;
mod approvals;
mod attestation;
mod closing_model;
mod duo;
mod flows;
mod golden_objects;
mod golden_status;
mod policy_form;
mod properties;
mod rule_cases;
mod rules;
mod sim;
mod workspace_model;
mod workspaces;
mod world;
