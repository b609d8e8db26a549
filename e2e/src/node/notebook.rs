//! A client of a notebook: a pod in the hub's namespace with the proxy's label, which speaks Jupyter's own APIs.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::error::{Error, Result};
use crate::node::Site;

/// The client's program, which runs in the environment image for its Python and libraries.
pub(crate) const CLIENT: &str = include_str!("../../files/notebook_client.py");
/// How long a conversation with a notebook may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// One cell of a notebook.
#[derive(Debug, Clone)]
pub struct Cell {
    /// What it shows.
    pub name: &'static str,
    /// Python.
    pub code: String,
}

/// What came of a cell.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The cell's name.
    pub name: String,
    /// What it printed.
    pub text: String,
    /// The exception it ended with.
    pub error: Option<String>,
}

/// Runs cells in a notebook at `url`, from a pod named `name` in sde-hub.
///
/// # Errors
/// When the pod does not end well in time; its log is in the error.
pub fn talk(
    site: &Site,
    name: &str,
    url: &str,
    token: &str,
    cells: &[Cell],
) -> Result<Vec<Answer>> {
    let cells: Vec<Value> = cells
        .iter()
        .map(|cell| json!({"name": cell.name, "code": cell.code}))
        .collect();
    let env = json!([{"name": "SDE_TOKEN", "value": token}, {"name": "SDE_CELLS", "value": Value::from(cells).to_string()}]);
    run(site, name, &pod(site, name, &[CLIENT, url], &env))?
        .lines()
        .map(|line| {
            serde_json::from_str(line)
                .map_err(|e| Error::malformed(std::path::Path::new(name), format!("{e}: {line}")))
        })
        .collect()
}

/// Runs a pod of the hub's namespace to its end, and returns its log.
///
/// # Errors
/// When it does not end well in time; its log is in the error.
pub fn run(site: &Site, name: &str, pod: &Value) -> Result<String> {
    delete(site, name)?;
    site.apply(pod)?;
    let log = finished(site, name);
    delete(site, name)?;
    log
}

fn delete(site: &Site, name: &str) -> Result<()> {
    let args = [
        "delete",
        "pod",
        name,
        "--namespace",
        "sde-hub",
        "--ignore-not-found",
        "--grace-period",
        "1",
    ];
    site.cluster.kubectl(args).map(|_| ())
}

fn finished(site: &Site, name: &str) -> Result<String> {
    let began = Instant::now();
    loop {
        let phase = site.cluster.kubectl([
            "get",
            "pod",
            name,
            "--namespace",
            "sde-hub",
            "--output",
            "jsonpath={.status.phase}",
        ])?;
        let log = || {
            site.cluster
                .kubectl(["logs", name, "--namespace", "sde-hub"])
        };
        match phase.trim() {
            "Succeeded" => return log(),
            "Failed" => {
                return Err(Error::malformed(
                    std::path::Path::new(name),
                    format!("the client failed: {}", log()?),
                ));
            }
            _ if began.elapsed() > PATIENCE => {
                return Err(Error::malformed(
                    std::path::Path::new(name),
                    format!("the client does not end: {}", log().unwrap_or_default()),
                ));
            }
            _ => std::thread::sleep(Duration::from_millis(300)),
        }
    }
}

/// A client: a Python program in the environment image, with its arguments and environment, where the hub's proxy is.
pub fn pod(site: &Site, name: &str, program: &[&str], env: &Value) -> Value {
    let command: Vec<&str> = ["python3", "-c"].iter().chain(program).copied().collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "sde-hub", "labels": {"app.kubernetes.io/component": "proxy"}},
        "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": false, "enableServiceLinks": false,
            "containers": [{
                "name": "client", "image": site.environment.reference, "imagePullPolicy": "IfNotPresent",
                "command": command, "env": env,
            }],
        },
    })
}
