//! "The internet" for tests: a container beside the nodes that has a public-looking address and answers on it.
use std::path::Path;

use super::error::{Error, Result};
use super::{Cluster, routes};

/// The address that stands for the internet (TEST-NET-3, RFC 5737).
pub const ADDRESS: &str = "203.0.113.10";

/// Starts it with `program` (a static binary of this host) and its arguments, or leaves a running one alone.
/// Every node of the cluster gets a route to it. It goes with the cluster.
pub fn up(cluster: &Cluster, program: &Path, args: &[&str]) -> Result<()> {
    let (docker, image) = cluster.made_by_us()?;
    let name = container(cluster.name());
    let running = docker
        .run()
        .args(["inspect", "--format", "{{.State.Running}}", &name]);
    if running.finish()?.1.stdout.trim() != "true" {
        docker.run().args(["rm", "--force", &name]).finish()?;
        let file = program
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mount = format!("{}:/{file}:ro", program.display());
        // Answers leave with that address too, whatever address the program listens on.
        let script = format!(
            "set -e; ip address add {ADDRESS}/32 dev lo; \
             net=$(ip -4 route show dev eth0 scope link | cut -d' ' -f1); \
             ip route replace \"$net\" dev eth0 scope link src {ADDRESS}; exec /{file} \"$@\""
        );
        docker
            .run()
            .args([
                "run",
                "--detach",
                "--name",
                &name,
                "--hostname",
                "internet",
                "--network",
                super::docker::NETWORK,
            ])
            .args([
                "--label",
                &format!("sde-operator.dev/e2e={}", cluster.name()),
            ])
            .args([
                "--cap-add",
                "NET_ADMIN",
                "--volume",
                &mount,
                "--entrypoint",
                "/bin/sh",
                image,
            ])
            .args(["-c", &script, &file])
            .args(args)
            .what("starting the internet container")
            .output()?;
    }
    let address = routes::address(docker, &name)?;
    if address.is_empty() {
        return Err(Error::host(
            "the internet container does not run",
            format!("Read `docker logs {name}`."),
        ));
    }
    for node in cluster.nodes()? {
        let to = format!("{ADDRESS}/32");
        cluster.exec_on_node(&node, &["ip", "route", "replace", &to, "via", &address])?;
    }
    Ok(())
}

/// The container's name.
pub fn container(cluster: &str) -> String {
    format!("{cluster}-internet")
}
