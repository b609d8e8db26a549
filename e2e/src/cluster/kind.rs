//! kind: its configuration, and creating and deleting clusters with it.
use std::path::Path;

use serde_json::{Value, json};

use super::command::Run;
use super::docker::Docker;
use super::error::Result;
use super::host::Host;
use super::options::{NodeImage, Topology, UpOptions};
use super::tools::{self, Tool};
use super::{paths, state};

/// How much Kubernetes' processes let their memory grow between two collections, in percent: where the harness runs, memory is
/// plenty and cores are few, and an API server that collects less often computes a sixth less.
pub const GOGC: &str = "400";

/// The addresses of pods, all nodes together; kind's default.
pub const POD_CIDR: &str = "10.244.0.0/16";

/// Creates the cluster and waits until its nodes are Ready.
pub fn create(
    docker: &Docker,
    options: &UpOptions,
    image: Option<&str>,
    kubeconfig: &Path,
) -> Result<()> {
    let dir = state::dir(&options.name)?;
    let config = dir.join("kind.json");
    paths::write(&config, configuration(options, image, &dir)?.to_string())?;
    command(docker)?
        .args([
            "create",
            "cluster",
            "--wait",
            "120s",
            "--name",
            &options.name,
            "--config",
        ])
        .arg(&config)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .what("kind create cluster")
        .output()
        .map(drop)
}

/// Deletes the cluster; one that is not there is fine.
pub fn delete(docker: &Docker, name: &str, kubeconfig: &Path) -> Result<()> {
    command(docker)?
        .args(["delete", "cluster", "--name", name, "--kubeconfig"])
        .arg(kubeconfig)
        .what("kind delete cluster")
        .cleanup()
        .output()
        .map(drop)
}

/// The node containers of a cluster, control plane first.
pub fn nodes(docker: &Docker, name: &str) -> Result<Vec<String>> {
    let filter = format!("label=io.x-k8s.kind.cluster={name}");
    let text = docker
        .run()
        .args(["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"])
        .text()?;
    let mut nodes: Vec<String> = text.lines().map(str::to_owned).collect();
    nodes.sort();
    Ok(nodes)
}

fn command(docker: &Docker) -> Result<Run> {
    Ok(Run::new(tools::path(Tool::Kind)?).envs(docker.environment()))
}

/// Each node's role and pod network.
fn layout(topology: Topology) -> &'static [(&'static str, &'static str)] {
    match topology {
        Topology::Cilium => &[("control-plane", "cilium")],
        Topology::Ptp => &[("control-plane", "ptp")],
        Topology::Worker => &[("control-plane", "cilium"), ("worker", "cilium")],
        Topology::Mixed => &[("control-plane", "cilium"), ("worker", "ptp")],
        Topology::Kindnet => &[("control-plane", "kindnet")],
    }
}

fn configuration(options: &UpOptions, image: Option<&str>, dir: &Path) -> Result<Value> {
    let stock = options.node_image == NodeImage::Stock;
    let mut nodes = Vec::new();
    for (role, cni) in layout(options.topology) {
        let mut mounts = Vec::new();
        if !stock {
            let choice = dir.join(format!("node-{cni}"));
            paths::create_dir(&choice)?;
            paths::write(&choice.join("cni"), cni)?;
            paths::write(&choice.join("pod-cidr"), POD_CIDR)?;
            mounts.push(
                json!({"hostPath": choice, "containerPath": "/etc/sde-node", "readOnly": true}),
            );
        }
        if *role == "control-plane" {
            mounts.extend(options.mounts.iter().map(
                |m| json!({"hostPath": m.host, "containerPath": m.node, "readOnly": m.read_only}),
            ));
        }
        let mut node = json!({"role": role, "extraMounts": mounts});
        if let Some(image) = image {
            node["image"] = json!(image);
        }
        nodes.push(node);
    }
    let mut networking =
        json!({"ipFamily": "ipv4", "apiServerAddress": "127.0.0.1", "podSubnet": POD_CIDR});
    if !stock {
        networking["kubeProxyMode"] = json!("none");
        // Only Cilium needs what the node brings as "the CNI": its CRDs.
        networking["disableDefaultCNI"] = json!(options.topology == Topology::Ptp);
    }
    Ok(json!({
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": networking,
        "nodes": nodes,
        "kubeadmConfigPatches": patches(options),
    }))
}

fn patches(options: &UpOptions) -> Vec<String> {
    let mut patches = Vec::new();
    let mut kubelet = json!({"kind": "KubeletConfiguration"});
    if !Host::look().cgroup_v2 {
        kubelet["failCgroupV1"] = json!(false);
        kubelet["cgroupDriver"] = json!("cgroupfs");
    }
    if let Some(most) = options.pod_pids_limit {
        kubelet["podPidsLimit"] = json!(most);
    }
    if kubelet.as_object().is_some_and(|fields| fields.len() > 1) {
        patches.push(kubelet.to_string());
    }
    // As in the control-plane lane: a busy disk must not keep etcd waiting, and these clusters do not outlive their machine anyway.
    let etcd = json!({"local": {"extraArgs": [{"name": "unsafe-no-fsync", "value": "true"}]}});
    let environment = json!([{"name": "GOGC", "value": GOGC}]);
    let mut api_server = json!({"extraEnvs": environment});
    if !options.api_server_args.is_empty() || !options.api_server_volumes.is_empty() {
        let args = options
            .api_server_args
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}));
        let volumes = options.api_server_volumes.iter().map(|volume| {
            json!({
                "name": volume.name,
                "hostPath": volume.path,
                "mountPath": volume.path,
                "readOnly": volume.read_only,
                "pathType": "DirectoryOrCreate",
            })
        });
        api_server["extraArgs"] = args.collect();
        api_server["extraVolumes"] = volumes.collect();
    }
    let cluster = json!({
        "kind": "ClusterConfiguration",
        "etcd": etcd,
        "apiServer": api_server,
        "controllerManager": {"extraEnvs": environment},
    });
    patches.push(cluster.to_string());
    patches
}
