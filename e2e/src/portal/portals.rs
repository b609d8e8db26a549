//! Both portals as processes, each with the chart's ServiceAccount, its own token and its own key for tickets, and behind a proxy of its
//! own that can kill it at a write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use super::provider::{Client, listening};
use super::tls::Tls;
use crate::cluster::paths;
use crate::controlplane::ControlPlane;
use crate::controlplane::error::{Result, api, malformed};
use crate::controlplane::fault_proxy::FaultProxy;
use crate::controlplane::identity;
use crate::controlplane::install::{SYSTEM_NAMESPACE, account_token};
use crate::controlplane::process::{Process, ProcessSpec};
use crate::controlplane::server::free_ports;

/// Which portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Researchers ask there.
    Request,
    /// Reviewers and custodians decide there.
    Decide,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Request, Self::Decide];

    /// The subcommand of `sde-portal`.
    pub fn command(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Decide => "decide",
        }
    }

    /// The ServiceAccount, which is the client id too.
    pub fn account(self) -> String {
        format!("portal-{}", self.command())
    }
}

/// Where a portal is to be and how the provider knows it, settled before either starts.
#[derive(Debug, Clone)]
pub struct Place {
    side: Side,
    port: u16,
    admin: u16,
    /// What the provider knows of it.
    pub client: Client,
}

impl Place {
    /// A place for a portal, with a secret of its own.
    ///
    /// # Errors
    /// When loopback has no ports left.
    pub fn new(side: Side) -> Result<Self> {
        let [port, admin] = free_ports()?;
        let secret: [u8; 24] = rand::random();
        let origin = origin(side, port);
        Ok(Self {
            side,
            port,
            admin,
            client: Client {
                id: side.account(),
                secret: hex::encode(secret),
                redirect: format!("{origin}/sign-in/callback"),
            },
        })
    }
}

/// A running portal.
pub struct Portal {
    process: Arc<Process>,
    /// What its requests to the API server go through; a fault that kills kills the portal.
    pub proxy: FaultProxy,
    place: Place,
}

impl Portal {
    /// Starts `sde-portal` and waits until it serves its pages.
    ///
    /// # Errors
    /// When its token or key cannot be had, it ends, or does not listen in time.
    pub async fn start(
        plane: &ControlPlane,
        program: &Path,
        folder: &Path,
        tls: &Tls,
        issuer: &str,
        place: Place,
    ) -> Result<Self> {
        let side = place.side;
        let account = side.account();
        let token = account_token(&plane.admin(), SYSTEM_NAMESPACE, &account).await?;
        let proxy = FaultProxy::start(plane.passthrough()?).await?;
        let kubeconfig = identity::write_kubeconfig(
            &folder.join(format!("{account}.kubeconfig")),
            &proxy.url(),
            None,
            &token,
        )?;
        let ticket_key = ticket_key(plane, folder, side).await?;
        let secret = folder.join(format!("{account}.secret"));
        paths::write_private(&secret, &place.client.secret)?;
        let flags = [
            ("--issuer", issuer.to_owned()),
            ("--issuer-ca", shown(&tls.authority)),
            ("--client-id", place.client.id.clone()),
            ("--client-secret-file", shown(&secret)),
            ("--public-url", origin(side, place.port)),
            ("--door-url", "https://door.localhost:8443".to_owned()),
            ("--ticket-key", shown(&ticket_key)),
            ("--tls-certificate", shown(&tls.certificate)),
            ("--tls-key", shown(&tls.key)),
            ("--listen", format!("127.0.0.1:{}", place.port)),
            ("--admin", format!("127.0.0.1:{}", place.admin)),
            ("--log-format", "text".to_owned()),
        ];
        let mut args = vec![side.command().into()];
        args.extend(
            flags
                .iter()
                .map(|(flag, value)| format!("{flag}={value}").into()),
        );
        let process = Process::start(ProcessSpec {
            name: format!("sde-portal {}", side.command()),
            program: program.to_owned(),
            args,
            env: vec![("KUBECONFIG".to_owned(), shown(&kubeconfig))],
            log: folder.join(format!("{account}.log")),
        })?;
        let process = Arc::new(process);
        let killed = process.clone();
        proxy.on_kill(move || killed.kill());
        let portal = Self {
            process,
            proxy,
            place,
        };
        portal.listening().await?;
        Ok(portal)
    }

    /// The address that people type.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", origin(self.place.side, self.place.port))
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.process.exited().is_none()
    }

    /// Kills it with SIGKILL if it still runs, and starts it again.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&self) -> Result<()> {
        self.process.restart()?;
        self.listening().await
    }

    /// The end of its log, for messages.
    pub fn log_tail(&self) -> String {
        self.process.log_tail(8, "")
    }

    async fn listening(&self) -> Result<()> {
        let what = self.place.side.account();
        listening(&self.process, &what, self.place.port).await
    }
}

/// The scheme, host and port of a portal. Each has a host of its own, since browsers keep cookies by host and not by port.
fn origin(side: Side, port: u16) -> String {
    format!("https://{}.localhost:{port}", side.command())
}

/// The key that the controller made for a portal, as the chart mounts it.
async fn ticket_key(plane: &ControlPlane, folder: &Path, side: Side) -> Result<PathBuf> {
    let name = format!("sde-ticket-{}", side.account());
    let secrets: Api<Secret> = Api::namespaced(plane.admin(), SYSTEM_NAMESPACE);
    let secret = secrets.get(&name).await.map_err(api(&name))?;
    let key = secret
        .data
        .and_then(|mut data| data.remove("private.pem"))
        .ok_or_else(|| malformed(&name)("no private.pem in the Secret"))?;
    let file = folder.join(format!("{name}.pem"));
    paths::write_private(&file, key.0)?;
    Ok(file)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
