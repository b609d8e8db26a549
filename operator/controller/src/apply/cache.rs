//! Remembers what was applied: the same desired object on the same observed one needs no call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::FieldManager;
use crate::key::ObjectKey;
use crate::store::version_number;

/// Entries older than this no longer count, so that even a mistake here heals.
const LIFETIME: Duration = Duration::from_secs(1800);
/// Inserts between two sweeps of old entries.
const SWEEP_EVERY: usize = 1024;

/// Which apply an entry stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// `group/version/kind`.
    pub gvk: String,
    /// Namespace and name.
    pub key: ObjectKey,
    /// Who applied.
    pub manager: FieldManager,
}

struct Entry {
    uid: String,
    version: String,
    digest: String,
    at: Instant,
}

/// The cache.
#[derive(Default)]
pub struct ApplyCache {
    state: Mutex<(HashMap<Subject, Entry>, usize)>,
}

/// Hex SHA-256 (first 16 bytes) of a desired object's JSON. Serialisation is deterministic: structs have a
/// fixed order and maps are sorted.
pub fn digest(json: &[u8]) -> String {
    hex::encode(&Sha256::digest(json)[..16])
}

impl ApplyCache {
    /// Whether exactly this was applied to the object as observed, or to a newer state of it that the
    /// store has not shown yet.
    pub fn hit(&self, subject: &Subject, uid: &str, observed_version: &str, digest: &str) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = state.0.get(subject) else {
            return false;
        };
        let stale = match (
            version_number(Some(observed_version)),
            version_number(Some(&entry.version)),
        ) {
            (Some(observed), Some(applied)) => observed <= applied,
            _ => observed_version == entry.version,
        };
        stale && entry.uid == uid && entry.digest == digest && entry.at.elapsed() < LIFETIME
    }

    /// Notes that `digest` was applied and that the object then had `version`.
    pub fn note(&self, subject: Subject, uid: String, version: String, digest: String) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (entries, inserts) = &mut *guard;
        *inserts += 1;
        if inserts.is_multiple_of(SWEEP_EVERY) {
            entries.retain(|_, entry| entry.at.elapsed() < LIFETIME);
        }
        entries.insert(
            subject,
            Entry {
                uid,
                version,
                digest,
                at: Instant::now(),
            },
        );
    }

    /// Forgets an object, after it was deleted.
    pub fn forget(&self, gvk: &str, key: &ObjectKey) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        guard
            .0
            .retain(|subject, _| !(subject.gvk == gvk && subject.key == *key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            gvk: "v1/Namespace".into(),
            key: ObjectKey::cluster("a"),
            manager: FieldManager::Project,
        }
    }

    fn cache() -> ApplyCache {
        let cache = ApplyCache::default();
        cache.note(subject(), "uid".into(), "10".into(), "d".into());
        cache
    }

    #[tokio::test(start_paused = true)]
    async fn hits_the_same_object_version_and_wish_only() {
        let cache = cache();
        assert!(cache.hit(&subject(), "uid", "10", "d"));
        assert!(
            !cache.hit(&subject(), "uid", "11", "d"),
            "somebody changed it"
        );
        assert!(
            !cache.hit(&subject(), "other", "10", "d"),
            "made again under the same name"
        );
        assert!(
            !cache.hit(&subject(), "uid", "10", "e"),
            "something else is desired"
        );
        let other = Subject {
            manager: FieldManager::Workspace,
            ..subject()
        };
        assert!(!cache.hit(&other, "uid", "10", "d"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_lags_behind_our_own_write_is_a_hit() {
        assert!(cache().hit(&subject(), "uid", "9", "d"));
    }

    #[tokio::test(start_paused = true)]
    async fn entries_age_and_are_forgotten() {
        let cache = cache();
        cache.forget("v1/Namespace", &ObjectKey::cluster("a"));
        assert!(!cache.hit(&subject(), "uid", "10", "d"));
        let cache = self::cache();
        tokio::time::advance(LIFETIME).await;
        assert!(!cache.hit(&subject(), "uid", "10", "d"));
    }

    #[test]
    fn the_digest_depends_on_the_bytes() {
        assert_eq!(digest(b"a").len(), 32);
        assert_ne!(digest(b"a"), digest(b"b"));
    }
}
