//! What the controller knows of one kind: the objects, by key and by project, as its watch told.
//!
//! Own code rather than kube's reflector store, for four things that one lacks: a relist says which objects
//! vanished meanwhile, an unchanged relisted object triggers nothing, objects are found by project without
//! a scan, and objects that do not parse are kept aside instead of ending the watch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use kube::core::ObjectMeta;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use sde_crds::names;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::key::ObjectKey;

/// An object of a watch, or why it does not parse.
pub type Parsed<K> = Result<K, Box<InvalidObject>>;

/// One change: what was known before and what is now. Both are given, because an object that loses a
/// label still concerns the project that it was labelled with.
pub struct Touched<K> {
    /// As it was known before.
    pub before: Option<Arc<K>>,
    /// As it is now; `None` after a delete, or when it no longer parses.
    pub after: Option<Arc<K>>,
    /// Metadata of an object that does not parse.
    pub invalid: Option<ObjectMeta>,
}

struct State<K> {
    objects: BTreeMap<ObjectKey, Arc<K>>,
    by_project: BTreeMap<String, BTreeSet<ObjectKey>>,
    invalid: BTreeMap<ObjectKey, Box<InvalidObject>>,
    /// Highest resourceVersion seen in any event, deletes included.
    seen: u64,
    /// When the list that the present contents began with was asked for.
    listed: Option<Instant>,
    relist: Option<Relist<K>>,
}

struct Relist<K> {
    started: Instant,
    objects: Vec<Parsed<Arc<K>>>,
}

/// The store of one kind.
pub struct ObjectStore<K> {
    kind: &'static str,
    state: RwLock<State<K>>,
    ready: watch::Sender<bool>,
}

/// A resourceVersion as a number; `None` when the server uses something else.
pub fn version_number(version: Option<&str>) -> Option<u64> {
    version.and_then(|v| v.parse().ok())
}

fn project_of(meta: &ObjectMeta) -> Option<&String> {
    meta.labels
        .as_ref()
        .and_then(|l| l.get(names::PROJECT_LABEL))
}

impl<K: Resource> State<K> {
    fn insert(&mut self, object: Arc<K>) -> Touched<K> {
        let key = ObjectKey::of(&*object);
        self.invalid.remove(&key);
        let before = self.remove_good(&key);
        if let Some(project) = project_of(object.meta()) {
            self.by_project
                .entry(project.clone())
                .or_default()
                .insert(key.clone());
        }
        self.objects.insert(key, object.clone());
        Touched {
            before,
            after: Some(object),
            invalid: None,
        }
    }

    fn insert_invalid(&mut self, invalid: Box<InvalidObject>) -> Touched<K> {
        let key = ObjectKey::of_meta(&invalid.metadata);
        let before = self.remove_good(&key);
        let metadata = invalid.metadata.clone();
        self.invalid.insert(key, invalid);
        Touched {
            before,
            after: None,
            invalid: Some(metadata),
        }
    }

    fn remove(&mut self, meta: &ObjectMeta) -> Touched<K> {
        let key = ObjectKey::of_meta(meta);
        let before = self.remove_good(&key);
        let invalid = self.invalid.remove(&key).map(|i| i.metadata);
        Touched {
            before,
            after: None,
            invalid,
        }
    }

    fn remove_good(&mut self, key: &ObjectKey) -> Option<Arc<K>> {
        let object = self.objects.remove(key)?;
        if let Some(project) = project_of(object.meta())
            && let Some(keys) = self.by_project.get_mut(project)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.by_project.remove(project);
            }
        }
        Some(object)
    }

    fn note_version(&mut self, meta: &ObjectMeta) {
        if let Some(version) = version_number(meta.resource_version.as_deref()) {
            self.seen = self.seen.max(version);
        }
    }
}

impl<K: Resource> ObjectStore<K> {
    /// An empty store that is not ready. `kind` is its name in metrics and messages.
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            state: RwLock::new(State {
                objects: BTreeMap::new(),
                by_project: BTreeMap::new(),
                invalid: BTreeMap::new(),
                seen: 0,
                listed: None,
                relist: None,
            }),
            ready: watch::Sender::new(false),
        }
    }

    /// The kind, as in metrics.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    fn read<T>(&self, look: impl FnOnce(&State<K>) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The object of that key.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.read(|s| s.objects.get(key).cloned())
    }

    /// All objects, in the order of their keys.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.read(|s| s.objects.values().cloned().collect())
    }

    /// The objects labelled with that project, in the order of their keys.
    pub fn of_project(&self, project: &str) -> Vec<Arc<K>> {
        self.read(|s| {
            let keys = s.by_project.get(project).into_iter().flatten();
            keys.filter_map(|key| s.objects.get(key).cloned()).collect()
        })
    }

    /// Why the object of that key could not be understood, if it is there and could not.
    pub fn invalid(&self, key: &ObjectKey) -> Option<String> {
        self.read(|s| s.invalid.get(key).map(|i| i.error.clone()))
    }

    /// Number of objects that do not parse.
    pub fn invalid_count(&self) -> usize {
        self.read(|s| s.invalid.len())
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.read(|s| s.objects.len())
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a first complete list has arrived.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Waits for the first complete list.
    pub async fn wait_ready(&self) {
        // The sender lives in `self`, so the only way out of this wait is readiness.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// Whether the store has seen a write of ours that returned `version` at `at`: an event at or past that
    /// version, or a list that was asked for after the write.
    pub fn has_seen(&self, version: u64, at: Instant) -> bool {
        self.read(|s| s.seen >= version || s.listed.is_some_and(|listed| listed > at))
    }

    /// Whether the object of that key and uid is gone, or known to be going.
    pub fn is_gone(&self, key: &ObjectKey, uid: &str) -> bool {
        self.read(|s| match s.objects.get(key).map(|o| o.meta()) {
            Some(meta) => meta.uid.as_deref() != Some(uid) || meta.deletion_timestamp.is_some(),
            None => true,
        })
    }

    /// Takes in one event and returns what it touched.
    pub fn handle(&self, event: Event<Parsed<K>>) -> Vec<Touched<K>> {
        let mut guard = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        match event {
            Event::Apply(Ok(object)) => {
                state.note_version(object.meta());
                vec![state.insert(Arc::new(object))]
            }
            Event::Apply(Err(invalid)) => {
                state.note_version(&invalid.metadata);
                vec![state.insert_invalid(invalid)]
            }
            Event::Delete(object) => {
                let meta = match &object {
                    Ok(object) => object.meta(),
                    Err(invalid) => &invalid.metadata,
                };
                state.note_version(meta);
                vec![state.remove(meta)]
            }
            Event::Init => {
                state.relist = Some(Relist {
                    started: Instant::now(),
                    objects: Vec::new(),
                });
                Vec::new()
            }
            Event::InitApply(object) => {
                if let Some(relist) = &mut state.relist {
                    relist.objects.push(object.map(Arc::new));
                }
                Vec::new()
            }
            Event::InitDone => {
                let touched = state
                    .relist
                    .take()
                    .map(|relist| swap(state, relist))
                    .unwrap_or_default();
                drop(guard);
                self.ready.send_replace(true);
                touched
            }
        }
    }
}

/// Replaces the contents by the list, touching only what differs.
fn swap<K: Resource>(state: &mut State<K>, relist: Relist<K>) -> Vec<Touched<K>> {
    let mut gone: BTreeSet<ObjectKey> = state
        .objects
        .keys()
        .chain(state.invalid.keys())
        .cloned()
        .collect();
    let mut touched = Vec::new();
    for object in relist.objects {
        let meta = match &object {
            Ok(object) => object.meta(),
            Err(invalid) => &invalid.metadata,
        };
        let key = ObjectKey::of_meta(meta);
        state.note_version(meta);
        gone.remove(&key);
        let known = state.objects.get(&key);
        match object {
            Ok(object)
                if known.is_some_and(|k| k.resource_version() == object.resource_version()) => {}
            Ok(object) => touched.push(state.insert(object)),
            Err(invalid) => touched.push(state.insert_invalid(invalid)),
        }
    }
    for key in gone {
        let meta = ObjectMeta {
            name: Some(key.name),
            namespace: key.namespace,
            ..ObjectMeta::default()
        };
        touched.push(state.remove(&meta));
    }
    state.listed = Some(relist.started);
    touched
}

#[cfg(test)]
mod tests;
