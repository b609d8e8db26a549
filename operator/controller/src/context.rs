//! What every reconcile may use.

use std::sync::Arc;

use jiff::Timestamp;

use crate::apply::Applier;
use crate::cli::Args;
use crate::events::Events;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::policy_form::PolicyForm;
use crate::routes::Queues;
use crate::sentinel::Sentinel;
use crate::stores::Stores;

/// The time, given to core as an argument.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The wall clock.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that shows what `now` says.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

/// Shared by all reconciles of a process.
pub struct Context {
    /// The command line.
    pub config: Args,
    /// What is known of the cluster; the only thing read in the steady state.
    pub stores: Arc<Stores>,
    /// All writes, and the few live reads.
    pub applier: Applier,
    /// The other half of the proof of the lock.
    pub sentinel: Sentinel,
    /// In which form the admission policies are in force.
    pub policy_form: PolicyForm,
    /// The controller's own keys.
    pub keys: Keys,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// News for people.
    pub events: Events,
    /// To ask for a reconcile of something else.
    pub queues: Queues,
    /// The time.
    pub clock: Clock,
}
