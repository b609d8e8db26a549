//! What went through the door, and what was turned away. No label holds a name.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use sde_ticket::Act;

type Counters<const N: usize> = Family<[(&'static str, String); N], Counter>;

/// The text format that Prometheus reads.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No form of a portal.
    Form,
    /// No ticket that is good for this, now.
    Ticket,
    /// Another site's form.
    Origin,
    /// Of no length that is said, or of more than is taken.
    Length,
    /// The job said no.
    Job,
    /// The job could not be asked.
    Unreachable,
}

impl Reason {
    const ALL: [Self; 6] = [
        Self::Form,
        Self::Ticket,
        Self::Origin,
        Self::Length,
        Self::Job,
        Self::Unreachable,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Ticket => "ticket",
            Self::Origin => "origin",
            Self::Length => "length",
            Self::Job => "job",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Counters, and the registry that they are read from.
pub struct Counts {
    registry: Registry,
    collections: Counters<1>,
    uploads: Counters<1>,
    bytes: Counters<1>,
    refused: Counters<2>,
}

impl Default for Counts {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sde_door");
        let (collections, uploads) = (Counters::<1>::default(), Counters::<1>::default());
        let bytes = Counters::<1>::default();
        let refused = Counters::<2>::default();
        registry.register(
            "collections",
            "Collections that were begun, by whether all was handed on",
            collections.clone(),
        );
        registry.register(
            "uploads",
            "Forms with files that were begun, by whether all was handed on",
            uploads.clone(),
        );
        registry.register(
            "bytes",
            "Bytes handed on, to browsers or (Upload) from them",
            bytes.clone(),
        );
        registry.register("refused", "Requests that were turned away", refused.clone());
        // At zero from the start: a rate over something that was not there before is none.
        for outcome in [true, false] {
            for counted in [&collections, &uploads] {
                counted.get_or_create(&outcome_label(outcome)).inc_by(0);
            }
        }
        for act in [Act::Collect, Act::View, Act::Upload] {
            bytes.get_or_create(&[("act", act.to_string())]).inc_by(0);
            for reason in Reason::ALL {
                refused
                    .get_or_create(&refused_labels(act, reason))
                    .inc_by(0);
            }
        }
        Self {
            registry,
            collections,
            uploads,
            bytes,
            refused,
        }
    }
}

impl Counts {
    /// A collection is over.
    pub fn collected(&self, complete: bool) {
        self.collections
            .get_or_create(&outcome_label(complete))
            .inc();
    }

    /// A form with files is over.
    pub fn uploaded(&self, complete: bool) {
        self.uploads.get_or_create(&outcome_label(complete)).inc();
    }

    /// Bytes were handed on.
    pub fn bytes(&self, act: Act, bytes: u64) {
        self.bytes
            .get_or_create(&[("act", act.to_string())])
            .inc_by(bytes);
    }

    /// Somebody was turned away.
    pub fn refused(&self, act: Act, reason: Reason) {
        self.refused
            .get_or_create(&refused_labels(act, reason))
            .inc();
    }

    /// All of it, for Prometheus.
    pub fn text(&self) -> Response {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => ([(CONTENT_TYPE, TEXT)], text).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

fn outcome_label(complete: bool) -> [(&'static str, String); 1] {
    let outcome = if complete { "complete" } else { "broken" };
    [("outcome", outcome.to_owned())]
}

fn refused_labels(act: Act, reason: Reason) -> [(&'static str, String); 2] {
    [
        ("act", act.to_string()),
        ("reason", reason.word().to_owned()),
    ]
}
