//! An independent witness of what came into being: a watch on every kind that the controller makes, beside the controller's own client.
//!
//! It counts UIDs, not requests: a create whose answer was lost is one object all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use sde_crds::names::{GROUP, MANAGED_BY, MANAGED_BY_LABEL, VERSION};
use tokio::task::JoinSet;

/// Kinds that the controller makes: group, version, kind.
const KINDS: [(&str, &str, &str); 13] = [
    ("", "v1", "Namespace"),
    ("", "v1", "ServiceAccount"),
    ("", "v1", "ResourceQuota"),
    ("", "v1", "LimitRange"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("", "v1", "PersistentVolume"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "Secret"),
    ("", "v1", "Pod"),
    (GROUP, VERSION, "AirlockReceipt"),
    (GROUP, VERSION, "DestructionRecord"),
];

type Seen = BTreeMap<String, BTreeSet<String>>;

/// The running witness; it stops when dropped.
pub struct Recorder {
    seen: Arc<Mutex<Seen>>,
    _watches: JoinSet<()>,
}

impl Recorder {
    /// Begins to watch.
    pub fn start(client: &Client) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let mut watches = JoinSet::new();
        for (group, version, kind) in KINDS {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api: Api<PartialObjectMeta<DynamicObject>> =
                Api::all_with(client.clone(), &resource);
            let ours = if kind == "DestructionRecord" {
                String::new()
            } else {
                format!("{MANAGED_BY_LABEL}={MANAGED_BY}")
            };
            let config = watcher::Config::default().labels(&ours);
            let seen = seen.clone();
            watches.spawn(async move {
                let objects = watcher(api, config).default_backoff().applied_objects();
                objects
                    .for_each(async |object| {
                        if let Ok(object) = object {
                            note(&seen, kind, &object)
                        }
                    })
                    .await;
            });
        }
        Self {
            seen,
            _watches: watches,
        }
    }

    /// How many objects there have been under each name, by `Kind namespace/name`, of those whose name contains `text`.
    pub fn created(&self, text: &str) -> BTreeMap<String, usize> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .filter(|(name, _)| name.contains(text))
            .map(|(name, uids)| (name.clone(), uids.len()))
            .collect()
    }
}

fn note(seen: &Mutex<Seen>, kind: &str, object: &PartialObjectMeta<DynamicObject>) {
    let name = format!(
        "{kind} {}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    );
    let uid = object.uid().unwrap_or_default();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(name)
        .or_default()
        .insert(uid);
}
