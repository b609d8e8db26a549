//! Leader election on a `coordination.k8s.io` Lease: every update carries the resourceVersion, so of two
//! that try at once one is refused. A holder is overtaken only after its record stood still for the whole
//! lease duration on *our* clock, so clocks that disagree cannot make two leaders.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use thiserror::Error;
use tokio::time::Instant;

use crate::apply::ApplyError;
use crate::leadership::Leadership;

/// How long a record that does not move keeps others out.
pub const DURATION: Duration = Duration::from_secs(30);
/// How long we believe in our own record: shorter by the longest call, so that a write begun in the last
/// moment ends before anybody else may lead.
pub const VALIDITY: Duration = Duration::from_secs(20);
/// Time between two renewals.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);
/// Time between two attempts, when one failed or somebody else leads.
pub const RETRY_EVERY: Duration = Duration::from_secs(2);

/// The lease could not be renewed before it ran out, or somebody else holds it. The process must end.
#[derive(Debug, Error)]
#[error("the leader lease was lost")]
pub struct LeaseLost;

/// What we last saw of the record, and since when on our clock.
#[derive(Debug, Default)]
struct Observation {
    version: Option<String>,
    since: Option<Instant>,
}

/// What to do about the record.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Create,
    Take,
    Wait,
}

impl Observation {
    /// Decides from the record as just read.
    fn decide(&mut self, lease: Option<&Lease>, identity: &str, now: Instant) -> Decision {
        let Some(lease) = lease else {
            return Decision::Create;
        };
        if self.version != lease.metadata.resource_version {
            self.version.clone_from(&lease.metadata.resource_version);
            self.since = Some(now);
        }
        let holder = lease
            .spec
            .as_ref()
            .and_then(|s| s.holder_identity.as_deref())
            .unwrap_or_default();
        if holder.is_empty() || holder == identity {
            return Decision::Take;
        }
        let asked = lease
            .spec
            .as_ref()
            .and_then(|s| s.lease_duration_seconds)
            .unwrap_or(0);
        let duration = Duration::from_secs(u64::try_from(asked).unwrap_or(0)).max(DURATION);
        match self.since {
            Some(since) if now.duration_since(since) >= duration => Decision::Take,
            _ => Decision::Wait,
        }
    }
}

/// Takes, renews and releases the lease.
pub struct LeaseKeeper {
    api: Api<Lease>,
    name: String,
    identity: String,
    call_timeout: Duration,
    leadership: Leadership,
    /// The record as our last write left it.
    held: Option<Lease>,
}

impl LeaseKeeper {
    /// A keeper that holds nothing yet. `identity` is unique to this process (or its pod, since a pod's
    /// former process is dead when the next one starts).
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        call_timeout: Duration,
        leadership: Leadership,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
            call_timeout: call_timeout.min(VALIDITY / 2),
            leadership,
            held: None,
        }
    }

    async fn call<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Result<T, ApplyError> {
        match tokio::time::timeout(self.call_timeout, call).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApplyError::Timeout),
        }
    }

    /// Waits until this process leads. Safe to cancel.
    pub async fn acquire(&mut self) {
        let mut observation = Observation::default();
        loop {
            match self.attempt(&mut observation).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(reason = error.reason(), "could not take the lease: {error}")
                }
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    async fn attempt(&mut self, observation: &mut Observation) -> Result<bool, ApplyError> {
        let current = self.call(self.api.get_opt(&self.name)).await?;
        match observation.decide(current.as_ref(), &self.identity, Instant::now()) {
            Decision::Wait => return Ok(false),
            Decision::Create => {
                let sent = Instant::now();
                let lease = self.record(None);
                self.held = Some(
                    self.call(self.api.create(&PostParams::default(), &lease))
                        .await?,
                );
                self.leadership.extend(sent, VALIDITY);
            }
            Decision::Take => self.write(current.as_ref()).await?,
        }
        tracing::info!(lease = self.name, identity = self.identity, "leading");
        Ok(true)
    }

    /// Renews until that fails for too long. Never returns while this process leads; safe to cancel.
    pub async fn keep(&mut self) -> LeaseLost {
        let mut wait = RENEW_EVERY;
        loop {
            tokio::time::sleep(wait).await;
            let held = self.held.clone();
            wait = match self.write(held.as_ref()).await {
                Ok(()) => RENEW_EVERY,
                Err(error) => {
                    tracing::warn!(
                        reason = error.reason(),
                        "could not renew the lease: {error}"
                    );
                    if matches!(error, ApplyError::Conflict | ApplyError::NotFound)
                        && !self.refresh().await
                    {
                        self.leadership.end();
                        return LeaseLost;
                    }
                    RETRY_EVERY
                }
            };
            if !self.leadership.is_leader() {
                return LeaseLost;
            }
        }
    }

    /// After a conflict: is the record still ours (somebody only touched it, or our own renewal's answer was
    /// lost)? An unreadable record is not yet a lost one; the deadline decides.
    async fn refresh(&mut self) -> bool {
        match self.call(self.api.get_opt(&self.name)).await {
            Ok(Some(lease)) => {
                let holder = lease.spec.as_ref().and_then(|s| s.holder_identity.clone());
                let ours = holder.as_deref() == Some(self.identity.as_str());
                self.held = Some(lease);
                ours
            }
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Gives the lease back, so that the next process need not wait. Call when no write runs any more.
    pub async fn release(&mut self) {
        self.leadership.end();
        let Some(held) = self.held.take() else { return };
        let mut result = self.give_back(held).await;
        if matches!(result, Err(ApplyError::Conflict))
            && self.refresh().await
            && let Some(held) = self.held.take()
        {
            // A renewal that was cut off by the shutdown may still have taken effect.
            result = self.give_back(held).await;
        }
        if let Err(error) = result {
            tracing::warn!(
                reason = error.reason(),
                "could not release the lease: {error}"
            );
        }
    }

    async fn give_back(&self, mut lease: Lease) -> Result<(), ApplyError> {
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        self.call(self.api.replace(&self.name, &PostParams::default(), &lease))
            .await
            .map(|_| ())
    }

    async fn write(&mut self, current: Option<&Lease>) -> Result<(), ApplyError> {
        let sent = Instant::now();
        let lease = self.record(current);
        let written = self
            .call(self.api.replace(&self.name, &PostParams::default(), &lease))
            .await?;
        self.held = Some(written);
        self.leadership.extend(sent, VALIDITY);
        Ok(())
    }

    fn record(&self, current: Option<&Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let before = current.and_then(|l| l.spec.as_ref());
        let same =
            before.and_then(|s| s.holder_identity.as_deref()) == Some(self.identity.as_str());
        let transitions = before.and_then(|s| s.lease_transitions).unwrap_or(0);
        let fresh = ObjectMeta {
            name: Some(self.name.clone()),
            ..ObjectMeta::default()
        };
        Lease {
            metadata: current.map_or(fresh, |l| l.metadata.clone()),
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: Some(DURATION.as_secs() as i32),
                acquire_time: before
                    .filter(|_| same)
                    .and_then(|s| s.acquire_time.clone())
                    .or(Some(now.clone())),
                renew_time: Some(now),
                lease_transitions: Some(if same {
                    transitions
                } else {
                    transitions.saturating_add(1)
                }),
                ..LeaseSpec::default()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(version: &str, holder: &str, seconds: i32) -> Lease {
        Lease {
            metadata: ObjectMeta {
                resource_version: Some(version.into()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                lease_duration_seconds: Some(seconds),
                ..LeaseSpec::default()
            }),
        }
    }

    #[test]
    fn takes_what_nobody_holds_or_what_it_holds_itself() {
        let mut seen = Observation::default();
        let now = Instant::now();
        assert_eq!(seen.decide(None, "me", now), Decision::Create);
        assert_eq!(
            seen.decide(Some(&lease("1", "", 1)), "me", now),
            Decision::Take
        );
        assert_eq!(
            seen.decide(Some(&lease("1", "me", 30)), "me", now),
            Decision::Take
        );
    }

    #[test]
    fn overtakes_only_a_record_that_stood_still_for_its_whole_duration() {
        let mut seen = Observation::default();
        let start = Instant::now();
        assert_eq!(
            seen.decide(Some(&lease("1", "you", 30)), "me", start),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(
                Some(&lease("1", "you", 30)),
                "me",
                start + Duration::from_secs(29)
            ),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(
                Some(&lease("2", "you", 30)),
                "me",
                start + Duration::from_secs(30)
            ),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(
                Some(&lease("2", "you", 30)),
                "me",
                start + Duration::from_secs(59)
            ),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(
                Some(&lease("2", "you", 30)),
                "me",
                start + Duration::from_secs(60)
            ),
            Decision::Take
        );
    }

    #[test]
    fn a_holder_that_claims_a_short_duration_still_gets_the_full_one() {
        let mut seen = Observation::default();
        let start = Instant::now();
        seen.decide(Some(&lease("1", "you", 1)), "me", start);
        assert_eq!(
            seen.decide(
                Some(&lease("1", "you", 1)),
                "me",
                start + Duration::from_secs(5)
            ),
            Decision::Wait
        );
    }

    #[test]
    fn belief_in_the_own_record_ends_before_others_may_take_it() {
        assert!(VALIDITY + Duration::from_secs(10) <= DURATION);
        assert!(RENEW_EVERY * 2 <= VALIDITY);
    }
}
