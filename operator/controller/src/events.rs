//! Kubernetes Events for people who ask `kubectl describe`: on transitions only, and never in the way of a
//! reconcile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use sha2::{Digest, Sha256};

use crate::leadership::Leadership;
use crate::metrics::Metrics;

/// The API server keeps notes up to 1 KiB.
const NOTE_MAX: usize = 1000;
/// Transitions remembered before the memory is emptied; a forgotten one at most repeats an Event.
const MEMORY: usize = 10_000;

/// What kind of news it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

/// Publishes Events.
pub struct Events {
    recorder: Recorder,
    leadership: Leadership,
    metrics: Arc<Metrics>,
    timeout: Duration,
    /// Object uid and action to a digest of what was last said.
    said: Mutex<HashMap<(String, &'static str), [u8; 32]>>,
}

impl Events {
    /// `instance` is this process's identity.
    pub fn new(
        client: Client,
        instance: &str,
        leadership: Leadership,
        metrics: Arc<Metrics>,
        timeout: Duration,
    ) -> Self {
        let reporter = Reporter {
            controller: "sde-operator.dev/controller".into(),
            instance: Some(instance.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
            leadership,
            metrics,
            timeout,
            said: Mutex::default(),
        }
    }

    /// Says `reason` and `note` about `object` under `action` (CamelCase, what was being done), unless just that
    /// was the last thing said there. Returns at once; a failure is logged and counted, nothing else.
    pub fn publish<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        severity: Severity,
        action: &'static str,
        reason: &str,
        note: &str,
    ) {
        if !self.leadership.is_leader()
            || !self.is_news(object.meta().uid.as_deref(), action, reason, note)
        {
            return;
        }
        let event = Event {
            type_: match severity {
                Severity::Normal => EventType::Normal,
                Severity::Warning => EventType::Warning,
            },
            reason: reason.to_owned(),
            note: Some(cut(note)),
            action: action.to_owned(),
            secondary: None,
        };
        let (recorder, reference) = (self.recorder.clone(), object.object_ref(&()));
        let (metrics, timeout) = (self.metrics.clone(), self.timeout);
        tokio::spawn(async move {
            match tokio::time::timeout(timeout, recorder.publish(&event, &reference)).await {
                Ok(Ok(())) => metrics.event("published"),
                Ok(Err(error)) => {
                    metrics.event("failed");
                    tracing::debug!("an Event was not published: {error}");
                }
                Err(_) => metrics.event("timeout"),
            }
        });
    }

    fn is_news(&self, uid: Option<&str>, action: &'static str, reason: &str, note: &str) -> bool {
        news(
            &mut self.said.lock().unwrap_or_else(PoisonError::into_inner),
            uid,
            action,
            reason,
            note,
        )
    }
}

fn news(
    said: &mut HashMap<(String, &'static str), [u8; 32]>,
    uid: Option<&str>,
    action: &'static str,
    reason: &str,
    note: &str,
) -> bool {
    let digest: [u8; 32] = Sha256::digest(format!("{reason}\n{note}")).into();
    if said.len() >= MEMORY {
        said.clear();
    }
    said.insert((uid.unwrap_or_default().to_owned(), action), digest) != Some(digest)
}

fn cut(note: &str) -> String {
    note.char_indices()
        .take_while(|(at, c)| at + c.len_utf8() <= NOTE_MAX)
        .map(|(_, c)| c)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_said_once_until_something_else_was() {
        let mut said = HashMap::new();
        let mut tell = |uid, reason| news(&mut said, Some(uid), "Lock", reason, "note");
        assert!(tell("a", "Open"));
        assert!(!tell("a", "Open"));
        assert!(tell("b", "Open"));
        assert!(tell("a", "Locked"));
        assert!(tell("a", "Open"));
    }

    #[test]
    fn long_notes_are_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(NOTE_MAX);
        assert_eq!(cut(&long).len(), NOTE_MAX);
    }
}
