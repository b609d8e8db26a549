//! Bringing a cluster up: reuse of a healthy one, creation, and the way back when that fails.
use super::command::Run;
use super::docker::Docker;
use super::error::{Error, Result};
use super::lock::Lock;
use super::options::{Backend, NodeImage, Topology, UpOptions};
use super::state::{self, State};
use super::tools::{self, Tool};
use super::{Cluster, cilium_worker, down, kind, node_image, paths, progress, routes};

/// See [`Cluster::up`].
pub fn up(options: &UpOptions) -> Result<Cluster> {
    check(options)?;
    if options.backend == Backend::Current {
        return current(options);
    }
    let _lock = Lock::take("clusters")?;
    if let Some(state) = State::read(&options.name)? {
        let cluster = Cluster { state };
        let healthy = healthy(&cluster);
        if healthy && cluster.options() == options {
            note_outdated(&cluster)?;
            return Ok(cluster);
        }
        if healthy {
            return Err(Error::host(
                format!("the cluster `{}` runs with other options", options.name),
                format!(
                    "Run `cargo e2e down --name {}` first, or choose another --name.",
                    options.name
                ),
            ));
        }
        progress::note(&format!(
            "the cluster `{}` is not healthy: making it anew",
            options.name
        ));
        down::delete(&cluster.state)?;
    }
    let result = create(options);
    if result.is_err()
        && let Err(second) = take_back(&options.name)
    {
        // The first failure is the one to report; the second must not hide it.
        progress::note(&format!("taking down what was begun failed too: {second}"));
    }
    result
}

/// Takes down what an unsuccessful creation has begun.
fn take_back(name: &str) -> Result<()> {
    if let Some(state) = State::read(name)? {
        down::delete(&state)?;
    }
    down::last_one_out()
}

fn check(options: &UpOptions) -> Result<()> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if options.name.is_empty() || options.name.len() > 40 || !options.name.chars().all(valid) {
        return Err(Error::host(
            format!("`{}` cannot be a cluster's name", options.name),
            "Use up to 40 lower-case letters, digits and dashes.",
        ));
    }
    let stock = options.node_image == NodeImage::Stock;
    if options.backend == Backend::Kind && stock != (options.topology == Topology::Kindnet) {
        return Err(Error::host(
            "the stock node image and the topology `kindnet` belong together",
            "Use `--node-image stock --topology kindnet`, or neither.",
        ));
    }
    Ok(())
}

fn create(options: &UpOptions) -> Result<Cluster> {
    tools::ensure(&[Tool::Kind, Tool::Kubectl, Tool::Helm])?;
    let docker = Docker::ensure()?;
    if !kind::nodes(&docker, &options.name)?.is_empty() {
        return Err(Error::host(
            format!(
                "a kind cluster `{}` exists that the harness has not made",
                options.name
            ),
            "Choose another --name.",
        ));
    }
    let image = match &options.node_image {
        NodeImage::Stock => None,
        NodeImage::Built => Some(node_image::ensure(&docker)?),
        NodeImage::Reference(reference) => Some(reference.clone()),
    };
    docker.ensure_network()?;
    let kubeconfig = state::dir(&options.name)?.join("kubeconfig");
    let mut state = State {
        options: options.clone(),
        node_image: image.clone(),
        kubeconfig: kubeconfig.clone(),
        docker: Some(docker.clone()),
        created: jiff::Timestamp::now().to_string(),
        ready: false,
    };
    state.write()?;
    progress::step(&format!("creating the cluster `{}`", options.name), || {
        kind::create(&docker, options, image.as_deref(), &kubeconfig)
    })?;
    if image.is_none() {
        let node = format!("{}-control-plane", options.name);
        state.node_image = Some(
            docker
                .run()
                .args(["inspect", "--format", "{{.Config.Image}}", &node])
                .text()?,
        );
    }
    let mut cluster = Cluster { state };
    match options.topology {
        Topology::Mixed => {
            routes::connect(&cluster)?;
            routes::keep_on_control_plane(&cluster)?;
        }
        Topology::Worker => cilium_worker::join(&cluster)?,
        Topology::Cilium | Topology::Ptp | Topology::Kindnet => {}
    }
    cluster.state.ready = true;
    cluster.state.write()?;
    Ok(cluster)
}

/// Says when the cluster runs another node image than this repository would build now.
fn note_outdated(cluster: &Cluster) -> Result<()> {
    let outdated = cluster.options().node_image == NodeImage::Built
        && cluster.state.node_image != Some(node_image::reference()?);
    if outdated {
        progress::note(&format!(
            "the node image has changed since; `cargo e2e down --name {}` and `up` take the new one",
            cluster.name()
        ));
    }
    Ok(())
}

/// Creation ended well, every node container runs, and every node is Ready.
fn healthy(cluster: &Cluster) -> bool {
    let state = &cluster.state;
    let nodes = || -> Result<bool> {
        let docker_up = state.docker.as_ref().is_some_and(Docker::answers);
        if !state.ready || !docker_up {
            return Ok(false);
        }
        let path = r#"jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}"#;
        let ready = cluster.kubectl(["get", "nodes", "--request-timeout=5s", "-o", path])?;
        let expected = cluster.nodes()?.len();
        Ok(expected > 0 && ready.lines().filter(|line| *line == "True").count() == expected)
    };
    nodes().unwrap_or(false)
}

/// The user's own cluster, by the context kubectl has at the moment; its credential is copied, nothing is changed.
fn current(options: &UpOptions) -> Result<Cluster> {
    let kubectl = tools::path(Tool::Kubectl)?;
    let text = Run::new(&kubectl)
        .args(["config", "view", "--minify", "--flatten", "--raw"])
        .what("reading the current kubectl context")
        .text()?;
    let kubeconfig = state::dir("current")?.join("kubeconfig");
    paths::create_dir(&state::dir("current")?)?;
    paths::write_private(&kubeconfig, text)?;
    let state = State {
        options: UpOptions {
            name: "current".to_owned(),
            ..options.clone()
        },
        node_image: None,
        kubeconfig,
        docker: None,
        created: jiff::Timestamp::now().to_string(),
        ready: true,
    };
    let cluster = Cluster { state };
    cluster.kubectl(["get", "--raw", "/readyz", "--request-timeout=10s"])?;
    cluster.state.write()?;
    Ok(cluster)
}
