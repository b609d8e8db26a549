//! What stands out of a request against the project's other requests: volume, frequency, refusals and who reviews (research:
//! standards.md 3.5 and 5). It may hold a request, never block or approve one.
//!
//! Each request is compared with those that were submitted before it, so that what is said does not depend on when it is scanned.
//! What the rules are for, and what to do, is in the catalogue (`operator/inspect/src/rules/history.rs`).

use std::collections::BTreeSet;

use jiff::Timestamp;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::ReviewDecision;
use sde_crds::airlock_status::{AirlockPhase as Phase, Severity, Signal, SignalUnit};
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::json;

use crate::airlock::observe::Observed;
use crate::say;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
const MIB: i64 = 1 << 20;

/// Bytes that a project may export in 24 hours before they are held.
const DAY_BYTES: i64 = 256 * MIB;
/// Requests of one person in 24 hours.
const DAY_REQUESTS: i64 = 3;
/// Requests of a project in seven days.
const WEEK_REQUESTS: i64 = 10;
/// Refused requests of one person in seven days from which on a senior reviewer must look.
const REFUSALS: i64 = 3;
/// Releases that say what is usual.
const BASELINE: usize = 20;
/// With fewer nothing is usual yet: then what would hold warns.
const YOUNG: usize = 5;
/// Robust z from which on something is unusual (Iglewicz and Hoaglin 1993).
const ROBUST_Z: f64 = 3.5;
/// How far half of a project's releases lie from their median, at least: else the first that differs from equal ones stands out.
const LEAST_SPREAD_BYTES: i64 = 64 << 10;
const LEAST_SPREAD_FILES: i64 = 2;
/// Times the median from which on a request is held, and what is never held for that.
const TIMES: i64 = 10;
const SMALL_EXPORT: i64 = MIB;
const SMALL_IMPORT: i64 = 16 * MIB;
/// Releases in a row that the same two people approved.
const SAME_PAIR: usize = 10;

/// Every rule of this module, with the gravest that it does.
pub const RULES: [(&str, Severity); 8] = [
    ("AL-G004", Severity::Hold),
    ("AL-G011", Severity::HoldSenior),
    ("AL-G017", Severity::Hold),
    ("AL-G018", Severity::Hold),
    ("AL-A008", Severity::Hold),
    ("AL-A009", Severity::HoldSenior),
    ("AL-N004", Severity::Hold),
    ("AL-R001", Severity::Warn),
];

/// What is remembered of a request that was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// When, and its UID: requests are in this order.
    pub submitted: (Timestamp, String),
    /// Who asked.
    pub requester: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Bytes of its content.
    pub bytes: i64,
    /// Files of its content.
    pub files: i64,
    /// Where it is, and since when.
    pub phase: (Phase, Timestamp),
    /// Whether it was released, whatever came after.
    pub released: bool,
    /// Who approved it, if it was released.
    pub approvers: BTreeSet<String>,
    /// Fingerprints of its files, in the order of their numbers.
    pub fingerprints: Vec<String>,
    /// Numbers of those that people refused.
    pub refused: BTreeSet<usize>,
}

/// What is remembered of a request; nothing of one that was not submitted. `reviews` are those of its namespace.
pub fn past<'a>(
    request: &AirlockRequest,
    reviews: impl IntoIterator<Item = &'a AirlockReview>,
) -> Option<Past> {
    let status = request.status.as_ref()?;
    let content = status.content.as_ref()?;
    let submitted = status.submitted_at.as_ref()?.0;
    let receipts = status.receipts.iter().flatten();
    let released =
        status.phase == Phase::Released || receipts.into_iter().any(|r| r.ends_with("-released"));
    let approval = status.approval.as_ref().filter(|_| released);
    let agreed = |review: &&AirlockReview| {
        let uid = review.metadata.uid.as_ref();
        approval.is_some_and(|a| uid.is_some_and(|uid| a.reviews.contains(uid)))
    };
    let reviews: Vec<&AirlockReview> = reviews.into_iter().collect();
    let approvers = reviews.iter().copied().filter(agreed);
    let fingerprints = content.fingerprints.clone().unwrap_or_default();
    Some(Past {
        refused: match status.phase {
            Phase::Rejected => (0..fingerprints.len()).collect(),
            Phase::Returned => returned(request, &reviews),
            _ => BTreeSet::new(),
        },
        fingerprints,
        submitted: (submitted, request.metadata.uid.clone().unwrap_or_default()),
        requester: request.spec.requester.clone(),
        direction: request.spec.direction,
        bytes: content.bytes,
        files: content.files,
        phase: (
            status.phase,
            status.since.as_ref().map_or(submitted, |t| t.0),
        ),
        released,
        approvers: approvers.map(|r| r.spec.reviewer.clone()).collect(),
    })
}

/// Files that reviewers named when they returned a request. Who may not review can add to them: that only holds.
fn returned(request: &AirlockRequest, reviews: &[&AirlockReview]) -> BTreeSet<usize> {
    let uid = request.metadata.uid.as_deref();
    let mine = |r: &&&AirlockReview| {
        Some(r.spec.request_uid.as_str()) == uid && r.spec.decision == ReviewDecision::Return
    };
    let named = reviews.iter().filter(mine);
    named
        .flat_map(|r| r.spec.refused_files.iter().flatten())
        .filter_map(|n| usize::try_from(*n).ok())
        .collect()
}

/// What stands out, each rule at most once. Nothing of a request that was not sealed, nor of a transfer: that is a custodian's act.
pub fn signals(observed: &Observed) -> Vec<Signal> {
    let status = observed.status();
    if observed.spec().direction == Direction::TransferToSde {
        return Vec::new();
    }
    let Some(content) = &status.content else {
        return Vec::new();
    };
    let submitted = status.submitted_at.as_ref().map_or(observed.now, |t| t.0);
    let uid = observed.request.metadata.uid.clone().unwrap_or_default();
    let now = Past {
        submitted: (submitted, uid),
        requester: observed.spec().requester.clone(),
        direction: observed.spec().direction,
        bytes: content.bytes,
        files: content.files,
        phase: (status.phase, observed.now),
        released: false,
        approvers: BTreeSet::new(),
        fingerprints: content.fingerprints.clone().unwrap_or_default(),
        refused: BTreeSet::new(),
    };
    let before: Vec<&Past> = observed
        .history
        .iter()
        .filter(|p| p.submitted < now.submitted)
        .collect();
    let releases = releases(&before, now.direction);
    [
        volume(&now, &before),
        unusual(&now, &releases),
        often(&now, &before),
        many_times(&now, &releases),
        asked_again(&now, &before),
        refused(&now, &before),
        same_pair(&releases),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Digest of findings and signals, which reviews bind to: of the report alone where nothing stands out. Stock tools recompute it:
/// `jq -cjS '{report: $report, signals: .status.signals}' | sha256sum`.
pub fn bound(report: &str, signals: &[Signal]) -> String {
    if signals.is_empty() {
        return report.to_owned();
    }
    sde_evidence::canonical_digest(&json!({"report": report, "signals": signals}))
        .map(|digest| format!("v1:{digest}"))
        .unwrap_or_default()
}

/// The numbers of a signal, for people.
pub fn words(signal: &Signal) -> String {
    let count = |n: i64| match signal.unit {
        SignalUnit::Bytes => say::size(n),
        SignalUnit::Files => format!("{n} files"),
        SignalUnit::Requests => format!("{n} requests"),
    };
    match signal.usual {
        0 if signal.rule == "AL-G011" => count(signal.observed),
        0 => format!("{}; nothing is usual yet", count(signal.observed)),
        usual => format!("{}, against {}", count(signal.observed), count(usual)),
    }
}

fn signal(rule: &str, severity: Severity, unit: SignalUnit, observed: i64, usual: i64) -> Signal {
    Signal {
        rule: rule.to_owned(),
        severity,
        unit,
        observed,
        usual,
    }
}

/// The last releases of one direction, oldest first.
fn releases<'a>(before: &[&'a Past], direction: Direction) -> Vec<&'a Past> {
    let of = |p: &&&Past| p.released && p.direction == direction;
    let mut releases: Vec<&Past> = before.iter().filter(of).copied().collect();
    releases.sort_by_key(|p| &p.submitted);
    releases.split_off(releases.len().saturating_sub(BASELINE))
}

/// Whether one was submitted at most `seconds` before.
fn within(seconds: i64, now: &Past, other: &Past) -> bool {
    let (now, then) = (now.submitted.0, other.submitted.0);
    now.duration_since(then).as_secs() < seconds
}

/// A day's exports together, but those that ended before they left.
fn volume(now: &Past, before: &[&Past]) -> Option<Signal> {
    let over = |p: &Past| {
        matches!(
            p.phase.0,
            Phase::Returned | Phase::Rejected | Phase::Withdrawn
        )
    };
    let exported = |p: &&&Past| p.direction == Direction::Export && within(DAY, now, p) && !over(p);
    if now.direction != Direction::Export {
        return None;
    }
    let others = before.iter().filter(exported).map(|p| p.bytes);
    let bytes = others.fold(now.bytes, i64::saturating_add);
    (bytes > DAY_BYTES).then(|| {
        signal(
            "AL-G004",
            Severity::Hold,
            SignalUnit::Bytes,
            bytes,
            DAY_BYTES,
        )
    })
}

/// Bytes or files far above those of earlier releases.
fn unusual(now: &Past, releases: &[&Past]) -> Option<Signal> {
    let sizes: Vec<i64> = releases.iter().map(|p| p.bytes).collect();
    let counts: Vec<i64> = releases.iter().map(|p| p.files).collect();
    let bytes = median(&sizes);
    if releases.len() < YOUNG {
        return Some(signal(
            "AL-G017",
            Severity::Warn,
            SignalUnit::Bytes,
            now.bytes,
            bytes,
        ));
    }
    let hold = |unit, observed, usual| signal("AL-G017", Severity::Hold, unit, observed, usual);
    if robust_z(now.bytes, &sizes, LEAST_SPREAD_BYTES) > ROBUST_Z {
        return Some(hold(SignalUnit::Bytes, now.bytes, bytes));
    }
    (robust_z(now.files, &counts, LEAST_SPREAD_FILES) > ROBUST_Z)
        .then(|| hold(SignalUnit::Files, now.files, median(&counts)))
}

/// Requests in a row: a person's in a day, or the project's in a week.
fn often(now: &Past, before: &[&Past]) -> Option<Signal> {
    let count = |seconds: i64, of: &dyn Fn(&Past) -> bool| {
        let others = before.iter().filter(|p| within(seconds, now, p) && of(p));
        i64::try_from(others.count())
            .unwrap_or(i64::MAX)
            .saturating_add(1)
    };
    let day = count(DAY, &|p| p.requester == now.requester);
    let week = count(WEEK, &|_| true);
    [(day, DAY_REQUESTS), (week, WEEK_REQUESTS)]
        .into_iter()
        .find(|(observed, most)| observed > most)
        .map(|(observed, most)| {
            signal(
                "AL-G018",
                Severity::Hold,
                SignalUnit::Requests,
                observed,
                most,
            )
        })
}

/// Many times what is usual.
fn many_times(now: &Past, releases: &[&Past]) -> Option<Signal> {
    let (rule, small) = match now.direction {
        Direction::Import => ("AL-N004", SMALL_IMPORT),
        Direction::Export | Direction::TransferToSde => ("AL-A008", SMALL_EXPORT),
    };
    let sizes: Vec<i64> = releases.iter().map(|p| p.bytes).collect();
    let usual = median(&sizes);
    let most = usual.saturating_mul(TIMES).max(small);
    let severity = if releases.len() < YOUNG {
        Severity::Warn
    } else {
        Severity::Hold
    };
    (!releases.is_empty() && now.bytes > most)
        .then(|| signal(rule, severity, SignalUnit::Bytes, now.bytes, usual))
}

/// Files that people have refused, unchanged. By whoever, and however they are called now.
fn asked_again(now: &Past, before: &[&Past]) -> Option<Signal> {
    let refused: BTreeSet<&String> = before
        .iter()
        .filter(|p| p.direction == now.direction)
        .flat_map(|p| p.refused.iter().filter_map(|n| p.fingerprints.get(*n)))
        .collect();
    let again = now.fingerprints.iter().filter(|f| refused.contains(f));
    let count = i64::try_from(again.count()).unwrap_or(i64::MAX);
    (count > 0).then(|| signal("AL-G011", Severity::HoldSenior, SignalUnit::Files, count, 0))
}

/// A person whose requests were refused again and again.
fn refused(now: &Past, before: &[&Past]) -> Option<Signal> {
    let refused = |p: &&&Past| {
        let (phase, since) = p.phase;
        p.requester == now.requester
            && matches!(phase, Phase::Blocked | Phase::Rejected)
            && now.phase.1.duration_since(since).as_secs() < WEEK
    };
    let count = i64::try_from(before.iter().filter(refused).count()).unwrap_or(i64::MAX);
    (count >= REFUSALS).then(|| {
        signal(
            "AL-A009",
            Severity::HoldSenior,
            SignalUnit::Requests,
            count,
            REFUSALS,
        )
    })
}

/// The same two people approved everything of late. Flagged, not held: they would have to answer for themselves.
fn same_pair(releases: &[&Past]) -> Option<Signal> {
    let last = releases.len().checked_sub(SAME_PAIR)?;
    let (first, others) = releases.get(last..)?.split_first()?;
    let always = |who: &&String| others.iter().all(|p| p.approvers.contains(*who));
    let number = i64::try_from(SAME_PAIR).unwrap_or(i64::MAX);
    (first.approvers.iter().filter(always).count() >= 2).then(|| {
        signal(
            "AL-R001",
            Severity::Warn,
            SignalUnit::Requests,
            number,
            number,
        )
    })
}

/// The middle value, the lower of two; 0 of none.
fn median(values: &[i64]) -> i64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(0)
}

/// How far above the median a value lies, in deviations that outliers do not move: 0.6745 (x - median) / MAD. What is smaller than
/// usual does not stand out.
#[allow(
    clippy::cast_precision_loss,
    reason = "sizes of files are far below 2^53"
)]
fn robust_z(value: i64, of: &[i64], least: i64) -> f64 {
    let middle = median(of);
    let apart: Vec<i64> = of
        .iter()
        .map(|v| v.saturating_sub(middle).saturating_abs())
        .collect();
    let spread = median(&apart).max(least);
    0.6745 * value.saturating_sub(middle) as f64 / spread as f64
}
