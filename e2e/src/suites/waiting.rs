//! Waits for one object to become what a test wants, by a watch on it alone.

use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::runtime::watcher::watch_object;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Result, SuiteError};

/// How long one step of a life may take, on a busy machine and after a fault.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until a condition of an object has a status and a reason; returns its message.
///
/// # Errors
/// [`SuiteError::TimedOut`] with the conditions as they last were.
pub async fn condition_when<K>(
    api: &Api<K>,
    name: &str,
    kind: &str,
    status: &str,
    reason: &str,
) -> Result<String>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Serialize + kube::Resource + Send + 'static,
{
    let find = |object: &K| -> Option<String> {
        let value = serde_json::to_value(object).ok()?;
        let all = value["status"]["conditions"].as_array()?.clone();
        let one = all
            .iter()
            .find(|it| it["type"] == kind && it["status"] == status && it["reason"] == reason)?;
        one["message"].as_str().map(str::to_owned)
    };
    let object = when(
        api,
        name,
        &format!("{kind}={status} with reason {reason}"),
        |object| find(object).is_some(),
    )
    .await?;
    Ok(find(&object).unwrap_or_default())
}

/// Waits until an object is as wanted, by a watch on it alone.
///
/// # Errors
/// [`SuiteError::TimedOut`] with the object's conditions as they last were.
pub async fn when<K>(api: &Api<K>, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> Result<K>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Serialize + kube::Resource + Send + 'static,
{
    when_within(PATIENCE, api, name, what, wanted).await
}

/// The same with another limit than [`PATIENCE`].
///
/// # Errors
/// As [`when`].
pub async fn when_within<K>(
    limit: Duration,
    api: &Api<K>,
    name: &str,
    what: &str,
    wanted: impl Fn(&K) -> bool,
) -> Result<K>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Serialize + kube::Resource + Send + 'static,
{
    let mut last = None;
    let found = watched(limit, api, name, |object| {
        let fits = object.is_some_and(&wanted);
        last = object.cloned();
        fits
    });
    match found.await {
        Some(Some(object)) => Ok(object),
        _ => {
            let shown = last
                .and_then(|object| serde_json::to_value(&object).ok())
                .map(|object| conditions(&object));
            Err(SuiteError::TimedOut {
                what: format!("{name}: no {what}; its conditions are {shown:?}"),
                limit,
            })
        }
    }
}

/// Waits until an object is not there.
///
/// # Errors
/// [`SuiteError::TimedOut`] when it stays.
pub async fn gone<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + kube::Resource + Send + 'static,
{
    match watched(PATIENCE, api, name, |object| object.is_none()).await {
        Some(_) => Ok(()),
        None => Err(SuiteError::TimedOut {
            what: format!("{name} is still there"),
            limit: PATIENCE,
        }),
    }
}

/// Watches one object until `wanted` says so of it or of its absence; `None` when patience ends first.
async fn watched<K>(
    limit: Duration,
    api: &Api<K>,
    name: &str,
    mut wanted: impl FnMut(Option<&K>) -> bool,
) -> Option<Option<K>>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + kube::Resource + Send + 'static,
{
    let end = tokio::time::Instant::now() + limit;
    let stream = watch_object(api.clone(), name);
    futures::pin_mut!(stream);
    loop {
        match tokio::time::timeout_at(end, stream.next()).await.ok()?? {
            Ok(object) if wanted(object.as_ref()) => return Some(object),
            Ok(_) => {}
            // The API server is away; the stream tries again when it is asked again.
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// The conditions of an object as one line each.
fn conditions(object: &Value) -> Vec<String> {
    let list = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.iter()
        .map(|it| {
            format!(
                "{}={} {}: {}",
                text(&it["type"]),
                text(&it["status"]),
                text(&it["reason"]),
                text(&it["message"])
            )
        })
        .collect()
}
