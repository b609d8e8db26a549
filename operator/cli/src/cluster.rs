//! The API server, as the person's kubeconfig names it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use crate::error::CliError;

/// A person waits for every answer, so none may take longer than this.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Which cluster.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Kubeconfig file; `KUBECONFIG` or `~/.kube/config` when none.
    pub kubeconfig: Option<PathBuf>,
    /// Context in it; the current one when none.
    pub context: Option<String>,
}

/// A client for `target`.
///
/// # Errors
/// [`CliError::Kubeconfig`] when there is no usable configuration.
pub async fn connect(target: &Target) -> Result<Client, CliError> {
    connect_for(target, TIMEOUT).await
}

/// A client for `target` whose answers may take as long as `timeout`.
///
/// # Errors
/// [`CliError::Kubeconfig`] when there is no usable configuration.
pub async fn connect_for(target: &Target, timeout: Duration) -> Result<Client, CliError> {
    let options = KubeConfigOptions {
        context: target.context.clone(),
        ..KubeConfigOptions::default()
    };
    let bad = |e: &dyn std::fmt::Display| CliError::Kubeconfig(e.to_string());
    let mut config = match (&target.kubeconfig, &target.context) {
        (Some(path), _) => {
            let file = Kubeconfig::read_from(path).map_err(|e| bad(&e))?;
            Config::from_custom_kubeconfig(file, &options)
                .await
                .map_err(|e| bad(&e))?
        }
        (None, Some(_)) => Config::from_kubeconfig(&options)
            .await
            .map_err(|e| bad(&e))?,
        (None, None) => Config::infer().await.map_err(|e| bad(&e))?,
    };
    config.connect_timeout = Some(TIMEOUT);
    config.read_timeout = Some(timeout);
    config.write_timeout = Some(timeout);
    // A repeated POST could answer "already exists" to a person whose first attempt went through.
    config.default_retry = false;
    Client::try_from(config).map_err(|e| bad(&e))
}

/// Whether a namespace has its default account within `patience`. Pods are refused until it exists, which is a moment after the
/// namespace does.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn has_account(
    client: &Client,
    namespace: &str,
    patience: Duration,
) -> kube::Result<bool> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let began = Instant::now();
    while accounts.get_opt("default").await?.is_none() {
        if began.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(true)
}
