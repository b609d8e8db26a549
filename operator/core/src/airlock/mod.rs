//! Airlock: one request from draft to its end, as a resumable machine (design §8; research: standards.md 3).
//!
//! `next` looks at what is observed and at what the status already notes, and names one step. Phases are entered by writing the
//! status, everything else is done in the cluster; every step can be repeated, and none is skipped by a crash.
//! Which steps move bytes is said here, and `desired` what they make; the controller carries them out. `task` and `report` are what
//! passes between the controller and the jobs that move them.

pub mod chamber;
pub mod change;
pub mod declared;
pub mod desired;
pub mod ending;
pub mod fingerprint;
pub mod history;
pub mod key;
pub mod malware;
pub mod manifest;
pub mod next;
pub mod observe;
pub mod phases;
pub mod receipt;
pub mod report;
pub mod required;
pub mod review;
pub mod reviewing;
pub mod seen;
pub mod serving;
pub mod status;
pub mod step;
pub mod task;
pub mod transfer;
pub mod viewing;
pub mod waiting;

pub use next::next;
pub use observe::{
    Chamber, Claim, Delivered, Job, JobKind, Observed, Outcome, Project, Side, Standing, Volume,
};
pub use status::status;
pub use step::{Entry, Note, Step, Wait, Who};
