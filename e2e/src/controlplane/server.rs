//! etcd, API server and controller manager as child processes on loopback, without root, without pods.
//!
//! etcd runs with `--unsafe-no-fsync`: a test may lose its store when the *machine* dies, never when a process does.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tempfile::TempDir;

use super::audit;
use super::binaries::Binaries;
use super::error::{ControlPlaneError, Result, api, io, malformed};
use super::identity::{self, ADMIN, Keys};
use super::launch::{ADDRESS, start_apiserver, start_controller_manager, start_etcd};
use super::process::Process;
use crate::cluster::paths;

/// How long the whole control plane may take to start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How to start a control plane.
#[derive(Debug, Clone)]
pub struct ControlPlaneOptions {
    /// The programs.
    pub binaries: Binaries,
    /// Folder under which a temporary folder is made for keys, state and logs.
    pub state_root: PathBuf,
    /// Folder of admission policies that the API server loads from disk (KEP-5793): `policies/static`, or none.
    pub static_policies: Option<PathBuf>,
}

impl ControlPlaneOptions {
    /// The usual options: state under `target/e2e/control-plane`.
    pub fn new(binaries: Binaries) -> Self {
        Self {
            binaries,
            state_root: default_state_root(),
            static_policies: None,
        }
    }
}

/// `target/e2e/control-plane` of this repository.
pub fn default_state_root() -> PathBuf {
    paths::repository().join("target/e2e/control-plane")
}

/// A running control plane; everything is stopped and removed when it is dropped.
pub struct ControlPlane {
    controller_manager: Process,
    apiserver: Process,
    etcd: Process,
    keys: Keys,
    certificate: Vec<u8>,
    url: String,
    admin: Client,
    started_in: Duration,
    // Last, so that the processes are gone before their files.
    folder: TempDir,
}

impl ControlPlane {
    /// Starts the three processes and waits until the API server is ready and ServiceAccounts appear.
    ///
    /// # Errors
    /// When a program is missing or ends, or the whole is not ready within a minute.
    pub async fn start(options: ControlPlaneOptions) -> Result<Self> {
        let began = Instant::now();
        let folder = state_folder(&options.state_root)?;
        let keys = Keys::make(folder.path(), ADDRESS)?;
        let [client_port, peer_port, secure_port] = free_ports()?;
        let url = format!("https://{ADDRESS}:{secure_port}");
        let certificate = der(&keys.certificate)?;
        let admin = identity::client(&url, Some(&certificate), Some(&identity::token(ADMIN)))?;

        let etcd = start_etcd(&options.binaries, folder.path(), client_port, peer_port)?;
        wait_until("etcd listening", &[&etcd], async || {
            tokio::net::TcpStream::connect(("127.0.0.1", client_port))
                .await
                .is_ok()
        })
        .await?;
        let apiserver = start_apiserver(&options, folder.path(), &keys, client_port, secure_port)?;
        wait_until("API server ready", &[&etcd, &apiserver], async || {
            ready(&admin).await
        })
        .await?;
        let controller_manager =
            start_controller_manager(&options.binaries, folder.path(), &keys, &url)?;
        let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), "default");
        let processes = [&etcd, &apiserver, &controller_manager];
        wait_until("default ServiceAccount", &processes, async || {
            matches!(accounts.get_opt("default").await, Ok(Some(_)))
        })
        .await?;

        point_service(&admin, secure_port).await?;

        let started_in = began.elapsed();
        Ok(Self {
            controller_manager,
            apiserver,
            etcd,
            keys,
            certificate,
            url,
            admin,
            started_in,
            folder,
        })
    }

    /// A client with every right.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// A client for a person of [`identity::PEOPLE`], or for any other token the server knows.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn client_with_token(&self, token: &str) -> Result<Client> {
        identity::client(&self.url, Some(&self.certificate), Some(token))
    }

    /// A client with a token that acts for a person, by impersonation and without groups.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn acting(&self, token: &str, person: &str) -> Result<Client> {
        identity::acting(&self.url, Some(&self.certificate), token, person)
    }

    /// A client for a person by user name.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn person(&self, user: &str) -> Result<Client> {
        self.client_with_token(&identity::token(user))
    }

    /// A client that sends requests on as they are, with whatever credentials they carry: what the fault proxy needs.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn passthrough(&self) -> Result<Client> {
        identity::client(&self.url, Some(&self.certificate), None)
    }

    /// Writes a kubeconfig for a token in the control plane's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(&self, name: &str, token: &str) -> Result<PathBuf> {
        identity::write_kubeconfig(
            &self.file(&format!("{name}.kubeconfig")),
            &self.url,
            Some(&self.keys.certificate),
            token,
        )
    }

    /// A kubeconfig for a person by user name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn person_kubeconfig(&self, user: &str) -> Result<PathBuf> {
        self.kubeconfig(user, &identity::token(user))
    }

    /// Kills the API server and starts it again on the same port; returns when it is ready.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart_apiserver(&self) -> Result<()> {
        self.apiserver.restart()?;
        wait_until(
            "API server ready again",
            &[&self.etcd, &self.apiserver],
            async || ready(&self.admin).await,
        )
        .await?;
        point_service(&self.admin, self.port()).await
    }

    /// Whether all three processes still run.
    ///
    /// # Errors
    /// [`ControlPlaneError::Ended`] for the first that does not, with the end of its log.
    pub fn check(&self) -> Result<()> {
        for process in [&self.etcd, &self.apiserver, &self.controller_manager] {
            if let Some(status) = process.exited() {
                return Err(process.ended_error(status));
            }
        }
        Ok(())
    }

    /// The API server's address as a URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The API server's IP address.
    pub fn host(&self) -> &'static str {
        ADDRESS
    }

    /// The API server's port.
    pub fn port(&self) -> u16 {
        self.url
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or_default()
    }

    /// The audit log of the API server, one JSON event a line.
    pub fn audit_log(&self) -> PathBuf {
        self.file(audit::LOG)
    }

    /// How long the start took.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// A path in the control plane's own folder, which is removed with it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The API server makes the Service `kubernetes` with port 443 whenever it starts; ours listens elsewhere.
async fn point_service(admin: &Client, port: u16) -> Result<()> {
    let services: Api<Service> = Api::namespaced(admin.clone(), "default");
    wait_until("Service kubernetes", &[], async || {
        matches!(services.get_opt("kubernetes").await, Ok(Some(_)))
    })
    .await?;
    let patch = json!({"spec": {"ports": [{"name": "https", "port": port, "targetPort": port, "protocol": "TCP"}]}});
    services
        .patch("kubernetes", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(api("Service kubernetes"))?;
    Ok(())
}

async fn ready(admin: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    matches!(tokio::time::timeout(Duration::from_secs(2), admin.request_text(request)).await, Ok(Ok(text)) if text == "ok")
}

/// Polls `condition` until it holds; stops at once when one of `processes` has ended.
async fn wait_until(
    what: &str,
    processes: &[&Process],
    condition: impl AsyncFn() -> bool,
) -> Result<()> {
    let end = Instant::now() + START_LIMIT;
    while !condition().await {
        for process in processes {
            if let Some(status) = process.exited() {
                return Err(process.ended_error(status));
            }
        }
        if Instant::now() > end {
            return Err(ControlPlaneError::TimedOut {
                what: what.to_owned(),
                limit: START_LIMIT,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Ports that were free a moment ago. All are held until all are known, so that they differ.
///
/// # Errors
/// When loopback has none left.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).map_err(io("a free port on 127.0.0.1"))?;
        *port = listener
            .local_addr()
            .map_err(io("a free port on 127.0.0.1"))?
            .port();
        held.push(listener);
    }
    Ok(ports)
}

/// A folder for this run, named by our pid; those of runs that were killed are removed first.
fn state_folder(root: &Path) -> Result<TempDir> {
    std::fs::create_dir_all(root).map_err(io(root.display()))?;
    let root = root.canonicalize().map_err(io(root.display()))?;
    for entry in std::fs::read_dir(&root)
        .map_err(io(root.display()))?
        .flatten()
    {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.split('-').next())
            .and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // Another run may be sweeping too; whoever is first removes it.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("{}-", std::process::id());
    tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(&root)
        .map_err(io(root.display()))
}

/// The one certificate of a PEM file as DER.
fn der(file: &Path) -> Result<Vec<u8>> {
    let pem = std::fs::read_to_string(file).map_err(io(file.display()))?;
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(body)
        .map_err(malformed(file.display()))
}
