//! Times and sizes as people read them: minutes are precise enough, UTC always.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-22 00:12Z`.
pub fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%MZ")
        .to_string()
}

/// `3 min ago`, or `in 3 min` should clocks differ.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    if seconds < -1 {
        format!("in {}", span(-seconds))
    } else {
        format!("{} ago", span(seconds))
    }
}

/// A number of seconds in its largest fitting unit.
pub fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7199 => format!("{} min", s / 60),
        s @ 7200..=172_799 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// Bytes in the largest unit of 1024 that fits.
pub fn size(bytes: i64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = i128::from(bytes) * 10;
    let mut unit = "B";
    for next in units {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    match (unit, tenths % 10) {
        ("B", _) | (_, 0) => format!("{} {unit}", tenths / 10),
        (_, tenth) => format!("{}.{tenth} {unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let now: Timestamp = "2026-11-22T01:00:30Z".parse().unwrap();
        let at = |s: &str| ago(s.parse().unwrap(), now);
        assert_eq!(at("2026-11-22T00:59:30Z"), "60 s ago");
        assert_eq!(at("2026-11-22T00:50:00Z"), "10 min ago");
        assert_eq!(at("2026-11-20T00:50:00Z"), "2 d ago");
        assert_eq!(at("2026-11-22T02:00:30Z"), "in 60 min");
        assert_eq!(stamp(now), "2026-11-22 01:00Z");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(
            [0, 1023, 1024, 48_213, 5 << 30].map(size),
            ["0 B", "1023 B", "1 KiB", "47 KiB", "5 GiB"]
        );
        assert_eq!(size(1_600_000), "1.5 MiB");
    }
}
