//! How many requests are in each phase, and for how long: queue ages for the platform team.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sde_crds::AirlockRequest;

/// By phase, how many requests are in it, and for how many seconds the oldest is. One without a status is a draft since it was made.
pub fn phases(requests: &[Arc<AirlockRequest>], now: Timestamp) -> BTreeMap<String, (usize, i64)> {
    let mut phases: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    for request in requests {
        let status = request.status.clone().unwrap_or_default();
        let made = request.metadata.creation_timestamp.as_ref();
        let since = status.since.as_ref().or(made).map_or(now, |time| time.0);
        let age = now.duration_since(since).as_secs().max(0);
        let (count, oldest) = phases.entry(status.phase.to_string()).or_default();
        *count += 1;
        *oldest = age.max(*oldest);
    }
    phases
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_oldest_of_each_phase_is_told() {
        let request = |phase: &str, since: &str| -> Arc<AirlockRequest> {
            let request = json!({
                "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest",
                "metadata": {"name": "tables", "creationTimestamp": "2026-11-22T11:00:00Z"},
                "spec": {"requester": "u", "direction": "Export", "folder": "f", "justification": "j", "seal": true, "withdrawn": false},
                "status": {"phase": phase, "since": since},
            });
            Arc::new(serde_json::from_value(request).expect("a request"))
        };
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        let requests = [
            request("InReview", "2026-11-22T11:59:00Z"),
            request("InReview", "2026-11-22T11:30:00Z"),
            request("Draft", "2026-11-22T12:00:30Z"),
        ];
        let found = phases(&requests, now);
        assert_eq!(found["InReview"], (2, 1800));
        assert_eq!(found["Draft"], (1, 0));
        assert_eq!(found.len(), 2);
    }
}
