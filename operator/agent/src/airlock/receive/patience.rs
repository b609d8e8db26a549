//! How long ago somebody came.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When something was last asked or brought.
pub struct Activity(Mutex<Instant>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Activity {
    /// Something was, now.
    pub fn touch(&self) {
        *self.last() = Instant::now();
    }

    /// Resolves once nothing was for so long.
    pub async fn over(&self, patience: Duration) {
        loop {
            let until = *self.last() + patience;
            if Instant::now() >= until {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn it_is_over_so_long_after_the_last() {
        let patience = Duration::from_millis(200);
        let (began, activity) = (Instant::now(), Activity::default());
        let touched = async {
            sleep(patience / 2).await;
            activity.touch();
            Instant::now()
        };
        let ((), last) = tokio::join!(activity.over(patience), touched);
        assert!(last > began && last.elapsed() >= patience - Duration::from_millis(1));
    }
}
