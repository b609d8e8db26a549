//! The node lane's clusters: tools, node image, Docker, kind.
pub mod cgroup;
pub mod cilium_worker;
pub mod command;
pub mod debootstrap;
pub mod docker;
pub mod down;
pub mod error;
pub mod gomod;
pub mod host;
pub mod internet;
pub mod kind;
pub mod lock;
pub mod mounts;
pub mod node_files;
pub mod node_image;
pub mod node_images;
pub mod options;
pub mod packages;
pub mod paths;
pub mod process;
pub mod progress;
pub mod python;
pub mod routes;
pub mod runc_bounded;
pub mod state;
pub mod tools;
pub mod up;

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use command::Run;
use docker::Docker;
use error::{Error, Result};
use state::State;
use tools::Tool;

pub use options::{Backend, NodeImage, Topology, UpOptions};

use crate::images::oci::OciArchive;

/// The longest a call into a node or to the API server may take; those that wait for something end themselves before.
const LIMIT: Duration = Duration::from_secs(240);
/// The longest Helm may take, which waits up to five minutes by itself.
const HELM_LIMIT: Duration = Duration::from_secs(420);

/// A running cluster. Its methods block, except [`Cluster::client`].
#[derive(Debug, Clone)]
pub struct Cluster {
    state: State,
}

impl Cluster {
    /// Creates the cluster, or finds the healthy one of that name again. Blocks for half a minute when everything
    /// is cached. On failure or Ctrl-C what this call began is taken down.
    pub fn up(options: &UpOptions) -> Result<Self> {
        up::up(options)
    }

    /// The cluster of that name, if the harness has made it; nothing is created or checked.
    pub fn find(name: &str) -> Result<Option<Self>> {
        Ok(State::read(name)?.map(|state| Self { state }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.state.options.name
    }

    /// What it was made with.
    pub fn options(&self) -> &UpOptions {
        &self.state.options
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.state.kubeconfig
    }

    /// A client with the administrator's rights.
    pub async fn client(&self) -> Result<kube::Client> {
        let file = kube::config::Kubeconfig::read_from(&self.state.kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(file, &Default::default()).await?;
        kube::Client::try_from(config).map_err(|error| Error::Kube(Box::new(error)))
    }

    /// The nodes' names, control plane first.
    pub fn nodes(&self) -> Result<Vec<String>> {
        match &self.state.docker {
            Some(docker) => kind::nodes(docker, self.name()),
            None => {
                let names = self.kubectl(["get", "nodes", "-o", "name"])?;
                Ok(names
                    .lines()
                    .map(|line| line.trim_start_matches("node/").to_owned())
                    .collect())
            }
        }
    }

    /// The nodes that workloads run on: where there are workers with the same pod network, only those.
    pub fn workload_nodes(&self) -> Result<Vec<String>> {
        let mut nodes = self.nodes()?;
        if self.state.options.topology == Topology::Worker {
            nodes.retain(|node| !node.ends_with("control-plane"));
        }
        Ok(nodes)
    }

    /// A node's address on the nodes' network; on it, at port 6443, the control plane serves the API.
    pub fn node_ip(&self, node: &str) -> Result<String> {
        match &self.state.docker {
            Some(docker) => routes::address(docker, node),
            None => self.kubectl([
                "get",
                "node",
                node,
                "-o",
                "jsonpath={.status.addresses[?(@.type==\"InternalIP\")].address}",
            ]),
        }
    }

    /// Runs a command in a node and returns its standard output, trimmed.
    pub fn exec_on_node(&self, node: &str, args: &[&str]) -> Result<String> {
        let (docker, _) = self.made_by_us()?;
        docker
            .run()
            .args(["exec", node])
            .args(args)
            .what(format!("{} on {node}", args[0]))
            .limit(LIMIT)
            .text()
    }

    /// Copies a file or directory of this host into a node; `to`'s parent is created.
    pub fn copy_to_node(&self, node: &str, from: &Path, to: &str) -> Result<()> {
        let (docker, _) = self.made_by_us()?;
        let parent = Path::new(to)
            .parent()
            .map(|p| p.display().to_string())
            .unwrap_or_default();
        self.exec_on_node(node, &["mkdir", "-p", &parent])?;
        docker
            .run()
            .arg("cp")
            .arg(from)
            .arg(format!("{node}:{to}"))
            .output()
            .map(drop)
    }

    /// Brings an image into every node that workloads run on, so that pods find it by its reference. Skips nodes that
    /// have it.
    pub fn load(&self, image: &OciArchive) -> Result<()> {
        let (docker, _) = self.made_by_us()?;
        let filter = format!("name=={}", image.reference);
        for node in self.workload_nodes()? {
            let present = self.exec_on_node(
                &node,
                &["ctr", "-n", "k8s.io", "images", "ls", "-q", &filter],
            )?;
            if present == image.reference {
                continue;
            }
            let archive = File::open(&image.path).map_err(Error::io("cannot read", &image.path))?;
            progress::step(&format!("loading {} into {node}", image.reference), || {
                docker
                    .run()
                    .args(["exec", "--interactive", &node])
                    .args([
                        "ctr",
                        "-n",
                        "k8s.io",
                        "images",
                        "import",
                        "--local",
                        "--all-platforms",
                        "-",
                    ])
                    .stdin(archive)
                    .what(format!("importing {} on {node}", image.reference))
                    .output()
            })?;
        }
        Ok(())
    }

    /// Runs helm against the cluster and returns its standard output, trimmed.
    pub fn helm(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String> {
        self.tool(Tool::Helm)?.args(args).text()
    }

    /// Runs kubectl against the cluster and returns its standard output, trimmed.
    pub fn kubectl(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String> {
        self.tool(Tool::Kubectl)?.args(args).text()
    }

    /// helm or kubectl, pointed at the cluster; for standard input, other environment, or the exit code.
    pub fn tool(&self, tool: Tool) -> Result<Run> {
        // Neither tool is to write into the user's home.
        let own = paths::cache()?.join("client");
        let limit = match tool {
            Tool::Helm => HELM_LIMIT,
            _ => LIMIT,
        };
        Ok(Run::new(tools::path(tool)?)
            .limit(limit)
            .env("KUBECONFIG", &self.state.kubeconfig)
            .env("KUBECACHEDIR", own.join("kube"))
            .env("HELM_CACHE_HOME", own.join("helm/cache"))
            .env("HELM_CONFIG_HOME", own.join("helm/config"))
            .env("HELM_DATA_HOME", own.join("helm/data")))
    }

    /// The daemon and node image; an error for the user's own cluster, into which the harness does not reach.
    pub fn made_by_us(&self) -> Result<(&Docker, &str)> {
        match (&self.state.docker, &self.state.node_image) {
            (Some(docker), Some(image)) => Ok((docker, image)),
            _ => Err(Error::host(
                "this needs access to the nodes, which `--cluster current` does not give",
                "Use --cluster kind, or push the images to a registry your cluster reads.",
            )),
        }
    }
}
