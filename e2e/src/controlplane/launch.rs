//! The command lines of etcd, API server and controller manager.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::audit;
use super::binaries::Binaries;
use super::error::{Result, io, malformed};
use super::identity::{self, CONTROLLER_MANAGER, Keys};
use super::process::{Process, ProcessSpec};
use super::server::ControlPlaneOptions;
use crate::cluster::{kind, paths};

/// Where the API server listens: the first address of [`SERVICE_RANGE`], which is that of the Service `kubernetes`. So the address that
/// a cluster's clients learn from the API is one that answers, without any routing.
pub(super) const ADDRESS: &str = "127.96.0.1";

/// Cluster IPs, on loopback.
const SERVICE_RANGE: &str = "127.96.0.0/16";

/// The controllers that matter where no kubelet runs: without them namespaces never vanish and claims never bind.
const CONTROLLERS: [&str; 11] = [
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "resourcequota-controller",
    "clusterrole-aggregation-controller",
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "persistentvolume-protection-controller",
    "validatingadmissionpolicy-status-controller",
];

/// etcd, with its state in `folder`.
pub(super) fn start_etcd(
    binaries: &Binaries,
    folder: &Path,
    client_port: u16,
    peer_port: u16,
) -> Result<Process> {
    let client = format!("http://127.0.0.1:{client_port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    let args = [
        ("--name", "e2e".to_owned()),
        ("--data-dir", folder.join("etcd").display().to_string()),
        ("--listen-client-urls", client.clone()),
        ("--advertise-client-urls", client),
        ("--listen-peer-urls", peer.clone()),
        ("--initial-advertise-peer-urls", peer.clone()),
        ("--initial-cluster", format!("e2e={peer}")),
        ("--unsafe-no-fsync", "true".to_owned()),
        ("--log-level", "warn".to_owned()),
    ];
    start("etcd", &binaries.etcd, folder, flags(&args))
}

/// The API server.
pub(super) fn start_apiserver(
    options: &ControlPlaneOptions,
    folder: &Path,
    keys: &Keys,
    etcd_port: u16,
    port: u16,
) -> Result<Process> {
    let policy = audit::write_policy(folder)?;
    let path = |path: &Path| path.display().to_string();
    let args = [
        ("--etcd-servers", format!("http://127.0.0.1:{etcd_port}")),
        ("--bind-address", ADDRESS.to_owned()),
        ("--advertise-address", ADDRESS.to_owned()),
        // A loopback address is not allowed in the endpoints of the Service `kubernetes`, so nobody writes them.
        ("--endpoint-reconciler-type", "none".to_owned()),
        ("--secure-port", port.to_string()),
        ("--tls-cert-file", path(&keys.certificate)),
        ("--tls-private-key-file", path(&keys.private_key)),
        ("--service-cluster-ip-range", SERVICE_RANGE.to_owned()),
        (
            "--service-account-issuer",
            "https://kubernetes.default.svc.cluster.local".to_owned(),
        ),
        ("--service-account-key-file", path(&keys.service_account)),
        (
            "--service-account-signing-key-file",
            path(&keys.service_account),
        ),
        ("--token-auth-file", path(&keys.tokens)),
        ("--authorization-mode", "RBAC".to_owned()),
        // As kubeadm has it: without it the API server refuses what the policies are asked about.
        ("--allow-privileged", "true".to_owned()),
        // Off by default; where it is on, claims can copy from other namespaces.
        (
            "--feature-gates",
            "CrossNamespaceVolumeDataSource=true".to_owned(),
        ),
        ("--audit-policy-file", path(&policy)),
        ("--audit-log-path", path(&folder.join(audit::LOG))),
        // One file for the whole run: a rotated log would lose events for the suites.
        ("--audit-log-maxsize", "4096".to_owned()),
        ("--v", "1".to_owned()),
    ];
    let mut args = flags(&args);
    if let Some(policies) = &options.static_policies {
        let file = admission_configuration(folder, policies)?;
        args.extend(flags(&[("--admission-control-config-file", path(&file))]));
    }
    start(
        "kube-apiserver",
        &options.binaries.kube_apiserver,
        folder,
        args,
    )
}

/// The file that we publish for kubeadm, with another folder in it.
fn admission_configuration(folder: &Path, policies: &Path) -> Result<PathBuf> {
    let published = paths::repository().join("policies/kubeadm/admission-configuration.yaml");
    let text = std::fs::read_to_string(&published).map_err(io(published.display()))?;
    let policies = policies.canonicalize().map_err(io(policies.display()))?;
    let mut configuration: Value =
        serde_yaml_ng::from_str(&text).map_err(malformed(published.display()))?;
    configuration["plugins"][0]["configuration"]["staticManifestsDir"] = json!(policies);
    let file = folder.join("admission-configuration.json");
    std::fs::write(&file, configuration.to_string()).map_err(io(file.display()))?;
    Ok(file)
}

/// The controller manager, as the user it is in a real cluster.
pub(super) fn start_controller_manager(
    binaries: &Binaries,
    folder: &Path,
    keys: &Keys,
    url: &str,
) -> Result<Process> {
    let token = identity::token(CONTROLLER_MANAGER);
    let kubeconfig = folder.join("controller-manager.kubeconfig");
    identity::write_kubeconfig(&kubeconfig, url, Some(&keys.certificate), &token)?;
    let args = [
        ("--kubeconfig", kubeconfig.display().to_string()),
        ("--leader-elect", "false".to_owned()),
        ("--controllers", CONTROLLERS.join(",")),
        // As kubeadm does: each controller is its own user, which admission policies exempt by name.
        ("--use-service-account-credentials", "true".to_owned()),
        (
            "--service-account-private-key-file",
            keys.service_account.display().to_string(),
        ),
        ("--root-ca-file", keys.certificate.display().to_string()),
        ("--kube-api-qps", "1000".to_owned()),
        ("--kube-api-burst", "2000".to_owned()),
        ("--concurrent-namespace-syncs", "20".to_owned()),
        ("--pvclaimbinder-sync-period", "2s".to_owned()),
        ("--resource-quota-sync-period", "30s".to_owned()),
        ("--secure-port", "0".to_owned()),
        ("--v", "1".to_owned()),
    ];
    start(
        "kube-controller-manager",
        &binaries.kube_controller_manager,
        folder,
        flags(&args),
    )
}

fn start(name: &str, program: &Path, folder: &Path, args: Vec<OsString>) -> Result<Process> {
    let log = folder.join(format!("{name}.log"));
    Process::start(ProcessSpec {
        name: name.to_owned(),
        program: program.to_owned(),
        args,
        env: vec![("GOGC".to_owned(), kind::GOGC.to_owned())],
        log,
    })
}

fn flags(pairs: &[(&str, String)]) -> Vec<OsString> {
    pairs
        .iter()
        .map(|(flag, value)| OsString::from(format!("{flag}={value}")))
        .collect()
}
