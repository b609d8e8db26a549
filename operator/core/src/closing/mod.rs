//! Closing: from `lifecycle: Closed` to a signed attestation, as a resumable machine (research: standards.md 2.4).
//!
//! `next` looks at what is observed and at what the status already notes, and names one step. Every step can be
//! repeated, and none is skipped by a crash between doing it and noting it.

pub mod attest;
pub mod evidence;
pub mod inventory;
pub mod next;
pub mod observe;
pub mod status;

pub use attest::{AttestError, attest};
pub use next::{Step, next};
pub use observe::{ClusterFacts, Live, Observed};
pub use status::status;
