//! Progress lines on standard error: what is being done, and how long it took.
use std::time::{Duration, Instant};

use super::error::Result;

/// Runs `work`, announcing it first and its duration afterwards.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    eprintln!("  {what} ...");
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!("  {what}: {outcome} ({})", elapsed(start.elapsed()));
    result
}

/// One line of information.
pub fn note(text: &str) {
    eprintln!("  {text}");
}

/// `4.2 s` or `3m05s`.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_seconds() {
        assert_eq!(elapsed(Duration::from_millis(4_240)), "4.2 s");
        assert_eq!(elapsed(Duration::from_secs(185)), "3m05s");
    }
}
