//! Writes of a status.

use kube::core::Request;
use kube::core::params::{Patch, PatchParams};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Applier, ApplyError, FieldManager, Outcome, same_status, to_json};
use crate::key::ObjectKey;
use crate::stores::Watched;

impl Applier {
    /// Applies `status`, unless the observed object's says the same already. The uid goes along, so the status
    /// of a deleted object never lands on its namesake.
    pub async fn apply_status<K>(
        &self,
        observed: &K,
        status: &impl Serialize,
        manager: FieldManager,
    ) -> Result<Outcome, ApplyError>
    where
        K: Watched + Serialize,
    {
        self.status(observed, status, manager, None).await
    }

    /// The same, refused with [`ApplyError::Conflict`] when anything of the object has changed since it was read: for a status that
    /// is a protocol's memory.
    pub async fn apply_status_as_read<K>(
        &self,
        observed: &K,
        status: &impl Serialize,
        manager: FieldManager,
    ) -> Result<Outcome, ApplyError>
    where
        K: Watched + Serialize,
    {
        let version = observed.meta().resource_version.as_deref();
        self.status(observed, status, manager, version).await
    }

    async fn status<K>(
        &self,
        observed: &K,
        status: &impl Serialize,
        manager: FieldManager,
        version: Option<&str>,
    ) -> Result<Outcome, ApplyError>
    where
        K: Watched + Serialize,
    {
        let status = to_json(status)?;
        let current = to_json(observed)?;
        let store = K::store(&self.stores);
        if same_status(&status, current.get("status").unwrap_or(&Value::Null)) {
            self.metrics.applied(store.kind(), Outcome::Noop.as_str());
            return Ok(Outcome::Noop);
        }
        let key = ObjectKey::of(observed);
        let mut body = json!({
            "apiVersion": K::api_version(&()), "kind": K::kind(&()),
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": observed.meta().uid},
            "status": status,
        });
        if let Some(version) = version {
            body["metadata"]["resourceVersion"] = version.into();
        }
        let params = PatchParams::apply(manager.as_str()).force();
        let url = Request::new(K::url_path(&(), key.namespace.as_deref()));
        let object: K = self
            .write(url.patch_subresource("status", &key.name, &params, &Patch::Apply(&body)))
            .await?;
        self.metrics
            .applied(store.kind(), Outcome::Changed.as_str());
        self.note(&object);
        Ok(Outcome::Changed)
    }
}
