//! The red team: what is tried, how an attempt is judged, what is known to stay possible, and the report. Where the attempts are
//! made is said elsewhere: `cargo e2e test redteam` makes them all on a range of its own, `kubectl sde conformance` makes those
//! through the API server on anybody's cluster.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail loudly"))]

pub mod ask;
pub mod attacked;
pub mod catalogue;
pub mod controls;
pub mod court;
pub mod error;
pub mod judge;
pub mod report;
pub mod residuals;
pub mod signing;
pub mod words;
