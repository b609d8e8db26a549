//! Who may write: a deadline that the lease keeper pushes on and every write checks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// This process does not hold the lease, or can no longer be sure that it does.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("this controller is not the leader")]
pub struct NotLeader;

/// Cheap to clone and to ask. Runs on the monotonic clock, so a wall clock that is set has no effect, and a
/// process that was stopped for longer than the deadline finds itself not leading when it goes on.
#[derive(Clone)]
pub struct Leadership {
    base: Instant,
    /// Milliseconds after `base` until which this process leads; 0: it does not.
    until: Arc<AtomicU64>,
}

impl Default for Leadership {
    fn default() -> Self {
        Self {
            base: Instant::now(),
            until: Arc::new(AtomicU64::new(0)),
        }
    }
}

impl Leadership {
    /// Asked right before every write.
    pub fn check(&self) -> Result<(), NotLeader> {
        if self.elapsed() < self.until.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(NotLeader)
        }
    }

    /// Whether this process leads now.
    pub fn is_leader(&self) -> bool {
        self.check().is_ok()
    }

    /// Leads until `validity` after `renewed`, the moment *before* the renewal was sent.
    pub fn extend(&self, renewed: Instant, validity: Duration) {
        let until = renewed.saturating_duration_since(self.base) + validity;
        self.until.store(millis(until), Ordering::Release);
    }

    /// Leads no more.
    pub fn end(&self) {
        self.until.store(0, Ordering::Release);
    }

    fn elapsed(&self) -> u64 {
        millis(self.base.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn leads_until_the_deadline_and_not_a_moment_longer() {
        let leadership = Leadership::default();
        assert_eq!(leadership.check(), Err(NotLeader));
        tokio::time::advance(Duration::from_secs(100)).await;
        leadership.extend(Instant::now(), Duration::from_secs(20));
        tokio::time::advance(Duration::from_millis(19_999)).await;
        assert!(leadership.is_leader());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!leadership.is_leader());
        leadership.extend(Instant::now(), Duration::from_secs(20));
        assert!(leadership.is_leader());
        leadership.end();
        assert!(!leadership.is_leader());
    }

    #[tokio::test(start_paused = true)]
    async fn validity_counts_from_before_the_renewal_was_sent() {
        let leadership = Leadership::default();
        let sent = Instant::now();
        tokio::time::advance(Duration::from_secs(15)).await;
        leadership.extend(sent, Duration::from_secs(20));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(!leadership.is_leader());
    }
}
