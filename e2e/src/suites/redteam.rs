//! The red team: every attack of the catalogue on a kind cluster with a worker and the policies on disk, then what an
//! administrator can do where they are loaded through the API alone; and the report.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use super::error::{Result, check};
use super::runner::{Runner, SuiteReport};
use crate::cluster::command::Run;
use crate::cluster::{paths, progress};
use crate::redteam::api;
use crate::redteam::bindings::Bindings;
use crate::redteam::over_time;
use crate::redteam::range::Range;
use crate::redteam::{data, escape, network, resources, statics};
use sde_redteam::catalogue;
use sde_redteam::judge::Verdict;
use sde_redteam::report::{Finding, Measure, Node, Report, Subject};
use sde_redteam::residuals::{self, Residual};

/// Runs the suite.
///
/// # Errors
/// When the range cannot be had; failed tests are in the report.
pub async fn run(name: &str, filter: Option<String>) -> Result<SuiteReport> {
    let range = Range::up(name)?;
    let began = (jiff::Timestamp::now(), Instant::now());
    let mut run = Attacking {
        runner: Runner::new(filter),
        range,
        list: residuals::list()?,
        findings: Vec::new(),
        measures: Vec::new(),
    };
    run.static_form().await;
    run.api_form().await;
    run.reported(began).await?;
    Ok(run.runner.finish())
}

struct Attacking {
    runner: Runner,
    range: Range,
    list: Vec<Residual>,
    findings: Vec<Finding>,
    measures: Vec<Measure>,
}

/// What a group gave, with what is wrong with it.
fn judged(list: &[Residual], found: Result<Vec<Finding>>) -> (Vec<Finding>, Result<()>) {
    match found {
        Ok(findings) => {
            let problems = residuals::problems(&findings, list);
            let fine = check(problems.is_empty(), problems.join("\n"));
            (findings, fine)
        }
        Err(error) => (Vec::new(), Err(error)),
    }
}

impl Attacking {
    async fn static_form(&mut self) {
        let in_force = statics::in_force(self.range.cluster());
        self.runner
            .test(
                "redteam: the API server refuses by policies from disk",
                async { check(in_force?, "a dry run was not refused by one") },
            )
            .await;
        self.group("redteam: ways out of a notebook's network", network::run)
            .await;
        self.group("redteam: writing to data that is read-only", data::run)
            .await;
        self.group("redteam: out of the container", escape::run)
            .await;
        self.through_the_api().await;
        self.group("redteam: taking what others need", resources::run)
            .await;
        self.group("redteam: over time", over_time::run).await;
    }

    async fn group(
        &mut self,
        name: &str,
        body: fn(&Range) -> crate::cluster::error::Result<Vec<Finding>>,
    ) {
        if !self.runner.wants(name) {
            return;
        }
        let began = Instant::now();
        let found = tokio::task::block_in_place(|| body(&self.range)).map_err(Into::into);
        let (findings, fine) = judged(&self.list, found);
        self.findings.extend(findings);
        self.runner.note(name, began.elapsed(), fine);
    }

    async fn through_the_api(&mut self) {
        let name = "redteam: through the API server";
        if !self.runner.wants(name) {
            return;
        }
        let began = Instant::now();
        let found = self.asked().await;
        let (findings, fine) = judged(&self.list, found);
        self.findings.extend(findings);
        self.runner.note(name, began.elapsed(), fine);
    }

    async fn asked(&self) -> Result<Vec<Finding>> {
        let before = api::inventory(&self.range)?;
        let court = api::court(&self.range).await?;
        let findings = api::run(&self.range, &court).await?;
        let after = api::inventory(&self.range)?;
        check(
            before == after,
            format_args!("the attacks left traces: before {before}, after {after}"),
        )?;
        Ok(findings)
    }

    /// The same attacks of the administrator where the policies are loaded through the API alone.
    async fn api_form(&mut self) {
        let name = "redteam: what an administrator can do on the API form";
        if !self.runner.wants(name) {
            return;
        }
        let began = Instant::now();
        let found = self.tried_on_api_form().await;
        let restored = self.range.statics.restore(self.range.cluster());
        let (api_ids, fine) = match found {
            Ok(ids) => (ids, Ok(())),
            Err(error) => (BTreeSet::new(), Err(error)),
        };
        let tried: Vec<Finding> = self
            .findings
            .iter()
            .filter(|f| api_ids.contains(&f.id))
            .cloned()
            .collect();
        let problems = residuals::problems(&tried, &self.list);
        let fine = fine
            .and_then(|()| {
                check(
                    !tried.is_empty(),
                    "nothing to compare with: run it together with the groups whose attacks it repeats",
                )
            })
            .and_then(|()| check(problems.is_empty(), problems.join("\n")));
        let fine = fine.and(restored.map(drop).map_err(Into::into));
        self.runner.note(name, began.elapsed(), fine);
    }

    async fn tried_on_api_form(&mut self) -> Result<BTreeSet<String>> {
        let range = &self.range;
        let gone = progress::step("taking the policies off the disk", || {
            range.statics.remove(range.cluster())
        })?;
        self.measures.push(Measure {
            what: "Policies taken off the disk, until the API server noticed".to_owned(),
            value: format!("{} ms", gone.as_millis()),
        });
        let bindings = Bindings::read(range)?;
        let tried = match bindings.delete(range) {
            Ok(_) => Self::without_bindings(range).await,
            Err(refused) => check(
                false,
                format_args!("on the API form the bindings could not be deleted: {refused}"),
            )
            .map(|()| Default::default()),
        };
        // Also when something went wrong: a cluster that is kept is to be as it was.
        bindings.restore(range)?;
        let (verdicts, measures) = tried?;
        for measure in &measures {
            println!("    {}: {}", measure.what, measure.value);
        }
        self.measures.extend(measures);
        for finding in &mut self.findings {
            // What is open anyway is not made so by the form.
            if finding.verdict != Verdict::Open {
                finding.api_form = verdicts.get(&finding.id).copied();
            }
        }
        Ok(verdicts.into_keys().collect())
    }

    async fn without_bindings(range: &Range) -> Result<(BTreeMap<String, Verdict>, Vec<Measure>)> {
        let (mut verdicts, measures) =
            tokio::task::block_in_place(|| over_time::on_api_form(range))?;
        verdicts.extend(api::again(&api::court(range).await?).await?);
        Ok((verdicts, measures))
    }

    async fn reported(&mut self, began: (jiff::Timestamp, Instant)) -> Result<()> {
        let mut problems = residuals::problems(&self.findings, &self.list);
        let name = "redteam: every attack of the catalogue was tried";
        if self.runner.wants("redteam: ways out") && self.runner.wants("redteam: over time") {
            let tried: BTreeSet<&str> = self.findings.iter().map(|f| f.id.as_str()).collect();
            let missed: Vec<String> = catalogue::all()?
                .iter()
                .flat_map(|(group, attack)| catalogue::finding_ids(*group, attack))
                .filter(|id| !tried.contains(id.as_str()))
                .collect();
            if !missed.is_empty() {
                problems.push(format!("not tried: {}", missed.join(", ")));
            }
            self.runner
                .test(name, async {
                    check(
                        missed.is_empty(),
                        format_args!("not: {}", missed.join(", ")),
                    )
                })
                .await;
        }
        let mut report = Report::new(
            subject(&self.range)?,
            began.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            began.1.elapsed().as_secs(),
            self.findings.clone(),
            self.list.clone(),
            problems,
        );
        report.measures.clone_from(&self.measures);
        report.name_residuals();
        let folder = paths::repository().join("target/e2e/redteam");
        let page = report.write(&folder)?;
        println!("    {}", report.summary());
        println!("    report: {}", page.display());
        Ok(())
    }
}

fn subject(range: &Range) -> Result<Subject> {
    let cluster = range.cluster();
    let read = |args: &[&str]| -> Result<Value> {
        let text = cluster.kubectl(args)?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    };
    let version = read(&["version", "--output", "json"])?;
    let nodes = read(&["get", "nodes", "--output", "json"])?;
    let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let nodes = nodes["items"].as_array().cloned().unwrap_or_default();
    let network =
        cluster.exec_on_node(&range.addresses.worker.0, &["cilium-agent", "--version"])?;
    let commit = Run::new("git")
        .args(["describe", "--always", "--dirty"])
        .dir(&paths::repository())
        .text();
    Ok(Subject {
        cluster: cluster.name().to_owned(),
        version: text(&version["serverVersion"]["gitVersion"]),
        nodes: nodes
            .iter()
            .map(|node| {
                let info = &node["status"]["nodeInfo"];
                Node {
                    name: text(&node["metadata"]["name"]),
                    kubelet: text(&info["kubeletVersion"]),
                    runtime: text(&info["containerRuntimeVersion"]),
                    kernel: text(&info["kernelVersion"]),
                    system: text(&info["osImage"]),
                }
            })
            .collect(),
        network: network.lines().next().unwrap_or("Cilium").to_owned(),
        policies: format!(
            "static form ({} policies on disk, seen by a dry run refused in their name) and API form; column `API form alone`: without the static form, bindings deleted",
            statics::Statics::names()?.len()
        ),
        commit: commit.unwrap_or_else(|_| "unknown".to_owned()),
    })
}
