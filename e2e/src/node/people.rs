//! People of a cluster: client certificates by the CertificateSigningRequest API, and the chart's ClusterRoles.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};

/// Who there is, and the chart's ClusterRole each is bound to.
pub const PEOPLE: [(&str, &str); 7] = [
    ("custodian-a", "sde-custodian"),
    ("approver-a", "sde-approver"),
    ("approver-b", "sde-approver"),
    ("checker-a", "sde-output-checker"),
    ("checker-b", "sde-output-checker"),
    ("auditor", "sde-auditor"),
    ("platform", "sde-platform"),
];

/// The hub's ServiceAccount in sde-hub: acts for people to open Workspaces and reads notebook tokens, as JupyterHub will.
pub const HUB: &str = "hub";

/// Kubeconfigs of people, by name, under one folder.
#[derive(Debug, Clone)]
pub struct People {
    folder: PathBuf,
}

impl People {
    /// Gives everyone a certificate and a binding; those that exist are kept.
    ///
    /// # Errors
    /// When openssl or the API server refuses.
    pub fn ensure(cluster: &Cluster, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::io("cannot create", folder))?;
        let people = Self {
            folder: folder.to_path_buf(),
        };
        for (user, role) in PEOPLE {
            if !people.kubeconfig(user).exists() {
                people.enrol(cluster, user, Some(role))?;
            }
        }
        if !people.kubeconfig(HUB).exists() {
            people.enrol_hub(cluster)?;
        }
        Ok(people)
    }

    /// The hub is a ServiceAccount, which the controller binds in each project's namespace.
    fn enrol_hub(&self, cluster: &Cluster) -> Result<()> {
        if cluster
            .kubectl(["get", "serviceaccount", HUB, "--namespace", "sde-hub"])
            .is_err()
        {
            cluster.kubectl(["create", "serviceaccount", HUB, "--namespace", "sde-hub"])?;
        }
        let token = cluster.kubectl([
            "create",
            "token",
            HUB,
            "--namespace",
            "sde-hub",
            "--duration",
            "24h",
        ])?;
        self.write_kubeconfig(cluster, HUB, &json!({"token": token.trim()}))
    }

    /// Path of a person's kubeconfig.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.kubeconfig"))
    }

    /// Gives a person a certificate and, where named, one of the chart's ClusterRoles.
    ///
    /// # Errors
    /// When openssl or the API server refuses.
    pub fn enrol(&self, cluster: &Cluster, user: &str, role: Option<&str>) -> Result<()> {
        let file = |suffix: &str| self.folder.join(format!("{user}.{suffix}"));
        let (key, request, certificate) = (file("key"), file("csr"), file("crt"));
        let pem = certificate_request(user, &key, &request)?;
        let signing = json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": user},
            "spec": {"request": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem),
                "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
        });
        cluster.kubectl(["delete", "csr", user, "--ignore-not-found"])?;
        self.apply(cluster, &signing.to_string())?;
        cluster.kubectl(["certificate", "approve", user])?;
        let issued = [
            "get",
            "csr",
            user,
            "--output",
            "jsonpath={.status.certificate}",
        ];
        cluster.kubectl([
            "wait",
            "csr",
            user,
            "--for",
            "jsonpath={.status.certificate}",
            "--timeout",
            "30s",
        ])?;
        let encoded = cluster.kubectl(issued)?;
        let decoded =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded.trim())
                .map_err(|error| Error::malformed(&certificate, error.to_string()))?;
        std::fs::write(&certificate, decoded).map_err(Error::io("cannot write", &certificate))?;
        self.write_kubeconfig(
            cluster,
            user,
            &json!({"client-certificate": certificate, "client-key": key}),
        )?;
        let Some(role) = role else { return Ok(()) };
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": format!("person-{user}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
        });
        self.apply(cluster, &binding.to_string())
    }

    fn apply(&self, cluster: &Cluster, json: &str) -> Result<()> {
        let file = self.folder.join("apply.json");
        std::fs::write(&file, json).map_err(Error::io("cannot write", &file))?;
        cluster.kubectl(["apply", "--filename", &file.to_string_lossy()])?;
        Ok(())
    }

    fn write_kubeconfig(&self, cluster: &Cluster, user: &str, credentials: &Value) -> Result<()> {
        let file = self.kubeconfig(user);
        let mut config = kube::config::Kubeconfig::read_from(cluster.kubeconfig())?;
        config.auth_infos.clear();
        for context in &mut config.contexts {
            if let Some(context) = &mut context.context {
                context.user = Some(user.to_owned());
            }
        }
        let mut value =
            serde_json::to_value(&config).map_err(|e| Error::malformed(&file, e.to_string()))?;
        value["users"] = json!([{"name": user, "user": credentials}]);
        let text =
            serde_yaml_ng::to_string(&value).map_err(|e| Error::malformed(&file, e.to_string()))?;
        std::fs::write(&file, text).map_err(Error::io("cannot write", &file))
    }
}

/// Makes a key and a certificate signing request for a name, in two files; returns the request as PEM.
///
/// # Errors
/// When openssl refuses or a file cannot be read.
pub fn certificate_request(name: &str, key: &Path, request: &Path) -> Result<Vec<u8>> {
    Run::new("openssl")
        .args([
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &format!("/CN={name}"),
        ])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(request)
        .output()?;
    std::fs::read(request).map_err(Error::io("cannot read", request))
}
