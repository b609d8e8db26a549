//! The API server, always as the person who signed in: there is no way from here to a call with the portal's own rights.

use std::time::Duration;

use http::header::HeaderName;
use http::{Request, Response};
use kube::client::Body;
use kube::{Client, Config};
use thiserror::Error;

use crate::user::User;

/// A person waits for every answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Whom a request is for; the API server asks whether we may act for them in it, and then whether they may do it.
const IMPERSONATE: HeaderName = HeaderName::from_static("impersonate-user");

/// The cluster's configuration cannot be used.
#[derive(Debug, Error)]
pub enum ApiError {
    /// Neither KUBECONFIG nor the pod's own credentials could be used.
    #[error("no usable cluster configuration: {0}")]
    Config(#[source] Box<kube::Error>),
    /// It cannot be turned into a client (certificates, for one).
    #[error("the cluster configuration cannot be used: {0}")]
    Build(#[source] Box<kube::Error>),
}

/// Connections to the API server.
#[derive(Clone)]
pub struct Api {
    connections: Client,
}

impl Api {
    /// From KUBECONFIG, or from the pod.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn infer() -> Result<Self, ApiError> {
        let config = Config::infer().await;
        let config = config.map_err(|e| ApiError::Config(Box::new(kube::Error::InferConfig(e))))?;
        Self::new(config)
    }

    /// With a configuration.
    ///
    /// # Errors
    /// [`ApiError::Build`].
    pub fn new(mut config: Config) -> Result<Self, ApiError> {
        config.connect_timeout = Some(TIMEOUT);
        config.read_timeout = Some(TIMEOUT);
        config.write_timeout = Some(TIMEOUT);
        // A repeated POST could answer "already exists" to a person whose first attempt went through.
        config.default_retry = false;
        let connections = Client::try_from(config).map_err(|e| ApiError::Build(Box::new(e)))?;
        Ok(Self { connections })
    }

    /// A client all of whose requests are this person's. Cheap: connections are shared, the header is each request's own.
    pub fn of(&self, user: &User) -> Client {
        let connections = self.connections.clone();
        let person = user.header();
        let service = tower::service_fn(move |mut request: Request<Body>| {
            let connections = connections.clone();
            let person = person.clone();
            async move {
                let person = person.ok_or_else(|| {
                    kube::Error::Service("nobody to act for: the request is not sent".into())
                })?;
                request.headers_mut().insert(IMPERSONATE, person);
                let answer: Response<Body> = connections.send(request).await?;
                Ok::<_, kube::Error>(answer)
            }
        });
        Client::new(service, "default")
    }
}
