//! The bare client: sends the controller's own requests again, for other projects, as fast as the API server takes them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use http::Request;
use http::header::CONTENT_TYPE;
use kube::client::Body;
use kube::{Api, Client, ResourceExt as _};
use sde_crds::Project;

use crate::controlplane::fault_proxy::Recorded;
use crate::suites::error::{Result, SuiteError};
use crate::suites::lab::Lab;
use crate::suites::life::Life;

/// A pod is refused until the quota controller has counted; any client has to try again.
const TRIES: usize = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// One project's requests as the controller sent them.
#[derive(Debug, Clone)]
pub struct Tape {
    /// The project's name.
    pub project: String,
    /// The project's UID.
    pub uid: String,
    /// Its requests in order.
    pub requests: Vec<Recorded>,
}

/// What one run of the bare client came to.
#[derive(Debug, Clone, Copy)]
pub struct Replayed {
    /// Projects at once.
    pub concurrency: usize,
    /// Accepted writes per second.
    pub rate: f64,
    /// Writes that were refused however often they were tried.
    pub refused: usize,
}

/// Submits one fresh project for each tape, then plays the tapes for them, `concurrency` at once and each in its order.
///
/// # Errors
/// When a project cannot be submitted or the API server does not answer.
pub async fn replay(
    lab: &Lab,
    client: &Client,
    tapes: &[Tape],
    concurrency: usize,
) -> Result<Replayed> {
    let projects: Api<Project> = Api::all(lab.plane.admin());
    let mut copies = Vec::with_capacity(tapes.len());
    for (number, tape) in tapes.iter().enumerate() {
        let name = format!("bare{concurrency:02}n{number:04}");
        Life::new(lab, &name).submit().await?;
        let uid = projects.get(&name).await?.uid().unwrap_or_default();
        copies.push(Tape {
            requests: tape
                .requests
                .iter()
                .map(|request| renamed(request, tape, &name, &uid))
                .collect(),
            project: name,
            uid,
        });
    }
    let refused = AtomicUsize::new(0);
    let accepted = AtomicUsize::new(0);
    let began = Instant::now();
    let runs = copies.iter().map(async |copy| {
        for request in &copy.requests {
            let counter = if send(client, request).await? {
                &accepted
            } else {
                &refused
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<(), SuiteError>(())
    });
    let results: Vec<Result<()>> = futures::stream::iter(runs)
        .buffer_unordered(concurrency)
        .collect()
        .await;
    let took = began.elapsed();
    results.into_iter().collect::<Result<Vec<()>>>()?;
    let rate = accepted.load(Ordering::Relaxed) as f64 / took.as_secs_f64();
    Ok(Replayed {
        concurrency,
        rate,
        refused: refused.load(Ordering::Relaxed),
    })
}

/// The same request for another project.
fn renamed(request: &Recorded, tape: &Tape, name: &str, uid: &str) -> Recorded {
    let rename = |text: &str| text.replace(&tape.project, name).replace(&tape.uid, uid);
    let body = without_preconditions(rename(&String::from_utf8_lossy(&request.body)));
    Recorded {
        target: rename(&request.target),
        body: body.into(),
        ..request.clone()
    }
}

/// The same body without the UIDs and resourceVersions of objects that only the controller's run had.
fn without_preconditions(body: String) -> String {
    let Ok(serde_json::Value::Object(mut object)) = serde_json::from_str(&body) else {
        return body;
    };
    object.remove("preconditions");
    if let Some(serde_json::Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("uid");
        metadata.remove("resourceVersion");
    }
    serde_json::Value::Object(object).to_string()
}

/// Sends one request; whether it was accepted.
async fn send(client: &Client, recorded: &Recorded) -> Result<bool> {
    for _ in 0..TRIES {
        let mut request = Request::builder()
            .method(recorded.method.clone())
            .uri(&recorded.target);
        if let Some(value) = &recorded.content_type {
            request = request.header(CONTENT_TYPE, value);
        }
        let request = request
            .body(Body::from(recorded.body.clone()))
            .map_err(kube::Error::HttpError)?;
        let response = client.send(request).await?;
        let status = response.status();
        let answer = response.into_body().collect_bytes().await?;
        if status.is_success() {
            return Ok(true);
        }
        tracing::debug!(%status, method = %recorded.method, target = recorded.target, answer = %String::from_utf8_lossy(&answer), "refused");
        if !matches!(status.as_u16(), 403 | 429) {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}
