//! The writes that are no server-side apply: create once, delete, finalizers, annotations.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::Resource;
use kube::core::Request;
use kube::core::params::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Applier, ApplyError, gvk, to_json};
use crate::key::ObjectKey;
use crate::labels;
use crate::stores::Watched;
use crate::writes::Expect;

/// What a create-once did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was not there and is now.
    Created,
    /// It was there already and was left alone.
    Existed,
}

/// What must hold of an object for its delete to happen. The uid always must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// It is the same object.
    Uid,
    /// It is the same object, unchanged since it was looked at.
    UidAndVersion,
}

/// What a delete did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone or going.
    Requested,
    /// It was gone before.
    Absent,
}

impl Applier {
    /// Creates an object whose content is generated (a token) and so cannot be applied again: made once, then
    /// left alone. The client's own retry is off, so a lost answer shows as "existed" the next time.
    pub async fn create_once<K: Watched + Serialize>(
        &self,
        desired: &K,
    ) -> Result<Created, ApplyError> {
        let mut body = to_json(desired)?;
        body["apiVersion"] = K::api_version(&()).into();
        body["kind"] = K::kind(&()).into();
        self.post::<K>(ObjectKey::of(desired), &body).await
    }

    /// Like [`Applier::create_once`] for a kind of which only metadata is watched, such as Secrets. `W` is the
    /// watched form, `desired` the whole object.
    pub async fn create_once_as<W: Watched, K>(&self, desired: &K) -> Result<Created, ApplyError>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let mut body = to_json(desired)?;
        body["apiVersion"] = K::api_version(&()).into();
        body["kind"] = K::kind(&()).into();
        self.post::<W>(ObjectKey::of(desired), &body).await
    }

    async fn post<W: Watched>(&self, key: ObjectKey, body: &Value) -> Result<Created, ApplyError> {
        let bytes = body.to_string().into_bytes();
        let url = Request::new(W::url_path(&(), key.namespace.as_deref()));
        let kind = W::store(&self.stores).kind();
        match self
            .write::<W>(url.create(&PostParams::default(), bytes))
            .await
        {
            Ok(object) => {
                self.metrics.applied(kind, "created");
                self.note(&object);
                Ok(Created::Created)
            }
            // "Already there" and "try again" are both a 409; only a look tells which.
            Err(ApplyError::Conflict) => match self.get::<W>(&key).await? {
                Some(_) => Ok(Created::Existed),
                None => Err(ApplyError::Conflict),
            },
            Err(error) => Err(error),
        }
    }

    /// Deletes exactly the object that was looked at. `grace_seconds` as in a pod's termination; `None` leaves
    /// it to the kind. An object that is gone, or whose name another one has by now, is success.
    pub async fn delete<K: Watched>(
        &self,
        object: &K,
        precondition: Precondition,
        grace_seconds: Option<u32>,
    ) -> Result<Deleted, ApplyError> {
        let meta = object.meta();
        let key = ObjectKey::of(object);
        let Some(uid) = meta.uid.clone() else {
            return Err(ApplyError::Other(
                "an object without a uid is never deleted".into(),
            ));
        };
        let params = DeleteParams {
            grace_period_seconds: grace_seconds,
            preconditions: Some(Preconditions {
                uid: Some(uid.clone()),
                resource_version: match precondition {
                    Precondition::Uid => None,
                    Precondition::UidAndVersion => meta.resource_version.clone(),
                },
            }),
            ..DeleteParams::background()
        };
        let url = Request::new(K::url_path(&(), key.namespace.as_deref()));
        let kind = K::store(&self.stores).kind();
        // The answer is the object or a Status, by kind and finalizers; neither says more than success.
        let deleted = match self.write::<Value>(url.delete(&key.name, &params)).await {
            Ok(_) => {
                self.metrics.pruned(kind);
                Deleted::Requested
            }
            Err(ApplyError::NotFound) => Deleted::Absent,
            Err(ApplyError::Conflict) if precondition == Precondition::Uid => {
                self.after_conflict(object).await?
            }
            Err(error) => return Err(error),
        };
        self.cache.forget(&gvk::<K>(), &key);
        if let Some(project) = labels::project_of(object) {
            self.stores
                .writes
                .note(project, kind, key, Expect::Gone(uid));
        }
        Ok(deleted)
    }

    /// A delete that only asked for the uid met a conflict: another object has the name by now, or this one is
    /// going already (a namespace says so in this way).
    async fn after_conflict<K: Watched>(&self, object: &K) -> Result<Deleted, ApplyError> {
        match self.get::<K>(&ObjectKey::of(object)).await? {
            Some(found) if found.meta().uid != object.meta().uid => Ok(Deleted::Absent),
            Some(found) if found.meta().deletion_timestamp.is_some() => Ok(Deleted::Requested),
            Some(_) => Err(ApplyError::Conflict),
            None => Ok(Deleted::Absent),
        }
    }

    /// Adds or removes a finalizer, if that is still to be done. Guarded by uid and resourceVersion, since the
    /// list is replaced whole.
    pub async fn set_finalizer<K: Watched>(
        &self,
        object: &K,
        finalizer: &str,
        present: bool,
    ) -> Result<(), ApplyError> {
        let meta = object.meta();
        let mut finalizers = meta.finalizers.clone().unwrap_or_default();
        if finalizers.iter().any(|f| f == finalizer) == present {
            return Ok(());
        }
        if present {
            finalizers.push(finalizer.to_owned());
        } else {
            finalizers.retain(|f| f != finalizer);
        }
        match self.merge(object, json!({"finalizers": finalizers})).await {
            // With its last finalizer the object goes, and a repeat finds nothing.
            Err(ApplyError::NotFound) if !present => Ok(()),
            other => other,
        }
    }

    /// Sets (`Some`) or removes (`None`) annotations on an object as it was looked at: for what changes during
    /// its life and so is no part of what is applied, such as a pod's gate.
    pub async fn annotate<K: Watched>(
        &self,
        object: &K,
        annotations: &BTreeMap<String, Option<String>>,
    ) -> Result<(), ApplyError> {
        self.merge(object, json!({"annotations": annotations}))
            .await
    }

    /// Sets what becomes of a volume when its claim goes (`Delete` or `Retain`).
    pub async fn set_reclaim_policy(
        &self,
        volume: &PersistentVolume,
        policy: &str,
    ) -> Result<(), ApplyError> {
        let change = json!({"spec": {"persistentVolumeReclaimPolicy": policy}});
        self.change_volume(volume, change).await
    }

    /// Changes fields of a volume as it was looked at. It may be one that a provisioner made for a claim of ours, so it is patched,
    /// not applied: its other fields are not ours.
    pub async fn change_volume(
        &self,
        volume: &PersistentVolume,
        mut change: Value,
    ) -> Result<(), ApplyError> {
        change["metadata"]["uid"] = json!(volume.metadata.uid);
        change["metadata"]["resourceVersion"] = json!(volume.metadata.resource_version);
        let key = ObjectKey::of(volume);
        let url = Request::new(PersistentVolume::url_path(&(), None));
        let _: PersistentVolume = self
            .write(url.patch(&key.name, &PatchParams::default(), &Patch::Merge(&change)))
            .await?;
        self.metrics.applied("PersistentVolume", "changed");
        Ok(())
    }

    async fn merge<K: Watched>(&self, object: &K, mut metadata: Value) -> Result<(), ApplyError> {
        let key = ObjectKey::of(object);
        let meta = object.meta();
        metadata["uid"] = json!(meta.uid);
        metadata["resourceVersion"] = json!(meta.resource_version);
        let body = json!({"metadata": metadata});
        let url = Request::new(K::url_path(&(), key.namespace.as_deref()));
        let patched: K = self
            .write(url.patch(&key.name, &PatchParams::default(), &Patch::Merge(&body)))
            .await?;
        self.metrics
            .applied(K::store(&self.stores).kind(), "changed");
        self.note(&patched);
        Ok(())
    }
}
