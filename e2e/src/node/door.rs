//! The airlock's door on a cluster: installed by the chart, and visited from the hub's namespace as browsers visit it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sde_ticket::{Act, Audience, Issuer, Ticket, TicketSigner};
use serde_json::{Value, json};

use crate::cluster::error::{Error, Result};
use crate::node::Site;
use crate::node::notebook;
use crate::node::story::get;
use crate::portal::tls::Tls;

/// What a browser does, for the Python of the environment image.
const CLIENT: &str = include_str!("../../files/door_client.py");
/// Secret with the door's certificate.
const TLS_SECRET: &str = "door-tls";

/// The door of a site.
pub struct Door<'a> {
    site: &'a Site,
    tls: Tls,
    authority: String,
    address: String,
}

impl<'a> Door<'a> {
    /// Turns it on, for visitors from the hub's namespace.
    ///
    /// # Errors
    /// When the chart's door does not become ready.
    pub fn open(site: &'a Site) -> Result<Self> {
        let folder = site.folder.join("door");
        std::fs::create_dir_all(&folder).map_err(Error::io("cannot make", &folder))?;
        let malformed = |e: String| Error::malformed(&folder, e);
        // A door that runs reads another certificate only when its kubelet brings it, a minute later.
        let installed = !get(site, "secret", TLS_SECRET, Some("sde-system"))?.is_null();
        let tls = if installed {
            Tls::of(&folder)
        } else {
            Tls::make(&folder).map_err(|e| malformed(e.to_string()))?
        };
        let read = |path| std::fs::read_to_string(path).map_err(Error::io("cannot read", path));
        let encoded = |path| read(path).map(|text: String| STANDARD.encode(text));
        site.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": TLS_SECRET, "namespace": "sde-system"},
            "data": {"tls.crt": encoded(&tls.certificate)?, "tls.key": encoded(&tls.key)?},
        }))?;
        let from = r"door.ingressFrom[0].namespaceSelector.matchLabels.kubernetes\.io/metadata\.name=sde-hub";
        let secret = format!("door.tlsSecretName={TLS_SECRET}");
        site.install(&[
            "door.enabled=true",
            "door.url=https://door.localhost",
            &secret,
            from,
        ])?;
        let address = site.cluster.kubectl([
            "get",
            "service",
            "sde-door",
            "--namespace",
            "sde-system",
            "--output",
            "jsonpath={.spec.clusterIP}",
        ])?;
        Ok(Self {
            site,
            authority: read(&tls.authority)?,
            tls,
            address: address.trim().to_owned(),
        })
    }

    /// File of the authority that its certificate is of.
    pub fn authority(&self) -> &Path {
        &self.tls.authority
    }

    /// A ticket as the portal signs it, for what the request's status shows.
    ///
    /// # Errors
    /// When the status shows nothing of that kind, or the portal's key cannot be read.
    pub fn ticket(&self, request: &Value, act: Act, who: &str, seconds: u64) -> Result<String> {
        let (issuer, kind) = match act {
            Act::View => (Issuer::PortalDecide, "View"),
            Act::Collect => (Issuer::PortalRequest, "Deliver"),
            Act::Upload => (Issuer::PortalRequest, "Receive"),
        };
        let wrong = |e: String| Error::malformed(Path::new("ticket"), e);
        let serving = request["status"]["serving"].as_array();
        let serving = serving.into_iter().flatten().find(|s| s["kind"] == kind);
        let serving = serving.ok_or_else(|| wrong(format!("nothing is served: {request}")))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|e| wrong(e.to_string()))?.as_secs();
        let namespace = text(&request["metadata"]["namespace"]);
        let ticket = Ticket {
            iss: issuer,
            aud: Audience::Door,
            sub: who.to_owned(),
            iat: now,
            exp: now + seconds,
            jti: format!("{:032x}", rand::random::<u128>()),
            act,
            project: namespace.replacen("sde-project-", "", 1),
            request: text(&request["metadata"]["name"]),
            uid: text(&request["metadata"]["uid"]),
            content: text(&request["status"]["content"]["digest"]),
            at: text(&serving["at"])
                .parse()
                .map_err(|e| wrong(format!("{e}: {serving}")))?,
            pod: text(&serving["pod"]),
        };
        let signer = TicketSigner::new(issuer, &self.key(issuer)?);
        let signed = signer.and_then(|signer| signer.sign(&ticket));
        signed.map_err(|e| wrong(e.to_string()))
    }

    fn key(&self, issuer: Issuer) -> Result<String> {
        let secret = format!("sde-ticket-{issuer}");
        let encoded = self.site.cluster.kubectl([
            "get",
            "secret",
            &secret,
            "--namespace",
            "sde-system",
            "--output",
            r"jsonpath={.data.private\.pem}",
        ])?;
        let decoded = STANDARD.decode(encoded.trim()).unwrap_or_default();
        Ok(String::from_utf8_lossy(&decoded).into_owned())
    }

    /// Visits the door with a ticket; `first` is the page that is looked at after the list.
    ///
    /// # Errors
    /// When the visitor's pod does not end well.
    pub fn visit(&self, act: Act, ticket: &str, first: &str) -> Result<Value> {
        self.client(act, ticket, first, &[])
    }

    /// Brings files, as their paths and texts, to the request of this UID.
    ///
    /// # Errors
    /// As [`Door::visit`].
    pub fn upload(&self, ticket: &str, uid: &str, files: &[(&str, &str)]) -> Result<Value> {
        let files = files.iter().map(|(path, text)| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            [folder, name, text]
        });
        let files: Vec<_> = files.collect();
        self.client(Act::Upload, ticket, &format!("/upload/{uid}/"), &files)
    }

    fn client(&self, act: Act, ticket: &str, first: &str, files: &[[&str; 3]]) -> Result<Value> {
        let name = "door-visitor";
        let env = [
            ("SDE_URL", format!("https://{}", self.address)),
            ("SDE_ACT", act.to_string()),
            ("SDE_TICKET", ticket.to_owned()),
            ("SDE_CA", self.authority.clone()),
            ("SDE_FIRST", first.to_owned()),
            ("SDE_FILES", json!(files).to_string()),
        ];
        let env = env.map(|(name, value)| json!({"name": name, "value": value}));
        let pod = notebook::pod(self.site, name, &[CLIENT], &Value::from(env.to_vec()));
        let log = notebook::run(self.site, name, &pod)?;
        serde_json::from_str(&log)
            .map_err(|e| Error::malformed(Path::new(name), format!("{e}: {log}")))
    }
}
