//! A worker's own credential for Cilium's agent: a ServiceAccount that may read what policies and identities are made
//! of and write what it reports of its node. The control plane's agent uses the administrator's.
use std::time::{Duration, Instant};

use serde_json::json;

use super::error::{Error, Result};
use super::{Cluster, command, paths, state};

/// The account's name in Cilium's own chart, by which our policies let the agent tell of pods' endpoints in projects.
const NAME: &str = "cilium";
/// How long a node may take from its credential to Ready; the agent compiles its eBPF programs meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// Gives every worker its credential and waits until all nodes are Ready.
pub fn join(cluster: &Cluster) -> Result<()> {
    let dir = state::dir(cluster.name())?;
    let manifest = dir.join("cilium-agent.json");
    paths::write(&manifest, account().to_string())?;
    cluster.kubectl(["apply", "--filename", &manifest.to_string_lossy()])?;
    let duration = ["--namespace", "kube-system", "--duration", "720h"];
    let token = cluster.kubectl(["create", "token", NAME].iter().chain(&duration))?;
    let kubeconfig = dir.join("cilium-agent.kubeconfig");
    let nodes = cluster.nodes()?;
    let Some(control_plane) = nodes.first() else {
        return Err(Error::malformed(&dir, "the cluster has no node"));
    };
    let server = format!("https://{}:6443", cluster.node_ip(control_plane)?);
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": {"server": server, "certificate-authority": "/etc/kubernetes/pki/ca.crt"}}],
        "users": [{"name": NAME, "user": {"token": token}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
    });
    paths::write_private(&kubeconfig, text.to_string())?;
    for node in nodes.iter().skip(1) {
        cluster.copy_to_node(node, &kubeconfig, "/etc/kubernetes/cilium.conf")?;
        // In the node's own mount namespace. In the agent's it goes with the agent, and with it the programs that those
        // on eth0 jump to: the node then drops every packet, and the agent never finds the API server again.
        cluster.exec_on_node(
            node,
            &[
                "sh",
                "-c",
                "mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf",
            ],
        )?;
        // The unit chose its credential when it started.
        cluster.exec_on_node(node, &["systemctl", "restart", "sde-cni"])?;
    }
    paths::remove_file(&kubeconfig)?;
    ready(cluster, nodes.len())
}

fn ready(cluster: &Cluster, expected: usize) -> Result<()> {
    let began = Instant::now();
    let path =
        r#"jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}"#;
    loop {
        let text = cluster.kubectl(["get", "nodes", "--output", path])?;
        if text.lines().filter(|line| *line == "True").count() == expected {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::Timeout {
                what: "every node Ready".to_owned(),
                seconds: PATIENCE.as_secs(),
                hint: "Read `journalctl -u sde-cni` on the worker.".to_owned(),
            });
        }
        command::pause(Duration::from_millis(300))?;
    }
}

/// The rights of Cilium's own chart for the agent, without what its switched-off features need.
fn account() -> serde_json::Value {
    let read = ["get", "list", "watch"];
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": "kube-system"}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": NAME}, "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "services", "pods", "endpoints", "nodes"], "verbs": read},
            {"apiGroups": [""], "resources": ["nodes", "nodes/status"], "verbs": ["patch"]},
            {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": read},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
            {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": read},
            {"apiGroups": ["cilium.io"], "resources": ["*"], "verbs": read},
            {"apiGroups": ["cilium.io"], "resources": ["ciliumidentities", "ciliumendpoints", "ciliumnodes"],
                "verbs": ["create", "update", "patch", "delete"]},
            {"apiGroups": ["cilium.io"], "verbs": ["update", "patch"], "resources": [
                "ciliumnodes/status", "ciliumendpoints/status", "ciliumnetworkpolicies/status",
                "ciliumclusterwidenetworkpolicies/status"]},
        ]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": NAME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": "kube-system"}]},
    ]})
}
