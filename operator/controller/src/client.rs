//! The Kubernetes client: kube's stack with our timeouts, our count of requests, and no hidden retries.

mod request;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use sde_core::settings::Endpoint;
use thiserror::Error;
use tower::{BoxError, Layer, Service};

use crate::metrics::Metrics;

/// The client could not be made.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Neither KUBECONFIG nor the pod's own credentials could be used.
    #[error("no usable cluster configuration: {0}")]
    Config(#[source] kube::Error),
    /// An API server's address is none.
    #[error("{0} is no address of an API server")]
    Address(String),
    /// The configuration cannot be turned into a client (certificates, for one).
    #[error("the cluster configuration cannot be used: {0}")]
    Build(#[source] kube::Error),
}

/// The API server did not begin to answer in time.
#[derive(Debug, Error)]
#[error("the API server did not answer in time")]
pub struct ResponseTimeout;

/// Makes clients from KUBECONFIG or from the pod.
#[derive(Clone)]
pub struct Connector {
    config: Config,
    metrics: Arc<Metrics>,
}

impl Connector {
    /// Reads the configuration.
    pub async fn infer(metrics: Arc<Metrics>) -> Result<Self, ClientError> {
        let mut config = Config::infer()
            .await
            .map_err(|e| ClientError::Config(kube::Error::InferConfig(e)))?;
        // kube's own retry repeats POSTs too (kube#2082) and can take minutes: our queue retries with backoff
        // instead, where it is seen, counted and gated on leadership again.
        config.default_retry = false;
        Ok(Self { config, metrics })
    }

    /// A client with connections of its own, for the address of the configuration or for one API server of it, which must show
    /// the same certificate. `timeout` bounds the wait for each answer to begin, watches included; the wait for the rest of an
    /// answer is bounded by the caller, and of a watch by its watcher.
    pub fn client(
        &self,
        server: Option<&Endpoint>,
        timeout: Duration,
    ) -> Result<Client, ClientError> {
        let mut config = self.config.clone();
        if let Some(server) = server {
            let host = config.cluster_url.host().unwrap_or_default().to_owned();
            let scheme = config.cluster_url.scheme_str().unwrap_or("https");
            config.cluster_url = format!("{scheme}://{}", authority(server))
                .parse()
                .map_err(|_| ClientError::Address(authority(server)))?;
            config.tls_server_name.get_or_insert(host);
        }
        config.connect_timeout = Some(timeout);
        config.write_timeout = Some(timeout);
        let builder = ClientBuilder::try_from(config).map_err(ClientError::Build)?;
        let metrics = self.metrics.clone();
        Ok(builder.with_layer(&Measure { timeout, metrics }).build())
    }

    /// Where [`Connector::client`] goes.
    pub fn address(&self, server: Option<&Endpoint>) -> String {
        let configured = || self.config.cluster_url.authority().map(ToString::to_string);
        server.map_or_else(|| configured().unwrap_or_default(), authority)
    }
}

fn authority(server: &Endpoint) -> String {
    match server.address.parse() {
        Ok(std::net::IpAddr::V6(ip)) => format!("[{ip}]:{}", server.port),
        _ => format!("{}:{}", server.address, server.port),
    }
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

    #[test]
    fn an_api_server_has_an_address_of_its_own() {
        let connector = Connector {
            config: Config::new("https://kubernetes.example:443".parse().expect("uri")),
            metrics: Arc::new(Metrics::new()),
        };
        let at = |address: &str| Endpoint {
            address: address.to_owned(),
            port: 6443,
            protocol: sde_core::lock::Protocol::TCP,
        };
        assert_eq!(connector.address(None), "kubernetes.example:443");
        assert_eq!(connector.address(Some(&at("10.0.0.1"))), "10.0.0.1:6443");
        assert_eq!(connector.address(Some(&at("fd00::1"))), "[fd00::1]:6443");
    }

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
