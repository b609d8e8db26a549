//! Days and instants: a day in the API is valid through 23:59:59Z.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The day of `now` in UTC.
pub fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// Whether `last_day` is over.
pub fn expired(last_day: Date, now: Timestamp) -> bool {
    today(now) > last_day
}

/// Whole seconds: conditions carry no fractions, so that comparing them never sees jitter.
pub fn seconds(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

/// Seconds from `then` to `now`; never negative.
pub fn elapsed(then: &Time, now: Timestamp) -> i64 {
    now.duration_since(then.0).as_secs().max(0)
}

/// Seconds until the UTC day changes, when dates act.
pub fn until_tomorrow(now: Timestamp) -> i64 {
    let tomorrow = today(now)
        .tomorrow()
        .ok()
        .and_then(|d| d.to_zoned(TimeZone::UTC).ok());
    tomorrow.map_or(3600, |t| {
        t.timestamp()
            .duration_since(now)
            .max(SignedDuration::from_secs(1))
            .as_secs()
            + 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_valid_through_its_last_second() {
        let day: Date = "2026-11-30".parse().unwrap();
        assert!(!expired(day, "2026-11-30T23:59:59Z".parse().unwrap()));
        assert!(expired(day, "2026-12-01T00:00:00Z".parse().unwrap()));
        assert_eq!(until_tomorrow("2026-11-30T23:59:50Z".parse().unwrap()), 11);
    }
}
