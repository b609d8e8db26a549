//! Routes between nodes of which not all run Cilium's agent, which would otherwise set them.
use super::Cluster;
use super::docker::Docker;
use super::error::Result;

/// Tells every node the way to every other node's pods.
pub fn connect(cluster: &Cluster) -> Result<()> {
    let nodes = cluster.nodes()?;
    for node in &nodes {
        for other in nodes.iter().filter(|other| *other != node) {
            let path = "jsonpath={.spec.podCIDR}";
            let pods = cluster.kubectl(["get", "node", other, "-o", path])?;
            let address = cluster.node_ip(other)?;
            cluster.exec_on_node(node, &["ip", "route", "replace", &pods, "via", &address])?;
        }
    }
    Ok(())
}

/// Puts what finds the API server by its Service address on the control plane, and waits until it runs there: the
/// worker without Cilium serves no such address, and the scheduler may have chosen it.
pub fn keep_on_control_plane(cluster: &Cluster) -> Result<()> {
    let patch = r#"{"spec":{"template":{"spec":{"nodeSelector":{"node-role.kubernetes.io/control-plane":""}}}}}"#;
    let deployments = [
        ("kube-system", "deployment/coredns"),
        ("local-path-storage", "deployment/local-path-provisioner"),
    ];
    for (namespace, name) in deployments {
        cluster.kubectl(["--namespace", namespace, "patch", name, "--patch", patch])?;
    }
    for (namespace, name) in deployments {
        cluster.kubectl([
            "--namespace",
            namespace,
            "rollout",
            "status",
            name,
            "--timeout=120s",
        ])?;
    }
    Ok(())
}

/// A container's address on the nodes' network.
pub fn address(docker: &Docker, container: &str) -> Result<String> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    docker
        .run()
        .args(["inspect", "--format", format, container])
        .text()
}
