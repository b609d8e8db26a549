//! The range: two projects with notebooks on a site, pods that nothing locks in for the controls, and receivers.

use std::time::Duration;

use sde_redteam::controls;
pub use sde_redteam::controls::NAMESPACE as CONTROL;
use serde_json::{Value, json};

use super::statics::Statics;
use crate::cluster::error::{Error, Result};
use crate::cluster::{Cluster, internet, progress};
use crate::images;
use crate::node::Site;
use crate::node::acts::{approve, namespace, submit};
use crate::node::site::NODE_DATA;
use crate::node::story::{self, COLLEAGUE, RESEARCHER, Source, get, wait_for};

/// Metadata and node-local DNS addresses, which the nodes of this range really serve.
pub const LINK_LOCAL: [&str; 2] = ["169.254.169.254", "169.254.20.10"];
/// The person of the other project.
pub const STRANGER: &str = "u-55aa";
/// Where the nodes' own listeners tell what they have seen.
pub const NODE_ADMIN: &str = "127.0.0.1:7791";
const PATIENCE: Duration = Duration::from_secs(150);
/// The longest a call into the container outside may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A running notebook.
#[derive(Debug, Clone)]
pub struct Notebook {
    /// Its project.
    pub project: String,
    /// Its person, and the Workspace's name.
    pub user: String,
    /// Its pod.
    pub pod: String,
    /// The pod's address.
    pub ip: String,
    /// Where it answers.
    pub url: String,
    /// What it asks for.
    pub token: String,
}

impl Notebook {
    /// Its namespace.
    pub fn namespace(&self) -> String {
        namespace(&self.project)
    }
}

/// Everything the attacks need.
pub struct Range {
    /// The site.
    pub site: Site,
    /// The policies on disk.
    pub statics: Statics,
    /// Different in each run; part of every nonce.
    pub run: String,
    /// The attacker's notebook.
    pub subject: Notebook,
    /// Another person's of the same project.
    pub colleague: Notebook,
    /// Another project's.
    pub stranger: Notebook,
    /// Addresses by name: nodes, pods and Services.
    pub addresses: Addresses,
}

/// Where things are.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The control plane's node: name and address.
    pub control_plane: (String, String),
    /// The worker: name and address.
    pub worker: (String, String),
    /// The sentinel's pod.
    pub sentinel: String,
    /// The API server's Service.
    pub api: String,
    /// The cluster DNS Service.
    pub dns: String,
    /// A listener that nothing locks.
    pub receiver: String,
    /// Its Service.
    pub receiver_service: String,
    /// Its port on every node.
    pub receiver_node_port: u16,
    /// The unlocked pod that runs the controls.
    pub plain: String,
}

impl Range {
    /// Brings the range up on a cluster of that name.
    ///
    /// # Errors
    /// When a part cannot be had; the message says what to do.
    pub fn up(name: &str) -> Result<Self> {
        let statics = Statics::prepare(name)?;
        let site = Site::up(&statics.options(name))?;
        for user in [RESEARCHER, COLLEAGUE, STRANGER] {
            if !site.people.kubeconfig(user).exists() {
                site.people.enrol(&site.cluster, user, None)?;
            }
        }
        let run = format!("{:x}", jiff::Timestamp::now().as_millisecond() & 0xfff_ffff);
        progress::step("receivers and controls", || receivers(&site))?;
        let (one, other) = progress::step("two projects", || projects(&site))?;
        let subject = notebook(&site, &one, RESEARCHER)?;
        let colleague = notebook(&site, &one, COLLEAGUE)?;
        let stranger = notebook(&site, &other, STRANGER)?;
        let addresses = addresses(&site)?;
        Ok(Self {
            site,
            statics,
            run,
            subject,
            colleague,
            stranger,
            addresses,
        })
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.site.cluster
    }

    /// A nonce of this run: for an attack and a side of it.
    pub fn nonce(&self, id: &str, side: &str) -> String {
        format!("rt{}-{}-{side}", self.run, id.to_lowercase())
    }
}

/// A person's notebook, running; the hub opens it where there is none yet.
///
/// # Errors
/// When it does not run in time.
pub fn notebook(site: &Site, project: &str, user: &str) -> Result<Notebook> {
    let of = namespace(project);
    if get(site, "workspace", user, Some(&of))?.is_null() {
        site.open_as_hub(&workspace(project, user))?;
    }
    let workspace = wait_for(
        site,
        ("workspace", user, Some(&of)),
        "Running",
        PATIENCE,
        |w| w["status"]["phase"] == "Running" && w["status"]["pod"]["url"].is_string(),
    )?;
    let at = |field: &str| {
        workspace["status"]["pod"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (pod, url) = (at("name"), at("url"));
    let object = get(site, "pod", &pod, Some(&namespace(project)))?;
    Ok(Notebook {
        project: project.to_owned(),
        user: user.to_owned(),
        ip: object["status"]["podIP"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        token: story::token(site, project, &pod)?,
        pod,
        url,
    })
}

/// Small enough that three fit on a worker with two cores.
fn workspace(project: &str, user: &str) -> Value {
    let mut workspace = story::workspace(project, user);
    workspace["spec"]["resources"] = json!({"cpu": "200m", "memory": "768Mi"});
    workspace
}

/// Two projects, the first with an image and a hostPath dataset.
fn projects(site: &Site) -> Result<(String, String)> {
    let harness = |error| Error::malformed(std::path::Path::new("projects"), error);
    let one = submit(site, "one", Source::Image, |_| {}).map_err(harness)?;
    let folder = format!("{one}-folder");
    site.apply_as(
        "custodian-a",
        &story::dataset(site, &folder, &one, Source::HostPath),
    )?;
    let mut project = story::project(&one, &format!("{one}-data"));
    if let Some(datasets) = project["spec"]["datasets"].as_array_mut() {
        datasets.push(json!({"name": "folder", "dataset": folder, "minimisation": "The same excerpt, from a folder of the node"}));
    }
    site.apply_as("custodian-a", &project)?;
    let other = submit(site, "other", Source::Image, |project| {
        project["spec"]["people"][0]["user"] = json!(STRANGER);
        project["spec"]["people"][1]["user"] = json!("u-66bb");
    })
    .map_err(harness)?;
    for project in [&one, &other] {
        wait_for(site, ("project", project, None), "seen", PATIENCE, |p| {
            p["status"]["observedGeneration"] == p["metadata"]["generation"]
        })?;
        approve(site, project).map_err(harness)?;
    }
    for project in [&one, &other] {
        wait_for(site, ("project", project, None), "Active", PATIENCE, |p| {
            p["status"]["phase"] == "Active"
        })?;
    }
    // Notebooks start side by side; `notebook` then waits for each.
    for (project, user) in [(&one, RESEARCHER), (&one, COLLEAGUE), (&other, STRANGER)] {
        site.open_as_hub(&workspace(project, user))?;
    }
    Ok((one, other))
}

/// Pods in a namespace of their own, listeners on the nodes and outside, and a DNS server that says what it is asked.
fn receivers(site: &Site) -> Result<()> {
    let agent = images::build_ours()?;
    for object in pods(site, &agent.agent.reference) {
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str();
        let (kind, name) = (
            object["kind"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or_default(),
        );
        if get(site, kind, name, namespace)?.is_null() {
            site.apply(&object)?;
        }
    }
    log_dns(&site.cluster)?;
    for node in site.cluster.nodes()? {
        listen_on_node(&site.cluster, &node, &agent.agent_binary)?;
    }
    outside_dns(&site.cluster)?;
    for (namespace, pod) in [
        (CONTROL, "plain"),
        (CONTROL, "privileged"),
        (CONTROL, "receiver"),
        ("sde-hub", "proxy"),
    ] {
        site.cluster.kubectl([
            "wait",
            "pod",
            pod,
            "--namespace",
            namespace,
            "--for=condition=Ready",
            "--timeout=120s",
        ])?;
    }
    Ok(())
}

fn pods(site: &Site, agent: &str) -> Vec<Value> {
    let sleeping = json!({"image": site.environment.reference, "command": ["sleep", "infinity"]});
    let sleeper =
        |name: &str, namespace: &str, spec| controls::pod(name, namespace, &sleeping, spec);
    let mut privileged = sleeper(
        "privileged",
        CONTROL,
        json!({"hostPID": true, "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "run", "hostPath": {"path": "/run/containerd"}}]}),
    );
    privileged["spec"]["containers"][0]["securityContext"] =
        json!({"privileged": true, "runAsUser": 0, "seccompProfile": {"type": "Unconfined"}});
    privileged["spec"]["containers"][0]["volumeMounts"] = json!([
        {"name": "data", "mountPath": "/data/genotypes", "readOnly": true}, {"name": "run", "mountPath": "/run/containerd"}]);
    let mut proxy = sleeper(
        "proxy",
        "sde-hub",
        json!({"automountServiceAccountToken": false}),
    );
    proxy["metadata"]["labels"] = json!({"app.kubernetes.io/component": "proxy"});
    let mut objects = controls::objects(&sleeping, agent);
    objects.extend([
        privileged,
        proxy,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "receiver", "namespace": CONTROL},
            "spec": {"type": "NodePort", "selector": {"app": "receiver"}, "ports": [{"name": "answer", "port": 7777, "targetPort": 7777}]}}),
    ]);
    objects
}

/// CoreDNS writes down every query, and starts anew to do so at once.
fn log_dns(cluster: &Cluster) -> Result<()> {
    let file = cluster.kubectl([
        "get",
        "configmap",
        "coredns",
        "--namespace",
        "kube-system",
        "--output",
        "jsonpath={.data.Corefile}",
    ])?;
    if file.contains("\n    log\n") {
        return Ok(());
    }
    let patch =
        json!({"data": {"Corefile": file.replacen("    errors\n", "    errors\n    log\n", 1)}});
    let of = ["--namespace", "kube-system"];
    cluster.kubectl(
        [
            "patch",
            "configmap",
            "coredns",
            "--type=merge",
            "--patch",
            &patch.to_string(),
        ]
        .iter()
        .chain(&of),
    )?;
    cluster.kubectl(
        ["rollout", "restart", "deployment/coredns"]
            .iter()
            .chain(&of),
    )?;
    cluster
        .kubectl(
            ["rollout", "status", "deployment/coredns", "--timeout=90s"]
                .iter()
                .chain(&of),
        )
        .map(drop)
}

/// A listener of the node's own on port 80 of every address, link-local ones included.
fn listen_on_node(cluster: &Cluster, node: &str, agent: &std::path::Path) -> Result<()> {
    for address in LINK_LOCAL {
        let of = format!("{address}/32");
        cluster.exec_on_node(node, &["ip", "address", "replace", &of, "dev", "lo"])?;
    }
    let unit = ["systemctl", "is-active", "--quiet", "redteam-listener"];
    if cluster.exec_on_node(node, &unit).is_ok() {
        return Ok(());
    }
    cluster.copy_to_node(node, agent, "/usr/local/bin/redteam-listener")?;
    let run = [
        "systemd-run",
        "--quiet",
        "--unit=redteam-listener",
        "/usr/local/bin/redteam-listener",
        "sentinel",
        "--listen",
        "0.0.0.0:80",
        "--admin",
        NODE_ADMIN,
    ];
    cluster.exec_on_node(node, &run).map(drop)
}

/// A second listener outside, at port 53, where a DNS tunnel would end.
fn outside_dns(cluster: &Cluster) -> Result<()> {
    let (docker, _) = cluster.made_by_us()?;
    let name = internet::container(cluster.name());
    let script = format!(
        "(ss -ltn 2>/dev/null || true) | grep -q ':53 ' || (/sde-agent sentinel --listen {0}:53 --admin {0}:7779 >/dev/null 2>&1 &)",
        internet::ADDRESS
    );
    docker
        .run()
        .args(["exec", &name, "sh", "-c", &script])
        .limit(LIMIT)
        .output()
        .map(drop)
}

fn addresses(site: &Site) -> Result<Addresses> {
    let cluster = &site.cluster;
    let read = |args: &[&str]| cluster.kubectl(["get"].iter().chain(args));
    let service = |name: &str, namespace: &str, path: &str| {
        let path = format!("jsonpath={path}");
        read(&["service", name, "--namespace", namespace, "--output", &path])
    };
    let pod = |selector: &str, namespace: &str| {
        read(&[
            "pods",
            "--selector",
            selector,
            "--namespace",
            namespace,
            "--output",
            "jsonpath={.items[0].status.podIP}",
        ])
    };
    let nodes = cluster.nodes()?;
    let node = |suffix: &str| -> Result<(String, String)> {
        let name = nodes
            .iter()
            .find(|n| n.ends_with(suffix))
            .cloned()
            .unwrap_or_default();
        let address = cluster.node_ip(&name)?;
        Ok((name, address))
    };
    Ok(Addresses {
        control_plane: node("control-plane")?,
        worker: node("worker")?,
        sentinel: pod("app.kubernetes.io/component=sentinel", "sde-system")?,
        api: service("kubernetes", "default", "{.spec.clusterIP}")?,
        dns: service("kube-dns", "kube-system", "{.spec.clusterIP}")?,
        receiver: pod("app=receiver", CONTROL)?,
        receiver_service: service("receiver", CONTROL, "{.spec.clusterIP}")?,
        receiver_node_port: service("receiver", CONTROL, "{.spec.ports[0].nodePort}")?
            .parse()
            .unwrap_or_default(),
        plain: pod("app=plain", CONTROL)?,
    })
}

/// The hostPath dataset's bytes on every node that has them: `sha256  path` lines.
///
/// # Errors
/// When a node cannot be read.
pub fn data_on_nodes(cluster: &Cluster) -> Result<String> {
    let script = format!(
        "find {NODE_DATA} -type f -exec sha256sum {{}} + ; ls -lnR --time-style=full-iso {NODE_DATA}"
    );
    let mut all = String::new();
    for node in cluster.nodes()? {
        all += &cluster.exec_on_node(&node, &["sh", "-c", &script])?;
    }
    Ok(all)
}
