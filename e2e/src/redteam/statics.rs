//! The static form of the policies on a kind cluster: the files that the API server reads, its audit log, and taking
//! the form away and back, as only root on a control-plane node can.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::error::{Error, Result};
use crate::cluster::options::{ApiServerVolume, Mount};
use crate::cluster::{Cluster, Topology, UpOptions, command, paths};

/// Where the API server finds them, as policies/kubeadm says.
const IN_NODE: &str = "/etc/kubernetes/sde-operator";
/// The API server's audit log, in the control plane's node.
pub const AUDIT_LOG: &str = "/var/log/sde-audit/audit.log";
/// Most processes a pod may have; the kubelet's default is no limit, which the platform team has to change.
const POD_PIDS: u32 = 512;
/// The API server looks at the folder when it changes, and once a minute.
const RELOAD: Duration = Duration::from_secs(75);

/// The folder on this host that the control plane's node shows to the API server.
#[derive(Debug, Clone)]
pub struct Statics {
    folder: PathBuf,
}

impl Statics {
    /// The folder for a cluster of that name, filled from policies/.
    ///
    /// # Errors
    /// When files cannot be copied.
    pub fn prepare(cluster: &str) -> Result<Self> {
        let folder = paths::repository()
            .join("target/e2e")
            .join(cluster)
            .join("static");
        paths::create_dir(&folder.join("policies"))?;
        let statics = Self { folder };
        copy(
            &source().join("kubeadm/admission-configuration.yaml"),
            &statics.folder.join("admission-configuration.yaml"),
        )?;
        paths::write(
            &statics.folder.join("audit-policy.yaml"),
            audit_policy().to_string(),
        )?;
        statics.place()?;
        Ok(statics)
    }

    /// A cluster with these files: a control plane and a worker.
    pub fn options(&self, name: &str) -> UpOptions {
        let flag = |name: &str, value: String| (name.to_owned(), value);
        UpOptions {
            name: name.to_owned(),
            topology: Topology::Worker,
            api_server_args: vec![
                flag(
                    "admission-control-config-file",
                    format!("{IN_NODE}/admission-configuration.yaml"),
                ),
                flag("audit-policy-file", format!("{IN_NODE}/audit-policy.yaml")),
                flag("audit-log-path", AUDIT_LOG.to_owned()),
            ],
            api_server_volumes: vec![
                ApiServerVolume {
                    name: "sde-operator".to_owned(),
                    path: IN_NODE.into(),
                    read_only: true,
                },
                ApiServerVolume {
                    name: "sde-audit".to_owned(),
                    path: Path::new(AUDIT_LOG)
                        .parent()
                        .map(Path::to_path_buf)
                        .unwrap_or_default(),
                    read_only: false,
                },
            ],
            mounts: vec![Mount {
                host: self.folder.clone(),
                node: IN_NODE.into(),
                read_only: true,
            }],
            pod_pids_limit: Some(POD_PIDS),
            ..UpOptions::default()
        }
    }

    /// Names of the policies, without their suffix.
    ///
    /// # Errors
    /// When the folder of the repository cannot be listed.
    pub fn names() -> Result<Vec<String>> {
        let mut names: Vec<String> = files()?
            .iter()
            .filter_map(|file| file.file_stem())
            .map(|stem| stem.to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Puts the files there and waits until the API server refuses by their names.
    ///
    /// # Errors
    /// When it does not.
    pub fn restore(&self, cluster: &Cluster) -> Result<Duration> {
        self.place()?;
        wait(cluster, true)
    }

    /// Takes the files away and waits until the API server no longer refuses by their names.
    ///
    /// # Errors
    /// When it goes on.
    pub fn remove(&self, cluster: &Cluster) -> Result<Duration> {
        self.clear(&[])?;
        wait(cluster, false)
    }

    fn place(&self) -> Result<()> {
        let files = files()?;
        for file in &files {
            if let Some(name) = file.file_name() {
                copy(file, &self.folder.join("policies").join(name))?;
            }
        }
        self.clear(&files)
    }

    /// Removes what an earlier run left, but for files of the same names.
    fn clear(&self, but: &[PathBuf]) -> Result<()> {
        let dir = self.folder.join("policies");
        let entries = std::fs::read_dir(&dir).map_err(Error::io("cannot list", &dir))?;
        entries
            .flatten()
            .filter(|entry| {
                !but.iter()
                    .any(|f| f.file_name() == Some(&entry.file_name()))
            })
            .try_for_each(|entry| paths::remove_file(&entry.path()))
    }
}

/// True when a dry-run that nobody may make is refused by a policy from disk.
///
/// # Errors
/// When the API server gives no answer that can be read.
pub fn in_force(cluster: &Cluster) -> Result<bool> {
    let name = "sde-redteam-static-check";
    let file = crate::cluster::state::dir(cluster.name())?.join(format!("{name}.json"));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"sde-operator.dev/project": name}}});
    paths::write(&file, namespace.to_string())?;
    let answer = cluster.kubectl([
        "create",
        "--dry-run=server",
        "--filename",
        &file.to_string_lossy(),
    ]);
    paths::remove_file(&file)?;
    match answer {
        Ok(_) => Ok(false),
        Err(error) => {
            let said = error.to_string();
            if said.contains("denied request") {
                Ok(said.contains(".static.k8s.io"))
            } else {
                Err(error)
            }
        }
    }
}

fn wait(cluster: &Cluster, wanted: bool) -> Result<Duration> {
    let began = Instant::now();
    while in_force(cluster)? != wanted {
        if began.elapsed() > RELOAD {
            return Err(Error::Timeout {
                what: format!("static policies in force: {wanted}"),
                seconds: RELOAD.as_secs(),
                hint: "Read the API server's log for `manifest config`.".to_owned(),
            });
        }
        command::pause(Duration::from_millis(200))?;
    }
    Ok(began.elapsed())
}

fn source() -> PathBuf {
    paths::repository().join("policies")
}

fn files() -> Result<Vec<PathBuf>> {
    let dir = source().join("static");
    let entries = std::fs::read_dir(&dir).map_err(Error::io("cannot list", &dir))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    paths::write(to, paths::read(from)?)
}

/// Everything people and our accounts ask for; not what the cluster's own parts do all the time.
fn audit_policy() -> serde_json::Value {
    json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system", "system:serviceaccounts:local-path-storage"]},
            {"level": "None", "users": ["system:apiserver", "system:kube-scheduler", "system:kube-controller-manager"]},
            {"level": "None", "users": ["system:serviceaccount:sde-system:sde-controller"], "verbs": ["get", "list", "watch", "update"]},
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*", "/api", "/api/*", "/apis", "/apis/*"]},
            {"level": "Metadata"},
        ],
    })
}
