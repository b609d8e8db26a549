//! The Kubernetes client: kube's stack with our timeouts, our count of requests, and no hidden retries.

mod request;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use thiserror::Error;
use tower::{BoxError, Layer, Service};

use crate::metrics::Metrics;

/// The client could not be made.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Neither KUBECONFIG nor the pod's own credentials could be used.
    #[error("no usable cluster configuration: {0}")]
    Config(#[source] kube::Error),
    /// The configuration cannot be turned into a client (certificates, for one).
    #[error("the cluster configuration cannot be used: {0}")]
    Build(#[source] kube::Error),
}

/// The API server did not begin to answer in time.
#[derive(Debug, Error)]
#[error("the API server did not answer in time")]
pub struct ResponseTimeout;

/// A client from KUBECONFIG or from the pod. `timeout` bounds the wait for each answer to begin, watches
/// included; the wait for the rest of an answer is bounded by the caller, and of a watch by its watcher.
pub async fn connect(timeout: Duration, metrics: Arc<Metrics>) -> Result<Client, ClientError> {
    let mut config = Config::infer()
        .await
        .map_err(|e| ClientError::Config(kube::Error::InferConfig(e)))?;
    config.connect_timeout = Some(timeout);
    config.write_timeout = Some(timeout);
    // kube's own retry repeats POSTs too (kube#2082) and can take minutes: our queue retries with backoff
    // instead, where it is seen, counted and gated on leadership again.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).map_err(ClientError::Build)?;
    Ok(builder.with_layer(&Measure { timeout, metrics }).build())
}

/// The layer that bounds and counts requests.
struct Measure {
    timeout: Duration,
    metrics: Arc<Metrics>,
}

impl<S> Layer<S> for Measure {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured {
            inner,
            timeout: self.timeout,
            metrics: self.metrics.clone(),
        }
    }
}

/// A service with every request bounded and counted.
struct Measured<S> {
    inner: S,
    timeout: Duration,
    metrics: Arc<Metrics>,
}

impl<S, B> Service<Request<Body>> for Measured<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (verb, resource) =
            request::classify(request.method(), request.uri(), request.headers());
        let (metrics, timeout) = (self.metrics.clone(), self.timeout);
        let call = self.inner.call(request);
        Box::pin(async move {
            let (code, result) = match tokio::time::timeout(timeout, call).await {
                Ok(Ok(response)) => (response.status().as_u16().to_string(), Ok(response)),
                Ok(Err(error)) => ("error".to_owned(), Err(error.into())),
                Err(_) => ("timeout".to_owned(), Err(BoxError::from(ResponseTimeout))),
            };
            metrics.api_request(verb, &resource, &code);
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_is_a_counted_timeout() {
        let metrics = Arc::new(Metrics::new());
        let silent = tower::service_fn(|_: Request<Body>| {
            futures::future::pending::<Result<Response<()>, BoxError>>()
        });
        let mut service = Measure {
            timeout: Duration::from_secs(10),
            metrics: metrics.clone(),
        }
        .layer(silent);
        let request = Request::get("/api/v1/namespaces/a")
            .body(Body::empty())
            .expect("request");
        let error = service.call(request).await.expect_err("no answer");
        assert!(error.is::<ResponseTimeout>());
        let text = metrics.render().expect("text");
        assert!(
            text.contains("verb=\"get\",resource=\"namespaces\",code=\"timeout\"} 1"),
            "{text}"
        );
    }
}
