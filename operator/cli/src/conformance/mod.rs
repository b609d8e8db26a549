//! `kubectl sde conformance`: the red team's attacks through the API server, on anybody's cluster.
//!
//! `people` finds who can be played, `controls` makes and removes what shows that an attack could have worked, `show` prints. What is
//! tried and how it is judged is the crate `sde-redteam`, the same as `cargo e2e test redteam`.

mod controls;
mod people;
mod show;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::names::project_namespace;
use sde_crds::project_status::ProjectPhase;
use sde_crds::workspace::WorkspacePhase;
use sde_crds::{Project, Workspace};
use sde_redteam::ask::Asker;
use sde_redteam::attacked::Place;
use sde_redteam::catalogue::{self, Group};
use sde_redteam::court::Court;
use sde_redteam::report::{Finding, Report, Subject};
use sde_redteam::{report, residuals};

use crate::args::ConformanceArgs;
use crate::cluster::{self, Target};
use crate::error::{CliError, Done};
use crate::interrupt::interrupted;
use crate::out::{self, Format};
use crate::status;
use crate::text::Paint;

/// An API server gives a node 30 s to be reached before it answers for it.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Attacks, prints, and says no when something is open beyond the residual list or undecided.
pub async fn run(
    target: &Target,
    system: &str,
    args: &ConformanceArgs,
    paint: Paint,
) -> Result<Done, CliError> {
    let client = cluster::connect_for(target, TIMEOUT).await?;
    let (place, image) = place(&client, system, args).await?;
    if !args.yes {
        out::note(&show::before(&place));
        out::confirm("This attacks a live project.", &args.project)?;
    }
    let began = (Timestamp::now(), Instant::now());
    let controls = controls::Controls::make(&client, &image).await?;
    let found = tokio::select! {
        found = attack(&client, &place) => found,
        () = interrupted() => Err(CliError::Refused("interrupted: nothing was decided".to_owned())),
    };
    controls.remove(&client).await?;
    let found = found?;
    let list = residuals::list().map_err(people::ours)?;
    let problems = residuals::beyond(&found.findings, &list);
    let mut report = Report::new(
        subject(&client, target).await?,
        began.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        began.1.elapsed().as_secs(),
        found.findings,
        list,
        problems,
    );
    report.name_residuals();
    if let Some(folder) = &args.report {
        report.write(folder).map_err(people::ours)?;
    }
    match args.output.output {
        Format::Json => out::print_json(&report)?,
        Format::Text => out::print(&show::after(&report, &found.left_out, paint))?,
    }
    Ok(if report.problems.is_empty() {
        Done::Yes
    } else {
        Done::No
    })
}

/// The project's Workspace that is attacked, and the agent's image, which its pod brings.
async fn place(
    client: &Client,
    system: &str,
    args: &ConformanceArgs,
) -> Result<(Place, String), CliError> {
    let project: Project = status::get(client, &args.project).await?;
    if project.status.map(|s| s.phase) != Some(ProjectPhase::Active) {
        return Err(CliError::Refused(format!(
            "project {} is not Active: kubectl sde status {0} says why. Attacks on what is not open prove nothing.",
            args.project
        )));
    }
    let namespace = project_namespace(&args.project);
    let running = |w: &Workspace| {
        w.status.as_ref().map(|s| s.phase) == Some(WorkspacePhase::Running)
            && (args.workspace.is_none() || args.workspace == w.metadata.name)
    };
    let workspaces = Api::<Workspace>::namespaced(client.clone(), &namespace)
        .list(&ListParams::default())
        .await
        .map_err(CliError::api("listing the project's Workspaces"))?;
    let Some(workspace) = workspaces.into_iter().find(running) else {
        return Err(CliError::Refused(format!(
            "no such Workspace of project {} is Running: open one through the hub first.",
            args.project
        )));
    };
    let pod = workspace.status.and_then(|s| s.pod).map(|p| p.name);
    let pod = Api::<Pod>::namespaced(client.clone(), &namespace)
        .get(&pod.unwrap_or_default())
        .await
        .map_err(CliError::api("reading the Workspace's pod"))?;
    let image = agent_image(&pod).ok_or_else(|| {
        CliError::Refused("the Workspace's pod has no gate: it is not one of ours".to_owned())
    })?;
    let place = Place {
        project: args.project.clone(),
        namespace,
        workspace: workspace.metadata.name.unwrap_or_default(),
        system: system.to_owned(),
        person: workspace.spec.user,
    };
    Ok((place, image))
}

fn agent_image(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let mut before = spec.init_containers.iter().flatten();
    before.find(|c| c.name == "gate")?.image.clone()
}

/// What was found, and what could not be tried.
struct Found {
    findings: Vec<Finding>,
    left_out: Vec<String>,
}

async fn attack(client: &Client, place: &Place) -> Result<Found, CliError> {
    let admin = Asker {
        client: client.clone(),
        user: None,
    };
    let others = people::played(client, place).await?;
    let court = Court::open(admin, place, others).await;
    let court = court.map_err(people::ours)?;
    let attacks = catalogue::group(Group::Api).map_err(people::ours)?;
    let mut found = Found {
        findings: Vec::new(),
        left_out: Vec::new(),
    };
    let witness = "the API server's own answers to the attempt and to its control";
    for (number, attack) in attacks.iter().enumerate() {
        if number % 10 == 0 {
            out::note(&format!("attack {} of {} ...", number + 1, attacks.len()));
        }
        let tried = court.try_one(attack).await;
        let ids: BTreeMap<String, Finding> = tried
            .iter()
            .map(|attempt| (attempt.id(), attempt.finding(None, witness.to_owned())))
            .collect();
        let all = catalogue::finding_ids(Group::Api, attack);
        found
            .left_out
            .extend(all.into_iter().filter(|id| !ids.contains_key(id)));
        found.findings.extend(ids.into_values());
    }
    Ok(found)
}

async fn subject(client: &Client, target: &Target) -> Result<Subject, CliError> {
    let version = client
        .apiserver_version()
        .await
        .map_err(CliError::api("reading the API server's version"))?;
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await
        .map_err(CliError::api("listing nodes"))?;
    let node = |node: Node| {
        let info = node.status.and_then(|s| s.node_info).unwrap_or_default();
        report::Node {
            name: node.metadata.name.unwrap_or_default(),
            kubelet: info.kubelet_version,
            runtime: info.container_runtime_version,
            kernel: info.kernel_version,
            system: info.os_image,
        }
    };
    Ok(Subject {
        cluster: target
            .context
            .clone()
            .unwrap_or_else(|| "the current context".to_owned()),
        version: version.git_version,
        nodes: nodes.into_iter().map(node).collect(),
        network: "not attacked: kubectl sde doctor --probe proves the lock".to_owned(),
        policies: "as this cluster has them: kubectl sde doctor says in which form".to_owned(),
        commit: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
