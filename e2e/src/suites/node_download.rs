//! Collecting in a terminal, on a person's own machine to which an ingress carries the door: what is in the folder is what was reviewed,
//! and a ticket is for one download.

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sde_ticket::Act;
use serde_json::{Value, json};

use super::error::{Result, SuiteError, check, check_equal};
use super::node_door::{LIFE, serves};
use super::node_request::Request;
use crate::cluster::tools::{self, Tool};
use crate::cluster::{command, error::Error, paths};
use crate::controlplane::process::{Process, ProcessSpec};
use crate::controlplane::server::free_ports;
use crate::node::Site;
use crate::node::acts::refusal;
use crate::node::door::Door;

/// How long the way to the door may take to be there.
const LIMIT: Duration = Duration::from_secs(30);

/// Asked for, waited for and taken by its requester, who has the one file then.
pub(super) fn downloaded(
    site: &Site,
    door: &Door<'_>,
    (project, request): (&str, &Request<'_>),
    file: (&str, &str),
) -> Result<()> {
    let folder = site.folder.join("suites/download");
    paths::remove_dir(&folder)?;
    paths::create_dir(&folder)?;
    let ingress = Ingress::start(site)?;
    let who = request.requester();
    let asked = request.when("asked for", |r| r["status"]["phase"] == "Released")?;
    let name = asked["metadata"]["name"].as_str().unwrap_or_default();
    site.sde(who, &["airlock", "collect", project, name])?;
    let ready = request.when("ready to be collected", |r| serves(r, "Deliver"))?;
    let ticket = folder.join("ticket");
    paths::write_private(&ticket, door.ticket(&ready, Act::Collect, who, LIFE)?)?;
    let authority = door.authority().display().to_string();
    let take = |into: &str, with: &[&str]| -> Result<String> {
        let into = folder.join(into).display().to_string();
        let args = [
            "airlock",
            "download",
            project,
            name,
            "--door",
            &ingress.door,
            "--directory",
            &into,
            "--output",
            "json",
        ];
        let told = File::open(&ticket).map_err(Error::io("cannot read", &ticket))?;
        Ok(site.sde_told(who, &[&args[..], with].concat(), told)?)
    };
    let believed = ["--certificate-authority", authority.as_str()];
    let doubted = refusal_of(take("doubted", &[]))?;
    check(
        doubted.contains("cannot be reached") && doubted.contains("certificate"),
        format_args!("a door whose authority nobody knows is believed: {doubted}"),
    )?;
    let told: Value = serde_json::from_str(&take("results", &believed)?)
        .map_err(|e| SuiteError::Check(format!("what download prints: {e}")))?;
    check_equal(
        "digest of what came",
        &told["content"],
        &ready["status"]["content"]["digest"],
    )?;
    let (path, text) = file;
    check_equal(
        path,
        &paths::read(&folder.join("results").join(path))?.as_str(),
        &text,
    )?;
    let again = refusal_of(take("again", &believed))?;
    check(
        again.contains("begun already") || again.contains("cannot be reached"),
        format_args!("one ticket is taken twice: {again}"),
    )?;
    for none in ["doubted", "again"] {
        check(
            !folder.join(none).exists(),
            format_args!("something is kept of what was not collected: {none}"),
        )?;
    }
    request.when("collected whole", |r| {
        let deliveries = r["status"]["deliveries"].as_array();
        let last = deliveries.and_then(|all| all.iter().find(|d| d["number"] == 2));
        last.is_some_and(|d| d["outcome"] == json!("Complete"))
    })?;
    Ok(())
}

fn refusal_of(result: Result<String>) -> Result<String> {
    match result {
        Err(SuiteError::Harness(error)) => Ok(refusal(Err(error))),
        Err(other) => Err(other),
        Ok(_) => Ok(String::new()),
    }
}

/// Carries the door to a port of loopback.
struct Ingress {
    door: String,
    _carrying: Process,
}

impl Ingress {
    fn start(site: &Site) -> Result<Self> {
        let [port] = free_ports()?;
        let ports = format!("{port}:443");
        let args = [
            "port-forward",
            "--namespace",
            "sde-system",
            "service/sde-door",
            &ports,
        ];
        let kubeconfig = site.cluster.kubeconfig().display().to_string();
        let carrying = Process::start(ProcessSpec {
            name: "kubectl port-forward".to_owned(),
            program: tools::path(Tool::Kubectl)?,
            args: args.into_iter().map(OsString::from).collect(),
            env: vec![("KUBECONFIG".to_owned(), kubeconfig)],
            log: site.folder.join("suites/download/ingress.log"),
        })?;
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = carrying.exited() {
                return Err(carrying.ended_error(status).into());
            }
            check(
                began.elapsed() < LIMIT,
                "nothing carries the door to loopback",
            )?;
            command::pause(Duration::from_millis(200))?;
        }
        Ok(Self {
            door: format!("https://localhost:{port}"),
            _carrying: carrying,
        })
    }
}
