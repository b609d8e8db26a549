//! `bench workspace`: Workspace created to notebook answering, by stage, and what probe and gate cost of it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{UpOptions, down};
use crate::node::Site;
use crate::node::acts;
use crate::node::story::{self, RESEARCHER, Source, get, wait_for};
use crate::suites::error::Result;

const NAME: &str = "sde-bench";
const PATIENCE: Duration = Duration::from_secs(150);

/// The stages of one opening, in seconds since the Workspace was created; all but the last by the API's own whole seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Stages {
    scheduled: f64,
    probed: f64,
    gate_open: f64,
    ready: f64,
    running: f64,
}

/// Opens a Workspace so many times and prints the medians.
///
/// # Errors
/// When the cluster or a start fails.
pub fn run(runs: usize) -> Result<()> {
    let result = measure(runs);
    down::one(NAME)?;
    result
}

fn measure(runs: usize) -> Result<()> {
    let site = Site::up(&UpOptions {
        name: NAME.to_owned(),
        ..UpOptions::default()
    })?;
    let project = "bench".to_owned();
    site.apply_as(
        "custodian-a",
        &story::dataset(&site, "bench-data", &project, Source::Image),
    )?;
    site.apply_as("custodian-a", &story::project(&project, "bench-data"))?;
    acts::approve(&site, &project)?;
    acts::active(&site, &project)?;
    let mut all = Vec::new();
    for run in 0..=runs {
        let stages = once(&site, &project)?;
        eprintln!("  run {run}: {stages:?}");
        // The first start also makes the home volume.
        if run > 0 {
            all.push(stages);
        }
    }
    println!(
        "Workspace created to notebook answering, median of {runs} (the image is on the node):"
    );
    for (name, of) in STAGES {
        println!("  {name:<44} {:>6.1} s", median(all.iter().map(of)));
    }
    let cost = median(all.iter().map(|s| s.gate_open - s.scheduled));
    println!("  probe and gate cost                          {cost:>6.1} s");
    Ok(())
}

type Of = fn(&Stages) -> f64;
const STAGES: [(&str, Of); 5] = [
    ("pod scheduled", |s| s.scheduled),
    ("probe has failed to get out", |s| s.probed),
    ("gate open: the controller confirmed", |s| s.gate_open),
    ("notebook Ready in the pod", |s| s.ready),
    ("Workspace says Running", |s| s.running),
];

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn once(site: &Site, project: &str) -> Result<Stages> {
    let namespace = format!("sde-project-{project}");
    let created = jiff::Timestamp::now();
    let began = Instant::now();
    site.open_as_hub(&story::workspace(project, RESEARCHER))?;
    let what = ("workspace", RESEARCHER, Some(namespace.as_str()));
    let workspace = wait_for(site, what, "Running", PATIENCE, |w| {
        w["status"]["phase"] == "Running"
    })?;
    let running = began.elapsed().as_secs_f64();
    let name = workspace["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    let pod = get(site, "pod", name, Some(&namespace))?;
    let since = |value: &Value| {
        let at: Option<jiff::Timestamp> = value.as_str().and_then(|t| t.parse().ok());
        at.map_or(f64::NAN, |at| {
            at.duration_since(created).as_secs_f64().max(0.0)
        })
    };
    let init =
        |i: usize| &pod["status"]["initContainerStatuses"][i]["state"]["terminated"]["finishedAt"];
    let condition = |kind: &str| {
        let all = pod["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.into_iter()
            .find(|c| c["type"] == kind)
            .map(|c| c["lastTransitionTime"].clone())
            .unwrap_or_default()
    };
    let stages = Stages {
        scheduled: since(&condition("PodScheduled")),
        probed: since(init(0)),
        gate_open: since(init(1)),
        ready: since(&condition("Ready")),
        running,
    };
    site.cluster.kubectl([
        "delete",
        "workspace",
        RESEARCHER,
        "--namespace",
        &namespace,
        "--wait=true",
    ])?;
    wait_for(
        site,
        ("pod", name, Some(&namespace)),
        "gone",
        PATIENCE,
        Value::is_null,
    )?;
    Ok(stages)
}
