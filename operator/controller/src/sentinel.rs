//! The controller's half of the proof: asks the sentinel what it saw, and dials from an allowed place what the
//! probe failed to reach. Whatever cannot be found out stays unknown, and unknown proves nothing.

mod dial;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use sde_core::lock::{Boot, Control, Seen, Target, is_pod_uid};
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::TcpStream;

use crate::stores::Stores;

/// Answers of the admin interface are a few hundred bytes.
const ANSWER_MAX: usize = 16 * 1024;
/// How long the controller tries to reach a target. Longer than the probe waits for one, so that a slow network
/// shows as silence here too.
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer of the admin interface may take.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the sentinel could not be asked.
#[derive(Debug, Error)]
pub enum SentinelError {
    /// No sentinel pod is Ready and no address is set.
    #[error("no sentinel pod is ready")]
    Absent,
    /// It did not answer in time.
    #[error("the sentinel did not answer in time")]
    Timeout,
    /// It could not be reached, or broke off.
    #[error("the sentinel cannot be reached: {0}")]
    Unreachable(String),
    /// It answered something else than it should.
    #[error("the sentinel gave an unusable answer: {0}")]
    Answer(String),
}

/// The address of a pod that is Ready and stays.
pub fn ready_address(pod: &Pod) -> Option<IpAddr> {
    let status = pod.status.as_ref()?;
    let ready = status
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == "Ready" && c.status == "True");
    if !ready || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    status.pod_ip.as_deref()?.parse().ok()
}

/// Talks to the sentinel.
pub struct Sentinel {
    fixed: Option<IpAddr>,
    port: u16,
    admin_port: u16,
    stores: Arc<Stores>,
}

impl Sentinel {
    /// With a fixed address, or with whichever sentinel pod is Ready (the first by name, so that everybody means
    /// the same one).
    pub fn new(fixed: Option<IpAddr>, port: u16, admin_port: u16, stores: Arc<Stores>) -> Self {
        Self {
            fixed,
            port,
            admin_port,
            stores,
        }
    }

    /// Where pods dial it.
    pub fn address(&self) -> Option<SocketAddr> {
        let ip = self.fixed.or_else(|| {
            self.stores
                .sentinels
                .all()
                .iter()
                .find_map(|pod| ready_address(pod))
        });
        ip.map(|ip| SocketAddr::new(ip, self.port))
    }

    /// The present boot id: noted on a pod when it is created.
    pub async fn boot(&self) -> Result<Boot, SentinelError> {
        self.ask("/v1/boot").await
    }

    /// What arrived with a pod's UID.
    pub async fn seen(&self, pod_uid: &str) -> Result<Seen, SentinelError> {
        if !is_pod_uid(pod_uid) {
            return Err(SentinelError::Answer("the UID asked for is none".into()));
        }
        let seen: Seen = self.ask(&format!("/v1/seen/{pod_uid}")).await?;
        if seen.pod_uid == pod_uid {
            Ok(seen)
        } else {
            Err(SentinelError::Answer("it is about another pod".into()))
        }
    }

    /// The controller's observations for [`sde_core::lock::judge`]. `boot_id_before` is the one noted on the pod
    /// when it was created. Call it once the probe has ended, so that what the probe sent has arrived.
    pub async fn control(
        &self,
        boot_id_before: Option<String>,
        pod_uid: &str,
        targets: &[Target],
    ) -> Control {
        let token = format!("control-{:016x}", rand::random::<u64>());
        let (tcp, udp, reachable) = match self.address() {
            Some(address) => tokio::join!(
                dial::sentinel_tcp(address, &token),
                dial::sentinel_udp(address, &token),
                self.reachable(&token, targets),
            ),
            None => (None, None, self.reachable(&token, targets).await),
        };
        let seen = self.seen(pod_uid).await;
        // Last, so that a restart before any of the above shows.
        let boot = self.boot().await;
        for error in seen.as_ref().err().into_iter().chain(boot.as_ref().err()) {
            tracing::warn!("positive control: {error}");
        }
        let boot_id_after = boot.ok().map(|b| b.boot_id);
        let seen = seen
            .ok()
            .filter(|s| Some(&s.boot_id) == boot_id_after.as_ref());
        Control {
            boot_id_before,
            sentinel_answered_tcp: tcp.is_some() && tcp == boot_id_after,
            sentinel_answered_udp: udp.is_some() && udp == boot_id_after,
            boot_id_after,
            nonces_seen: seen.as_ref().map(|s| s.count),
            nonces_complete: seen.is_some_and(|s| s.complete),
            reachable: reachable.into_iter().collect(),
        }
    }

    /// Whether each target connects or answers from here.
    async fn reachable(&self, token: &str, targets: &[Target]) -> Vec<(String, bool)> {
        let dials = targets
            .iter()
            .map(|target| async { (target.name.clone(), dial::reaches(token, target).await) });
        join_all(dials).await
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, SentinelError> {
        let mut address = self.address().ok_or(SentinelError::Absent)?;
        address.set_port(self.admin_port);
        match tokio::time::timeout(ADMIN_TIMEOUT, get(address, path)).await {
            Ok(result) => result,
            Err(_) => Err(SentinelError::Timeout),
        }
    }
}

async fn get<T: DeserializeOwned>(address: SocketAddr, path: &str) -> Result<T, SentinelError> {
    let unreachable = |error: &dyn std::error::Error| SentinelError::Unreachable(error.to_string());
    let stream = TcpStream::connect(address)
        .await
        .map_err(|e| unreachable(&e))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| unreachable(&e))?;
    let connection = tokio::spawn(connection);
    let request = http::Request::get(path)
        .header(http::header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|e| SentinelError::Answer(e.to_string()))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|e| unreachable(&e))?;
    if response.status() != http::StatusCode::OK {
        return Err(SentinelError::Answer(format!(
            "status {}",
            response.status().as_u16()
        )));
    }
    let body = Limited::new(response.into_body(), ANSWER_MAX)
        .collect()
        .await;
    connection.abort();
    let body = body.map_err(|e| SentinelError::Answer(e.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|e| SentinelError::Answer(e.to_string()))
}

#[cfg(test)]
mod tests;
