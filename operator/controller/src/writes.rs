//! Remembers our own writes until the stores have shown them (read your writes, as KEP-5647 does for the
//! core controllers): whoever wants to remove something must first see what it made itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::key::ObjectKey;

/// What a store must show before a write counts as seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// An event at or past this resourceVersion.
    Version(u64),
    /// That the object of this uid is gone or going.
    Gone(String),
}

/// One write of ours.
#[derive(Clone, Debug)]
pub struct Written {
    /// Kind, as the store calls itself.
    pub kind: &'static str,
    /// Namespace and name.
    pub key: ObjectKey,
    /// What to wait for.
    pub expect: Expect,
    /// When the answer came.
    pub at: Instant,
}

type OfProject = HashMap<(&'static str, ObjectKey), Written>;

/// The writes that no store has shown yet, by project.
#[derive(Default)]
pub struct WriteLog {
    outstanding: Mutex<HashMap<String, OfProject>>,
}

impl WriteLog {
    /// Notes a write for a project. The last one for an object counts.
    pub fn note(&self, project: String, kind: &'static str, key: ObjectKey, expect: Expect) {
        let written = Written {
            kind,
            key: key.clone(),
            expect,
            at: Instant::now(),
        };
        let mut all = self
            .outstanding
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.entry(project).or_default().insert((kind, key), written);
    }

    /// Drops what `seen` confirms and says whether nothing is left for that project.
    pub fn settle(&self, project: &str, seen: impl Fn(&Written) -> bool) -> bool {
        let mut all = self
            .outstanding
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(writes) = all.get_mut(project) else {
            return true;
        };
        writes.retain(|_, written| !seen(written));
        if writes.is_empty() {
            all.remove(project);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_caught_up_once_every_write_was_seen() {
        let log = WriteLog::default();
        assert!(log.settle("p", |_| false));
        log.note(
            "p".into(),
            "Pod",
            ObjectKey::namespaced("n", "a"),
            Expect::Version(5),
        );
        log.note(
            "p".into(),
            "Pod",
            ObjectKey::namespaced("n", "a"),
            Expect::Version(7),
        );
        log.note(
            "p".into(),
            "Pod",
            ObjectKey::namespaced("n", "b"),
            Expect::Gone("uid".into()),
        );
        assert!(log.settle("other", |_| false));
        let up_to =
            |limit: u64| move |w: &Written| matches!(w.expect, Expect::Version(v) if v <= limit);
        assert!(!log.settle("p", up_to(5)));
        assert!(!log.settle("p", up_to(7)));
        assert!(log.settle("p", |w| w.expect == Expect::Gone("uid".into())));
    }
}
