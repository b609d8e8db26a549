//! The retry policy, in one place: how long to wait after a failure, and how often to look again when
//! nothing failed.

use std::time::Duration;

use crate::reconcile::ReconcileError;

/// First delay after a failure.
pub const BASE: Duration = Duration::from_secs(1);
/// Longest delay between two attempts.
pub const CEILING: Duration = Duration::from_secs(300);
/// A healthy object is looked at again after this long, plus up to as much again at random.
pub const RESYNC: Duration = Duration::from_secs(1800);

/// What to do after a failure, decided from the error's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Exponential backoff for the key.
    Backoff,
    /// A fixed wait: trying sooner cannot help (permissions, quota).
    After(Duration),
    /// Only a change of an object that is watched can help; the resync still comes.
    OnChange,
}

/// Delay before attempt `failures + 1` with `jitter` in `[0, 1)`: between half and the whole of
/// `BASE * 2^(failures-1)`, capped at [`CEILING`], so that many keys that failed together part.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = BASE.saturating_mul(
        1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    doubled
        .min(CEILING)
        .mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// Time until the next look at a healthy object, with `jitter` in `[0, 1)`.
pub fn resync(jitter: f64) -> Duration {
    RESYNC.mul_f64(1.0 + jitter.clamp(0.0, 1.0))
}

/// The wait that `error` asks for.
pub fn delay(error: &ReconcileError, failures: u32, jitter: f64) -> Duration {
    match error.retry() {
        Retry::Backoff => backoff(failures, jitter),
        Retry::After(wait) => wait,
        Retry::OnChange => resync(jitter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_from_one_second_and_stops_at_five_minutes() {
        assert_eq!(backoff(1, 1.0), Duration::from_secs(1));
        assert_eq!(backoff(2, 1.0), Duration::from_secs(2));
        assert_eq!(backoff(5, 1.0), Duration::from_secs(16));
        assert_eq!(backoff(9, 1.0), Duration::from_secs(256));
        assert_eq!(backoff(10, 1.0), CEILING);
        assert_eq!(backoff(4_000_000, 1.0), CEILING);
    }

    #[test]
    fn jitter_never_takes_more_than_half() {
        assert_eq!(backoff(3, 0.0), Duration::from_secs(2));
        assert_eq!(backoff(1, 0.0), Duration::from_millis(500));
    }

    #[test]
    fn resync_lies_between_half_an_hour_and_an_hour() {
        assert_eq!(resync(0.0), Duration::from_secs(1800));
        assert_eq!(resync(1.0), Duration::from_secs(3600));
    }
}
