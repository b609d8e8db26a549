//! A site: cluster, images, chart, SdePolicy, people. What a platform team has after its first day.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::{Cluster, Topology, UpOptions, internet, packages, paths, progress};
use crate::images::oci::OciArchive;
use crate::images::{self, data};
use crate::node::people::{HUB, People};

/// Where the 1000 Genomes excerpt is on every node, for the hostPath source.
pub const NODE_DATA: &str = "/var/sde-data/1kg";
/// The longest `kubectl sde` may take; the doctor's probe waits for pods.
const CLI_LIMIT: Duration = Duration::from_secs(300);

/// A cluster with the operator on it.
pub struct Site {
    /// The cluster.
    pub cluster: Cluster,
    /// People with identities of their own.
    pub people: People,
    /// The environment image.
    pub environment: OciArchive,
    /// The 1000 Genomes excerpt as an image.
    pub data: OciArchive,
    /// Its manifest digest, by the agent itself.
    pub manifest_digest: String,
    /// References of the controller's and the agent's image.
    pub operator: [String; 2],
    /// sde-agent, built here.
    pub agent: PathBuf,
    /// kubectl-sde, built here.
    pub cli: PathBuf,
    /// Folder for what this site leaves for people to look at, under target/.
    pub folder: PathBuf,
}

impl Site {
    /// Brings everything up. Warm, this takes well under a minute.
    ///
    /// # Errors
    /// When a part cannot be built, started or installed; the message says what to do.
    pub fn up(options: &UpOptions) -> Result<Self> {
        packages::ensure(&[
            packages::file("/usr/bin/jq", "jq"),
            packages::file("/usr/bin/openssl", "openssl"),
        ])?;
        let cluster = progress::step("cluster", || Cluster::up(options))?;
        let ours = images::build_ours()?;
        let environment = images::jupyterlab::ensure()?;
        let genomes = data::genomes()?;
        let data = images::data_image(&genomes)?;
        let cli = build_cli()?;
        progress::step("loading images into the nodes", || {
            [&ours.controller, &ours.agent, &environment, &data]
                .into_iter()
                .try_for_each(|image| cluster.load(image))
        })?;
        data::put_on_nodes(&cluster, &genomes, NODE_DATA)?;
        if options.backend == crate::cluster::Backend::Kind {
            internet::up(
                &cluster,
                &ours.agent_binary,
                &[
                    "sentinel",
                    "--listen",
                    "203.0.113.10:7777",
                    "--admin",
                    "203.0.113.10:7778",
                ],
            )?;
        }
        let operator = [ours.controller.reference, ours.agent.reference];
        progress::step("helm install sde-operator", || {
            install(&cluster, &operator, &[])
        })?;
        let folder = paths::repository().join("target/e2e").join(cluster.name());
        let uid = cluster.kubectl([
            "get",
            "namespace",
            "kube-system",
            "--output",
            "jsonpath={.metadata.uid}",
        ])?;
        let people = People::ensure(&cluster, &folder.join("people").join(uid.trim()))?;
        let manifest_digest = manifest_digest(&ours.agent_binary, &genomes)?;
        let site = Self {
            cluster,
            people,
            environment,
            data,
            manifest_digest,
            operator,
            agent: ours.agent_binary,
            cli,
            folder,
        };
        site.apply(&site.policy())?;
        Ok(site)
    }

    /// Applies an object with the administrator's rights: what a platform team does.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn apply(&self, object: &Value) -> Result<()> {
        self.kubectl_as(None, &["apply", "--filename"], object)
            .map(|_| ())
    }

    /// Applies an object as a person.
    ///
    /// # Errors
    /// When the API server refuses; its words are in the error.
    pub fn apply_as(&self, person: &str, object: &Value) -> Result<String> {
        self.kubectl_as(Some(person), &["apply", "--filename"], object)
    }

    /// Creates a Workspace as the hub does: with its own token, acting for the person. Sent as it is, since the hub may
    /// do nothing else for that person, not even ask which kinds there are.
    ///
    /// # Errors
    /// When the API server refuses; its words are in the error.
    pub fn open_as_hub(&self, workspace: &Value) -> Result<String> {
        let namespace = workspace["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default();
        let user = workspace["spec"]["user"].as_str().unwrap_or_default();
        let path = format!("/apis/sde-operator.dev/v1alpha1/namespaces/{namespace}/workspaces");
        let file = self.folder.join(format!("{namespace}-{user}.json"));
        std::fs::write(&file, workspace.to_string()).map_err(Error::io("cannot write", &file))?;
        let file = file.to_string_lossy();
        self.kubectl(
            HUB,
            &["create", "--as", user, "--raw", &path, "--filename", &file],
        )
    }

    /// Creates an object as a person who may create it and not read it.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn create_as(&self, person: &str, object: &Value) -> Result<String> {
        self.kubectl_as(Some(person), &["create", "--filename"], object)
    }

    fn kubectl_as(&self, person: Option<&str>, verb: &[&str], object: &Value) -> Result<String> {
        let kind = object["kind"].as_str().unwrap_or("object").to_lowercase();
        let name = object["metadata"]["name"].as_str().unwrap_or("unnamed");
        let file = self
            .folder
            .join("applied")
            .join(format!("{kind}-{name}.yaml"));
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(Error::io("cannot create", parent))?;
        }
        let text =
            serde_yaml_ng::to_string(object).map_err(|e| Error::malformed(&file, e.to_string()))?;
        std::fs::write(&file, text).map_err(Error::io("cannot write", &file))?;
        let mut args: Vec<String> = verb.iter().map(ToString::to_string).collect();
        args.push(file.to_string_lossy().into_owned());
        match person {
            None => self.cluster.kubectl(&args),
            Some(person) => self.kubectl(person, &args),
        }
    }

    /// Runs kubectl as a person.
    ///
    /// # Errors
    /// When it fails; what it said is in the error.
    pub fn kubectl(&self, person: &str, args: &[impl AsRef<std::ffi::OsStr>]) -> Result<String> {
        let run = self.cluster.tool(crate::cluster::tools::Tool::Kubectl)?;
        run.env("KUBECONFIG", self.people.kubeconfig(person))
            .args(args)
            .text()
    }

    /// Runs `kubectl sde` as a person.
    ///
    /// # Errors
    /// When it fails; what it said is in the error.
    pub fn sde(&self, person: &str, args: &[&str]) -> Result<String> {
        self.sde_of(person, args).text()
    }

    /// The same, told what a file says.
    ///
    /// # Errors
    /// As [`Site::sde`].
    pub fn sde_told(&self, person: &str, args: &[&str], told: File) -> Result<String> {
        self.sde_of(person, args).stdin(told).text()
    }

    fn sde_of(&self, person: &str, args: &[&str]) -> Run {
        Run::new(&self.cli)
            .env("KUBECONFIG", self.people.kubeconfig(person))
            .args(args)
            .limit(CLI_LIMIT)
    }

    /// Runs `kubectl sde` with the administrator's rights; whether it said yes, and what it printed.
    ///
    /// # Errors
    /// When it cannot be run at all.
    pub fn sde_as_admin(&self, args: &[&str]) -> Result<(bool, String)> {
        let (status, output) = Run::new(&self.cli)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .args(args)
            .limit(CLI_LIMIT)
            .finish()?;
        Ok((status.success(), output.stdout))
    }

    /// Upgrades the release, or installs it again, with more `--set` values than the site's own.
    ///
    /// # Errors
    /// When Helm or the API server refuses, or the pods are not ready in time.
    pub fn install(&self, values: &[&str]) -> Result<()> {
        install(&self.cluster, &self.operator, values)
    }

    /// Uninstalls the release.
    ///
    /// # Errors
    /// When Helm or the API server refuses.
    pub fn uninstall(&self) -> Result<()> {
        let args = [
            "uninstall",
            "sde-operator",
            "--namespace",
            "sde-system",
            "--wait",
        ];
        self.cluster.helm(args).map(|_| ())
    }

    /// The SdePolicy of this site.
    pub fn policy(&self) -> Value {
        json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "SdePolicy", "metadata": {"name": "default"},
            "spec": {
                "guidanceVersion": "2026-07-02", "storageClass": "standard",
                "tiers": [{"name": "sensitive", "maxDays": 1096,
                    "maxCompute": {"cpu": "8", "memory": "16Gi", "storage": "100Gi", "maxWorkspaces": 4, "accelerators": {"nvidia.com/gpu": "2"}}}],
                "environments": [
                    {"name": "jupyterlab-genomics", "image": self.environment.reference, "description": "JupyterLab with bcftools, numpy and matplotlib"},
                    {"name": "not-on-any-node", "image": format!("localhost/sde-operator/absent@sha256:{}", "0".repeat(64)), "description": "An image that no node has"}
                ],
                "accelerators": ["nvidia.com/gpu", "amd.com/gpu"], "deviceClasses": ["gpu.nvidia.com"],
                "probe": {"standingSeconds": 3600, "inconclusiveDeadlineSeconds": 600, "metadataAddresses": ["169.254.169.254"],
                    "canaries": [{"name": "outside", "address": internet::ADDRESS, "port": 7777, "protocol": "TCP"}]},
                "approvals": {"projectRoles": ["DataAccess", "PublicBenefit"], "closureApprovers": 2},
                "dataSources": {"hostPathAllowed": true},
                "airlock": {
                    "reviewers": [
                        {"user": "checker-a", "roles": ["OutputChecker"]}, {"user": "checker-b", "roles": ["OutputChecker", "Senior"]},
                        {"user": "custodian-a", "roles": ["Custodian"]}, {"user": "custodian-b", "roles": ["Custodian"]},
                        {"user": "custodian-c", "roles": ["Custodian"]}
                    ],
                    "exportReviewers": 2, "importReviewers": 1, "toolImportReviewers": 2, "custodians": 2, "sampledPercent": 0,
                    "approvedDays": 7, "releasedDays": 7, "collections": 3, "retentionDays": 30, "minimumCount": 10,
                    "processDigest": format!("sha256:{}", "3".repeat(64)),
                },
            },
        })
    }
}

fn build_cli() -> Result<PathBuf> {
    progress::step("building kubectl-sde", || {
        Run::cargo()
            .args(["build", "--locked", "--package", "kubectl-sde"])
            .output()
    })?;
    Ok(paths::target().join("debug/kubectl-sde"))
}

fn install(cluster: &Cluster, [controller, agent]: &[String; 2], values: &[&str]) -> Result<()> {
    let chart = paths::repository().join("charts/sde-operator");
    if cluster.kubectl(["get", "namespace", "sde-hub"]).is_err() {
        cluster.kubectl(["create", "namespace", "sde-hub"])?;
    }
    let mut args: Vec<String> = ["upgrade", "--install", "sde-operator"]
        .map(str::to_owned)
        .to_vec();
    args.push(path(&chart));
    args.extend(
        [
            "--namespace",
            "sde-system",
            "--create-namespace",
            "--wait",
            "--timeout",
            "120s",
        ]
        .map(str::to_owned),
    );
    for setting in [
        format!("images.controller={controller}"),
        format!("images.agent={agent}"),
    ] {
        args.extend(set(&setting));
    }
    for setting in values {
        args.extend(set(setting));
    }
    match cluster.options().topology {
        Topology::Kindnet => {}
        Topology::Cilium | Topology::Worker => {
            args.extend(set("networkPolicy.ciliumApiServer=true"))
        }
        Topology::Mixed => {
            // Only the node with Cilium serves Service addresses, by which the controller finds the API server.
            let node = cluster
                .nodes()?
                .into_iter()
                .find(|n| n.ends_with("control-plane"))
                .unwrap_or_default();
            // kubeadm keeps workloads off the control plane where there are workers; here it is one of the two places compared.
            let taint = "node-role.kubernetes.io/control-plane:NoSchedule-";
            cluster
                .tool(crate::cluster::tools::Tool::Kubectl)?
                .args(["taint", "nodes", &node, taint])
                .finish()?;
            args.extend(set("networkPolicy.ciliumApiServer=true"));
            for part in ["controller", "sentinel"] {
                args.extend(set(&format!(
                    "{part}.nodeSelector.kubernetes\\.io/hostname={node}"
                )));
            }
        }
        Topology::Ptp => {
            // Nothing there makes Services work, so the controller takes the API server's own address.
            let node = cluster.nodes()?.first().cloned().unwrap_or_default();
            let host = cluster.node_ip(&node)?;
            args.extend(set(&format!("controller.apiServer.host={host}")));
            args.extend(set("controller.apiServer.port=6443"));
        }
    }
    cluster.helm(&args).map(|_| ())
}

fn set(value: &str) -> [String; 2] {
    ["--set".to_owned(), value.to_owned()]
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The manifest digest as a custodian finds it: by the agent, over the files.
///
/// # Errors
/// When the agent refuses them.
pub(crate) fn manifest_digest(agent: &Path, files: &Path) -> Result<String> {
    let output = Run::new(agent)
        .args(["manifest", "--print", "--root"])
        .arg(files)
        .output()?;
    let said = output.stderr;
    said.split_whitespace()
        .find(|word| word.starts_with("sha256:"))
        .map(|word| {
            word.trim_end_matches(|c: char| !c.is_ascii_hexdigit())
                .to_owned()
        })
        .ok_or_else(|| {
            Error::malformed(
                files,
                format!("sde-agent manifest printed no digest: {said}"),
            )
        })
}
