//! The apply engine: every write that a reconciler makes goes through here, so that each one is gated on
//! leadership, bounded in time, skipped when it would change nothing, counted, and remembered until the
//! store has shown it.

mod cache;
mod error;
mod noop;
mod read;
mod status;
mod write;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use kube::core::params::{Patch, PatchParams};
use kube::core::{ObjectMeta, Request};
use kube::{Client, Resource};
use sde_crds::names;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::cache::digest;
pub use self::error::ApplyError;
pub use self::noop::{Compare, same_status};
pub use self::write::{Created, Deleted, Precondition};

use self::cache::{ApplyCache, Subject};
use crate::key::ObjectKey;
use crate::labels::{self, label};
use crate::leadership::Leadership;
use crate::metrics::Metrics;
use crate::stores::{Stores, Watched};
use crate::writes::Expect;

/// Who owns the fields: one manager a controller, never shared, since what a manager no longer sends is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldManager {
    /// The project controller.
    Project,
    /// The workspace controller.
    Workspace,
    /// The dataset controller.
    Dataset,
    /// The access controller.
    Access,
    /// The airlock controller.
    Airlock,
}

impl FieldManager {
    /// As the API server knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "sde-operator/project",
            Self::Workspace => "sde-operator/workspace",
            Self::Dataset => "sde-operator/dataset",
            Self::Access => "sde-operator/access",
            Self::Airlock => "sde-operator/airlock",
        }
    }

    fn annotation(self) -> String {
        let suffix = self.as_str().rsplit('/').next().unwrap_or_default();
        format!("{}{suffix}", labels::APPLIED_PREFIX)
    }
}

/// A kind that reconcilers apply.
pub trait Managed: Watched + Serialize {
    /// How desired and observed are compared.
    const COMPARE: Compare;
    /// Whether an object that is already there, made by somebody else, may be taken over. Only for what the
    /// control plane itself makes in every namespace (the ServiceAccount `default`).
    const ADOPTABLE: bool = false;
    /// Lists of `spec` that are ours even when nothing is desired in them: sent empty, they take away what
    /// somebody else put there, where an absent field would leave it.
    const CLAIMED: &'static [&'static str] = &[];
}

/// What an apply did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object was not there.
    Created,
    /// The object was there and was sent again.
    Changed,
    /// The observed object already holds what is desired; no call was made.
    Noop,
    /// The same was applied to the same object before; no call was made.
    Cached,
}

impl Outcome {
    /// As in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Noop => "noop",
            Self::Cached => "cached",
        }
    }
}

/// An object as it is after an apply.
#[derive(Clone, Debug)]
pub struct Applied<K> {
    /// From the API server's answer, or from the store when no call was needed.
    pub object: Arc<K>,
    /// What was done.
    pub outcome: Outcome,
}

/// The engine. Cheap to share behind an `Arc`.
pub struct Applier {
    client: Client,
    stores: Arc<Stores>,
    leadership: Leadership,
    metrics: Arc<Metrics>,
    timeout: Duration,
    cache: ApplyCache,
}

impl Applier {
    /// An engine whose every call may take `timeout`.
    pub fn new(
        client: Client,
        stores: Arc<Stores>,
        leadership: Leadership,
        metrics: Arc<Metrics>,
        timeout: Duration,
    ) -> Self {
        Self {
            client,
            stores,
            leadership,
            metrics,
            timeout,
            cache: ApplyCache::default(),
        }
    }

    async fn call<T: Clone + Debug + DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, ApplyError> {
        let request = request.map_err(|e| ApplyError::Other(e.to_string()))?;
        match tokio::time::timeout(self.timeout, self.client.request::<T>(request)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApplyError::Timeout),
        }
    }

    /// The leadership check belongs right before the call: nothing may be awaited between the two.
    async fn write<T: Clone + Debug + DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, ApplyError> {
        self.leadership.check().map_err(|_| ApplyError::NotLeader)?;
        self.call(request).await
    }

    /// Server-side apply (forced) of exactly the fields in `desired`.
    ///
    /// No call is made when the store's object carries the digest of `desired` and holds all of it, or when the
    /// same was applied to it before. An object of that name that this project did not make is refused with
    /// [`ApplyError::Foreign`]; `desired` must carry the project's labels.
    pub async fn apply<K: Managed>(
        &self,
        desired: &K,
        manager: FieldManager,
    ) -> Result<Applied<K>, ApplyError> {
        let key = ObjectKey::of(desired);
        let (body, digest) = body(desired, manager)?;
        let store = K::store(&self.stores);
        let observed = store.get(&key);
        let subject = Subject {
            gvk: gvk::<K>(),
            key: key.clone(),
            manager,
        };
        if let Some(object) = &observed {
            if !K::ADOPTABLE && !same_project(desired, &**object) {
                return Err(ApplyError::Foreign {
                    kind: store.kind().to_owned(),
                });
            }
            let skipped = self.skip(&body, object, &subject, &digest)?;
            if let Some(outcome) = skipped {
                self.metrics.applied(store.kind(), outcome.as_str());
                return Ok(Applied {
                    object: object.clone(),
                    outcome,
                });
            }
        }
        let absent = observed.is_none() && !K::ADOPTABLE && self.is_absent(desired).await?;
        let params = PatchParams::apply(manager.as_str()).force();
        let url = Request::new(K::url_path(&(), key.namespace.as_deref()));
        let object: K = self
            .write(url.patch(&key.name, &params, &Patch::Apply(&body)))
            .await?;
        if absent && !only_manager(object.meta(), manager) {
            // Somebody made it between our look and our write. It now carries our labels, so that it is seen,
            // but nothing may be built on it.
            return Err(ApplyError::Foreign {
                kind: store.kind().to_owned(),
            });
        }
        let outcome = if absent {
            Outcome::Created
        } else {
            Outcome::Changed
        };
        self.metrics.applied(store.kind(), outcome.as_str());
        self.note(&object);
        if K::COMPARE == Compare::Exact
            && let Some(path) = noop::foreign(&body, &to_json(&object)?)
        {
            return Err(ApplyError::ForeignField {
                kind: store.kind().to_owned(),
                path,
            });
        }
        let meta = object.meta();
        let (uid, version) = (meta.uid.clone(), meta.resource_version.clone());
        self.cache.note(
            subject,
            uid.unwrap_or_default(),
            version.unwrap_or_default(),
            digest,
        );
        Ok(Applied {
            object: Arc::new(object),
            outcome,
        })
    }

    /// Whether the observed object needs no call.
    fn skip<K: Managed>(
        &self,
        body: &Value,
        object: &Arc<K>,
        subject: &Subject,
        digest: &str,
    ) -> Result<Option<Outcome>, ApplyError> {
        let meta = object.meta();
        if meta.deletion_timestamp.is_some() {
            // It cannot be kept from going; the next one is applied when this one is gone.
            return Ok(Some(Outcome::Noop));
        }
        if noop::difference(body, &to_json(&**object)?, K::COMPARE).is_none() {
            return Ok(Some(Outcome::Noop));
        }
        let uid = meta.uid.as_deref().unwrap_or_default();
        let version = meta.resource_version.as_deref().unwrap_or_default();
        Ok(self
            .cache
            .hit(subject, uid, version, digest)
            .then_some(Outcome::Cached))
    }

    /// A live look before the first apply: the store holds labelled objects only, so it cannot tell "absent"
    /// from "somebody else's", and a server-side apply would take the latter over silently.
    async fn is_absent<K: Managed>(&self, desired: &K) -> Result<bool, ApplyError> {
        match self.get::<K>(&ObjectKey::of(desired)).await? {
            None => Ok(true),
            Some(found) if same_project(desired, &found) => Ok(false),
            Some(_) => Err(ApplyError::Foreign {
                kind: K::store(&self.stores).kind().to_owned(),
            }),
        }
    }

    /// Remembers a write of ours until the store has shown it.
    fn note<K: Watched>(&self, object: &K) {
        let version = crate::store::version_number(object.meta().resource_version.as_deref());
        if let (Some(project), Some(version)) = (labels::project_of(object), version) {
            let kind = K::store(&self.stores).kind();
            self.stores.writes.note(
                project,
                kind,
                ObjectKey::of(object),
                Expect::Version(version),
            );
        }
    }
}

/// The body of the apply: only owned fields, with the digest of them as an annotation.
fn body<K: Managed>(desired: &K, manager: FieldManager) -> Result<(Value, String), ApplyError> {
    let mut body = to_json(desired)?;
    if let Some(map) = body.as_object_mut() {
        map.remove("status");
    }
    let digest = digest(body.to_string().as_bytes());
    body["apiVersion"] = K::api_version(&()).into();
    body["kind"] = K::kind(&()).into();
    for list in K::CLAIMED {
        let value = &mut body["spec"][*list];
        if value.is_null() {
            *value = json!([]);
        }
    }
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.retain(|key, value| !value.is_null() && key != "managedFields");
    }
    body["metadata"]["annotations"][manager.annotation()] = digest.clone().into();
    Ok((body, digest))
}

fn to_json(value: &impl Serialize) -> Result<Value, ApplyError> {
    serde_json::to_value(value)
        .map_err(|e| ApplyError::Other(format!("cannot be written as JSON: {e}")))
}

fn gvk<K: Resource<DynamicType = ()>>() -> String {
    format!("{}/{}", K::api_version(&()), K::kind(&()))
}

/// Ours, and of the same project (objects of no project carry no project label on either side).
fn same_project<K: Resource>(desired: &K, found: &K) -> bool {
    label(found, names::MANAGED_BY_LABEL) == Some(names::MANAGED_BY)
        && label(found, names::PROJECT_UID_LABEL) == label(desired, names::PROJECT_UID_LABEL)
}

fn only_manager(meta: &ObjectMeta, manager: FieldManager) -> bool {
    let mut entries = meta.managed_fields.iter().flatten();
    entries.all(|entry| entry.manager.as_deref() == Some(manager.as_str()))
}

#[cfg(test)]
mod tests;
