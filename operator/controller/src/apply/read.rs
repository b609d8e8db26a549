//! The few live reads: before destructive steps, before a first apply, and of what is not watched.

use std::fmt::Debug;

use kube::Resource;
use kube::core::params::{GetParams, ListParams};
use kube::core::{ObjectList, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Applier, ApplyError};
use crate::key::ObjectKey;

impl Applier {
    /// A live, consistent read: only before destructive steps and for what is not watched.
    pub async fn get<K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned>(
        &self,
        key: &ObjectKey,
    ) -> Result<Option<K>, ApplyError> {
        let url = Request::new(K::url_path(&(), key.namespace.as_deref()));
        match self.call(url.get(&key.name, &GetParams::default())).await {
            Ok(object) => Ok(Some(object)),
            Err(ApplyError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A live, consistent list (all namespaces when `namespace` is `None`), by label selector (empty: all).
    pub async fn list<K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned>(
        &self,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<K>, ApplyError> {
        let params = ListParams {
            label_selector: (!selector.is_empty()).then(|| selector.to_owned()),
            ..ListParams::default()
        };
        let list: ObjectList<K> = self
            .call(Request::new(K::url_path(&(), namespace)).list(&params))
            .await?;
        Ok(list.items)
    }

    /// A live read of a path that is no object, such as `/version`.
    pub async fn read(&self, path: &str) -> Result<Value, ApplyError> {
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(kube::core::request::Error::BuildRequest);
        self.call(request).await
    }
}
