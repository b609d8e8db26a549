//! The OpenID provider at which people sign in, under whatever name they say.

use std::path::Path;

use serde_json::{Value, json};

use super::modules::{Modules, source};
use super::tls::Tls;
use crate::cluster::paths;
use crate::controlplane::error::{ControlPlaneError, Result};
use crate::controlplane::process::{Process, ProcessSpec};
use crate::controlplane::server::free_ports;

/// A relying party: a portal.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its client id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Where the provider sends people back to.
    pub redirect: String,
}

/// A running provider.
#[derive(Debug)]
pub struct Provider {
    process: Process,
    port: u16,
}

impl Provider {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it ends or does not listen in time.
    pub async fn start(
        modules: &Modules,
        folder: &Path,
        tls: &Tls,
        clients: &[Client],
    ) -> Result<Self> {
        let [port] = free_ports()?;
        let script = modules.script("provider.mjs", folder)?;
        let config = folder.join("provider.json");
        let clients: Vec<Value> = clients
            .iter()
            .map(|client| json!({"client_id": client.id, "client_secret": client.secret, "redirect_uris": [client.redirect]}))
            .collect();
        let bad = paths::read(&source("bad.html"))?;
        let text = json!({"port": port, "certificate": tls.certificate, "key": tls.key, "bad": bad, "clients": clients});
        paths::write_private(&config, text.to_string())?;
        let process = Process::start(ProcessSpec {
            name: "oidc-provider".to_owned(),
            program: "node".into(),
            args: vec![script.into(), config.into()],
            env: Vec::new(),
            log: folder.join("provider.log"),
        })?;
        let provider = Self { process, port };
        listening(&provider.process, "oidc-provider", provider.port).await?;
        Ok(provider)
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// Waits until a process listens on a port of 127.0.0.1.
///
/// # Errors
/// [`ControlPlaneError::Ended`] when it ends before, [`ControlPlaneError::TimedOut`] when it does not in time.
pub async fn listening(process: &Process, what: &str, port: u16) -> Result<()> {
    let limit = std::time::Duration::from_secs(30);
    let waiting = async {
        loop {
            let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            if connected.is_ok() {
                return Ok(());
            }
            if let Some(status) = process.exited() {
                return Err(process.ended_error(status));
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let timed_out = |_| ControlPlaneError::TimedOut {
        what: format!("{what} listening"),
        limit,
    };
    tokio::time::timeout(limit, waiting)
        .await
        .map_err(timed_out)?
}
