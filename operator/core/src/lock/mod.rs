//! The network lock and its proof (docs/design, "How the lock is proven"): what a pod's probe must
//! fail to reach, what it reports, what the controller saw from an allowed place, and the verdict.
//!
//! Shared by `sde-agent` (which dials and reports) and `sde-controller` (which judges). Pure.

mod report;
mod sentinel;
mod target;
mod verdict;
mod wire;

pub use report::{
    Outcome, PingMode, REPORT_VERSION, Report, ReportError, SocketResult, TERMINATION_MESSAGE_MAX,
    TargetResult,
};
pub use sentinel::{Boot, Seen};
pub use target::{
    MAX_TARGETS, NAME_MAX, Protocol, Target, TargetError, TargetKind, parse_targets,
    validate_targets,
};
pub use verdict::{
    Control, Enforced, Judgement, MIN_ROUNDS, OPEN_NONCE, OPEN_PING, OPEN_RAW, TargetVerdict,
    Verdict, judge,
};
pub use wire::{
    MAX_LINE, answer_line, is_pod_uid, parse_answer_line, parse_probe_line, payload, probe_line,
};

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
