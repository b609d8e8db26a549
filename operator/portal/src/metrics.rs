//! What is counted.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How something that a person asked for ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// Done.
    Done,
    /// Refused, by us or by the API server.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignIn {
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Act {
    act: &'static str,
    outcome: Outcome,
}

/// All of it.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    sign_ins: Family<SignIn, Counter>,
    acts: Family<Act, Counter>,
    sessions: Gauge,
    issuer: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sde_portal");
        let sign_ins = Family::default();
        let acts = Family::default();
        let sessions = Gauge::default();
        let issuer = Gauge::default();
        registry.register("sign_ins", "Sign-ins, by outcome", sign_ins.clone());
        registry.register("acts", "What people did, by act and outcome", acts.clone());
        registry.register("sessions", "People signed in", sessions.clone());
        registry.register(
            "issuer_ready",
            "Whether the sign-in service has answered",
            issuer.clone(),
        );
        Self {
            registry: Arc::new(registry),
            sign_ins,
            acts,
            sessions,
            issuer,
        }
    }
}

impl Metrics {
    /// Counts a sign-in.
    pub fn signed_in(&self, outcome: Outcome) {
        self.sign_ins.get_or_create(&SignIn { outcome }).inc();
    }

    /// Counts an act.
    pub fn acted(&self, act: &'static str, outcome: Outcome) {
        self.acts.get_or_create(&Act { act, outcome }).inc();
    }

    /// All of it as OpenMetrics text.
    ///
    /// # Errors
    /// As the encoder.
    pub fn render(&self, sessions: usize, issuer: bool) -> Result<String, std::fmt::Error> {
        self.sessions
            .set(i64::try_from(sessions).unwrap_or(i64::MAX));
        self.issuer.set(i64::from(issuer));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
