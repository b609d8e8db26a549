//! The metrics, named as controller-runtime names its own so that existing dashboards fit, with prefix `sde_`.
//! No label ever holds the name of an object.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use sde_crds::project_status::FoundForm;

use crate::reconcile::{Action, ReconcileError};

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
type Histograms<const N: usize> = Family<Labels<N>, Histogram>;

fn seconds_buckets() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
    ])
}

/// Typed handles on all metrics, and the registry that they are read from.
pub struct Metrics {
    registry: Mutex<Registry>,
    reconcile: Counters<2>,
    reconcile_errors: Counters<2>,
    reconcile_duration: Histograms<1>,
    queue_latency: Histograms<1>,
    queue_depth: Gauges<1>,
    last_success: Gauges<1>,
    apply: Counters<2>,
    prune: Counters<1>,
    api_requests: Counters<3>,
    store_objects: Gauges<1>,
    invalid_objects: Gauges<1>,
    watch_restarts: Counters<2>,
    policy_form: Gauges<1>,
    events: Counters<1>,
    airlock_requests: Gauges<1>,
    airlock_oldest: Gauges<1>,
    airlock_signals: Counters<1>,
    leader: Gauge,
    project_ready: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sde");
        let reconcile = Counters::<2>::default();
        let reconcile_errors = Counters::<2>::default();
        let reconcile_duration = Histograms::<1>::new_with_constructor(seconds_buckets);
        let queue_latency = Histograms::<1>::new_with_constructor(seconds_buckets);
        let queue_depth = Gauges::<1>::default();
        let last_success = Gauges::<1>::default();
        let apply = Counters::<2>::default();
        let prune = Counters::<1>::default();
        let api_requests = Counters::<3>::default();
        let store_objects = Gauges::<1>::default();
        let invalid_objects = Gauges::<1>::default();
        let watch_restarts = Counters::<2>::default();
        let policy_form = Gauges::<1>::default();
        let events = Counters::<1>::default();
        let airlock_requests = Gauges::<1>::default();
        let airlock_oldest = Gauges::<1>::default();
        let airlock_signals = Counters::<1>::default();
        let leader = Gauge::default();
        let project_ready = seconds_buckets();
        registry.register(
            "reconcile",
            "Reconciles by controller and result",
            reconcile.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Failed reconciles by controller and reason",
            reconcile_errors.clone(),
        );
        registry.register(
            "reconcile_duration_seconds",
            "Time of one reconcile",
            reconcile_duration.clone(),
        );
        registry.register(
            "queue_latency_seconds",
            "Time from falling due to the start of the reconcile",
            queue_latency.clone(),
        );
        registry.register("queue_depth", "Keys that wait", queue_depth.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "Unix time of the last reconcile without error",
            last_success.clone(),
        );
        registry.register(
            "apply",
            "Writes and skipped writes by kind and outcome",
            apply.clone(),
        );
        registry.register("prune", "Objects deleted, by kind", prune.clone());
        registry.register(
            "api_requests",
            "Requests to the API server by verb, resource and status code",
            api_requests.clone(),
        );
        registry.register(
            "store_objects",
            "Objects in the stores, by kind",
            store_objects.clone(),
        );
        registry.register(
            "airlock_requests",
            "Airlock requests by phase",
            airlock_requests.clone(),
        );
        registry.register(
            "airlock_oldest_seconds",
            "For how long the request that is longest in a phase is in it",
            airlock_oldest.clone(),
        );
        registry.register(
            "airlock_signals",
            "Airlock requests that stood out against their project's others, by rule",
            airlock_signals.clone(),
        );
        registry.register(
            "invalid_objects",
            "Objects that do not parse, by kind",
            invalid_objects.clone(),
        );
        registry.register(
            "watch_restarts",
            "Watches that failed and began again, by kind and cause",
            watch_restarts.clone(),
        );
        registry.register(
            "policy_form",
            "1 on the form in which the admission policies were last found to refuse: static, api, missing or unknown",
            policy_form.clone(),
        );
        registry.register("events", "Kubernetes Events by outcome", events.clone());
        registry.register("leader", "1 on the process that leads", leader.clone());
        registry.register(
            "project_ready_seconds",
            "Time from a Project's creation to its first Ready",
            project_ready.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            reconcile,
            reconcile_errors,
            reconcile_duration,
            queue_latency,
            queue_depth,
            last_success,
            apply,
            prune,
            api_requests,
            store_objects,
            invalid_objects,
            watch_restarts,
            policy_form,
            events,
            airlock_requests,
            airlock_oldest,
            airlock_signals,
            leader,
            project_ready,
        }
    }

    /// OpenMetrics text.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let registry = self
            .registry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    /// One reconcile ended; `Ok(None)` when the object was gone.
    pub fn reconciled(
        &self,
        controller: &'static str,
        took: Duration,
        result: &Result<Option<Action>, ReconcileError>,
    ) {
        let outcome = match result {
            Ok(Some(Action::After(_))) | Err(ReconcileError::NotReady { .. }) => "requeue_after",
            Ok(_) => "success",
            Err(error) => {
                let labels = [
                    ("controller", controller.into()),
                    ("reason", error.reason().into()),
                ];
                self.reconcile_errors.get_or_create(&labels).inc();
                "error"
            }
        };
        let labels = [
            ("controller", controller.into()),
            ("result", outcome.into()),
        ];
        self.reconcile.get_or_create(&labels).inc();
        let controller = [("controller", controller.into())];
        self.reconcile_duration
            .get_or_create(&controller)
            .observe(took.as_secs_f64());
        if outcome != "error" {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            self.last_success
                .get_or_create(&controller)
                .set(i64::try_from(now).unwrap_or(i64::MAX));
        }
    }

    /// How long a key was due before work on it began.
    pub fn queue_latency(&self, controller: &'static str, latency: Duration) {
        self.queue_latency
            .get_or_create(&[("controller", controller.into())])
            .observe(latency.as_secs_f64());
    }

    /// How many keys wait.
    pub fn queue_depth(&self, controller: &'static str, depth: usize) {
        self.queue_depth
            .get_or_create(&[("controller", controller.into())])
            .set(count(depth));
    }

    /// An apply of a kind had an outcome.
    pub fn applied(&self, kind: &str, outcome: &str) {
        self.apply
            .get_or_create(&[("kind", kind.into()), ("outcome", outcome.into())])
            .inc();
    }

    /// An object of a kind was deleted.
    pub fn pruned(&self, kind: &str) {
        self.prune.get_or_create(&[("kind", kind.into())]).inc();
    }

    /// A request was answered (`code` is the status) or was not (`timeout`, `error`).
    pub fn api_request(&self, verb: &str, resource: &str, code: &str) {
        let labels = [
            ("verb", verb.into()),
            ("resource", resource.into()),
            ("code", code.into()),
        ];
        self.api_requests.get_or_create(&labels).inc();
    }

    /// What a store holds.
    pub fn stored(&self, kind: &str, objects: usize, invalid: usize) {
        self.store_objects
            .get_or_create(&[("kind", kind.into())])
            .set(count(objects));
        self.invalid_objects
            .get_or_create(&[("kind", kind.into())])
            .set(count(invalid));
    }

    /// A watch failed and begins again.
    pub fn watch_restarted(&self, kind: &str, cause: &str) {
        self.watch_restarts
            .get_or_create(&[("kind", kind.into()), ("cause", cause.into())])
            .inc();
    }

    /// The form in which the policies were found to refuse; none when that is not known.
    pub fn policy_form(&self, found: Option<FoundForm>) {
        let forms = [
            ("static", Some(FoundForm::Static)),
            ("api", Some(FoundForm::Api)),
            ("missing", Some(FoundForm::Missing)),
            ("unknown", None),
        ];
        for (name, form) in forms {
            self.policy_form
                .get_or_create(&[("form", name.into())])
                .set(i64::from(found == form));
        }
    }

    /// A Kubernetes Event was published, or was not.
    pub fn event(&self, outcome: &str) {
        self.events
            .get_or_create(&[("outcome", outcome.into())])
            .inc();
    }

    /// How many airlock requests are in each phase, and for how many seconds the oldest is. A phase without requests has no value.
    pub fn airlock(&self, phases: &BTreeMap<String, (usize, i64)>) {
        self.airlock_requests.clear();
        self.airlock_oldest.clear();
        for (phase, (requests, oldest)) in phases {
            let labels = [("phase", phase.clone())];
            self.airlock_requests
                .get_or_create(&labels)
                .set(count(*requests));
            self.airlock_oldest.get_or_create(&labels).set(*oldest);
        }
    }

    /// A request stood out by a rule.
    pub fn airlock_signal(&self, rule: &str) {
        self.airlock_signals
            .get_or_create(&[("rule", rule.into())])
            .inc();
    }

    /// Whether this process leads.
    pub fn leading(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A Project became Ready for the first time, this long after its creation.
    pub fn project_ready(&self, after: Duration) {
        self.project_ready.observe(after.as_secs_f64());
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_the_names_that_dashboards_ask_for() {
        let metrics = Metrics::new();
        metrics.reconciled(
            "project",
            Duration::from_millis(20),
            &Ok(Some(Action::Resync)),
        );
        metrics.reconciled(
            "project",
            Duration::from_secs(1),
            &Err(ReconcileError::Timeout(Duration::from_secs(1))),
        );
        metrics.applied("Namespace", "created");
        metrics.api_request("apply", "namespaces", "201");
        metrics.airlock_signal("AL-G018");
        metrics.leading(true);
        metrics.policy_form(Some(FoundForm::Api));
        let text = metrics.render().expect("text");
        for line in [
            "sde_reconcile_total{controller=\"project\",result=\"success\"} 1",
            "sde_reconcile_errors_total{controller=\"project\",reason=\"ReconcileTimeout\"} 1",
            "sde_reconcile_duration_seconds_count{controller=\"project\"} 2",
            "sde_apply_total{kind=\"Namespace\",outcome=\"created\"} 1",
            "sde_api_requests_total{verb=\"apply\",resource=\"namespaces\",code=\"201\"} 1",
            "sde_airlock_signals_total{rule=\"AL-G018\"} 1",
            "sde_leader 1",
            "sde_policy_form{form=\"api\"} 1",
            "sde_policy_form{form=\"static\"} 0",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
