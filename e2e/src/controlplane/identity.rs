//! Who may talk to the API server: static tokens for people and components, and the keys it needs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::header::{HeaderValue, USER_AGENT};
use kube::config::AuthInfo;
use kube::{Client, Config};

use super::error::{Result, api, io, malformed};
use super::process::run_to_end;

/// The people that every control plane knows, beside [`ADMIN`]: three custodians, two each of approvers, output checkers and researchers, and
/// somebody with no rights.
pub const PEOPLE: [Person; 10] = [
    Person {
        user: "custodian-a",
        group: "sde:custodians",
    },
    Person {
        user: "custodian-b",
        group: "sde:custodians",
    },
    Person {
        user: "custodian-c",
        group: "sde:custodians",
    },
    Person {
        user: "approver-a",
        group: "sde:approvers",
    },
    Person {
        user: "approver-b",
        group: "sde:approvers",
    },
    Person {
        user: "checker-a",
        group: "sde:output-checkers",
    },
    Person {
        user: "checker-b",
        group: "sde:output-checkers",
    },
    Person {
        user: "researcher",
        group: RESEARCHERS,
    },
    Person {
        user: "colleague",
        group: RESEARCHERS,
    },
    Person {
        user: "stranger",
        group: "sde:nobody",
    },
];

/// User agent of the suites' own requests, so that the audit log tells them from those of the accounts whose tokens they borrow.
pub const HARNESS: &str = "sde-e2e";

/// The group of those who work in projects.
pub const RESEARCHERS: &str = "sde:researchers";

/// The user with every right, in group `system:masters`.
pub const ADMIN: &str = "admin";

/// The user that kube-controller-manager is.
pub const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";

/// The user that the stand-in is for what a kubelet does: the chart's policies let only nodes say what a project's containers did.
pub const NODE_USER: &str = "system:node:standin";

/// A person known by a static token.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The name that the API server sees.
    pub user: &'static str,
    /// The one group the person is in.
    pub group: &'static str,
}

/// The user that puts the stand-in's pods on its node: the policies let nobody else.
pub const SCHEDULER: &str = "system:kube-scheduler";

/// The user that makes and deletes the stand-in's volumes: a ServiceAccount, as provisioners are.
pub const PROVISIONER: &str = "system:serviceaccount:standin:provisioner";

/// The token of a user of the token file. Not a secret: the server listens on loopback and lives for one run.
pub fn token(user: &str) -> String {
    format!("sde-e2e-{}", user.replace(':', "-"))
}

/// Files made for one API server.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Serving certificate, which is also the only certificate clients trust.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
    /// Private key that signs ServiceAccount tokens.
    pub service_account: PathBuf,
    /// Static tokens.
    pub tokens: PathBuf,
}

impl Keys {
    /// Makes fresh keys with openssl for a server at `address`, and the token file.
    ///
    /// # Errors
    /// When openssl is missing or fails, or a file cannot be written.
    pub fn make(folder: &Path, address: &str) -> Result<Self> {
        let keys = Self {
            certificate: folder.join("apiserver.crt"),
            private_key: folder.join("apiserver.key"),
            service_account: folder.join("service-account.key"),
            tokens: folder.join("tokens.csv"),
        };
        run_to_end(
            Command::new("openssl")
                .args([
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                ])
                .args(["-nodes", "-days", "2", "-subj", "/CN=sde-e2e-apiserver"])
                .args([
                    "-addext",
                    &format!("subjectAltName=IP:{address},IP:127.0.0.1,DNS:localhost"),
                ])
                // rustls refuses a CA certificate as a server's own.
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .arg("-keyout")
                .arg(&keys.private_key)
                .arg("-out")
                .arg(&keys.certificate),
        )?;
        // The SEC1 form: kube-apiserver takes the public half out of it, which it does not do for PKCS#8.
        let curve = [
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
        ];
        run_to_end(
            Command::new("openssl")
                .args(curve)
                .arg(&keys.service_account),
        )?;
        let mut lines = String::new();
        let mut line = |user: &str, group: &str| {
            let _ = writeln!(lines, "{},{user},{user},\"{group}\"", token(user));
        };
        line(ADMIN, "system:masters");
        line(CONTROLLER_MANAGER, "system:authenticated");
        line(NODE_USER, "system:nodes,system:masters");
        line(SCHEDULER, "system:masters");
        line(PROVISIONER, "system:serviceaccounts,system:masters");
        for person in PEOPLE {
            line(person.user, person.group);
        }
        std::fs::write(&keys.tokens, lines).map_err(io(keys.tokens.display()))?;
        Ok(keys)
    }
}

/// A client for a server with a bearer token.
///
/// # Errors
/// When the address is not a URL or the TLS settings are refused.
pub fn client(server: &str, certificate: Option<&[u8]>, token: Option<&str>) -> Result<Client> {
    made(server, certificate, token, None)
}

/// A client for a server with a bearer token that acts for a person, by impersonation and without groups.
///
/// # Errors
/// As [`client`].
pub fn acting(
    server: &str,
    certificate: Option<&[u8]>,
    token: &str,
    person: &str,
) -> Result<Client> {
    made(server, certificate, Some(token), Some(person))
}

fn made(
    server: &str,
    certificate: Option<&[u8]>,
    token: Option<&str>,
    person: Option<&str>,
) -> Result<Client> {
    let mut config = Config::new(server.parse().map_err(malformed(server))?);
    config.root_cert = certificate.map(|der| vec![der.to_vec()]);
    // A harness that retries would hide what it is there to show.
    config.default_retry = false;
    if token.is_some() {
        config.headers = vec![(USER_AGENT, HeaderValue::from_static(HARNESS))];
    }
    config.auth_info = AuthInfo {
        token: token.map(|token| token.to_owned().into()),
        impersonate: person.map(str::to_owned),
        ..AuthInfo::default()
    };
    Client::try_from(config).map_err(api(format!("client for {server}")))
}

/// Writes a kubeconfig for one server and token and returns its path. Without a certificate the server is plain HTTP.
///
/// # Errors
/// When the file cannot be written.
pub fn write_kubeconfig(
    path: &Path,
    server: &str,
    certificate: Option<&Path>,
    token: &str,
) -> Result<PathBuf> {
    let cluster = match certificate {
        Some(file) => serde_json::json!({"server": server, "certificate-authority": file}),
        None => serde_json::json!({"server": server}),
    };
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
        "clusters": [{"name": "e2e", "cluster": cluster}],
        "users": [{"name": "e2e", "user": {"token": token}}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}],
    });
    // JSON is YAML, and both clients read it.
    std::fs::write(path, config.to_string()).map_err(io(path.display()))?;
    Ok(path.to_owned())
}
