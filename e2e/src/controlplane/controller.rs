//! The real `sde-controller` as a process beside a control plane, with a real `sde-agent sentinel`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::{ControlPlaneError, Result};
use super::identity;
use super::install::{
    AGENT_IMAGE, CONTROLLER_ACCOUNT, HUB_NAMESPACE, SYSTEM_NAMESPACE, account_token,
};
use super::process::{Process, ProcessSpec};
use super::server::{ControlPlane, free_ports};

/// How long a controller may take from start to ready.
const READY_LIMIT: Duration = Duration::from_secs(40);

/// What to run and how.
#[derive(Debug, Clone)]
pub struct OperatorOptions {
    /// The `sde-controller` binary.
    pub controller: PathBuf,
    /// The `sde-agent` binary, for the sentinel.
    pub agent: PathBuf,
    /// Address of the API server if not its own: the fault proxy's.
    pub server: Option<String>,
    /// `--api-timeout-seconds`.
    pub api_timeout_seconds: u32,
    /// `--concurrency`.
    pub concurrency: u32,
    /// Name of the log file in the control plane's folder.
    pub log: String,
}

impl OperatorOptions {
    /// The usual options.
    pub fn new(controller: PathBuf, agent: PathBuf) -> Self {
        Self {
            controller,
            agent,
            server: None,
            api_timeout_seconds: 10,
            concurrency: 8,
            log: "sde-controller.log".to_owned(),
        }
    }
}

/// A controller and its sentinel; both are killed when this is dropped.
pub struct Operator {
    controller: Arc<Process>,
    sentinel: Process,
    listen: u16,
}

impl Operator {
    /// Starts the sentinel and the controller; returns without waiting for either.
    ///
    /// # Errors
    /// When a binary cannot be run or the controller's token cannot be had.
    pub async fn start(plane: &ControlPlane, options: &OperatorOptions) -> Result<Self> {
        let [open, admin, listen] = free_ports()?;
        let sentinel = Process::start(ProcessSpec {
            name: "sde-agent sentinel".to_owned(),
            program: options.agent.clone(),
            args: arguments(&[
                "sentinel",
                "--listen",
                &local(open),
                "--admin",
                &local(admin),
            ]),
            env: Vec::new(),
            log: plane.file("sentinel.log"),
        })?;
        let token = account_token(&plane.admin(), SYSTEM_NAMESPACE, CONTROLLER_ACCOUNT).await?;
        let kubeconfig = match &options.server {
            Some(server) => identity::write_kubeconfig(
                &plane.file("sde-controller.kubeconfig"),
                server,
                None,
                &token,
            )?,
            None => plane.kubeconfig("sde-controller", &token)?,
        };
        let numbers = [open, admin].map(|port| port.to_string());
        let (concurrency, timeout) = (
            options.concurrency.to_string(),
            options.api_timeout_seconds.to_string(),
        );
        let flags = [
            ["--namespace", SYSTEM_NAMESPACE],
            ["--hub-namespace", HUB_NAMESPACE],
            ["--agent-image", AGENT_IMAGE],
            ["--sentinel-address", "127.0.0.1"],
            ["--sentinel-port", &numbers[0]],
            ["--sentinel-admin-port", &numbers[1]],
            ["--listen", &local(listen)],
            ["--log-format", "text"],
            ["--concurrency", &concurrency],
            ["--api-timeout-seconds", &timeout],
        ];
        let controller = Process::start(ProcessSpec {
            name: "sde-controller".to_owned(),
            program: options.controller.clone(),
            args: arguments(flags.as_flattened()),
            // The same identity after a restart, as a pod's container keeps its pod's name: the lease is its own still.
            env: vec![
                ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                ("POD_NAME".to_owned(), "sde-controller-e2e".to_owned()),
                // As every container of a cluster has them.
                (
                    "KUBERNETES_SERVICE_HOST".to_owned(),
                    plane.host().to_owned(),
                ),
                (
                    "KUBERNETES_SERVICE_PORT".to_owned(),
                    plane.port().to_string(),
                ),
                ("RUST_BACKTRACE".to_owned(), "1".to_owned()),
            ],
            log: plane.file(&options.log),
        })?;
        Ok(Self {
            controller: Arc::new(controller),
            sentinel,
            listen,
        })
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When the controller ends, or is not ready in time.
    pub async fn ready(&self) -> Result<()> {
        let end = Instant::now() + READY_LIMIT;
        while self.get("/readyz").await.is_none() {
            if let Some(status) = self.controller.exited() {
                return Err(self.controller.ended_error(status));
            }
            if Instant::now() > end {
                return Err(ControlPlaneError::TimedOut {
                    what: "sde-controller ready".to_owned(),
                    limit: READY_LIMIT,
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The text of a path of the controller's own HTTP server; `None` when it does not answer 200.
    pub async fn get(&self, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let exchange = async {
            let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.listen))
                .await
                .ok()?;
            let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            let (head, body) = answer.split_once("\r\n\r\n")?;
            head.split_whitespace()
                .nth(1)
                .filter(|code| *code == "200")
                .map(|_| body.to_owned())
        };
        tokio::time::timeout(Duration::from_secs(2), exchange)
            .await
            .ok()
            .flatten()
    }

    /// The controller's process, for kills and for memory.
    pub fn controller(&self) -> &Arc<Process> {
        &self.controller
    }

    /// The sentinel's process, for tests in which it is down.
    pub fn sentinel(&self) -> &Process {
        &self.sentinel
    }
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn arguments(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
