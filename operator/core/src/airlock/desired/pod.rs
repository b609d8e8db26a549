//! The pod of one job: the agent alone, behind probe and gate as every pod that mounts data, with the chamber and, to seal, one folder.

use k8s_openapi::api::core::v1::{
    Affinity, Container, HTTPGetAction, NodeAffinity, NodeSelector, NodeSelectorRequirement,
    NodeSelectorTerm, PersistentVolumeClaimVolumeSource, Pod, Probe, SecurityContext, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::dataset::DatasetSpec;
use sde_crds::names::{self, component};
use sde_crds::policy::Placement;
use sde_crds::policy_airlock::MalwareScanner;
use sde_crds::project::DatasetGrant;

use super::{claim, labels};
use crate::airlock::malware;
use crate::airlock::observe::{JobKind, Side};
use crate::airlock::task::{TASK_ENV, Task};
use crate::labels::{ProjectId, home_claim};
use crate::lock::Target;
use crate::pod::{self, Locked};
use crate::project::data;
use crate::settings::Settings;
use crate::targets::SentinelAt;
use crate::workspace::notebook::RESEARCHER;

/// Name of the main container.
pub const CONTAINER: &str = "job";
/// Folder of a home in which a request's folder is looked for.
pub const OUTBOX: &str = "outbox";
/// CPU of a job, in thousandths, and of one that serves.
const CPU_MILLI: [i64; 2] = [250, 100];
/// Memory of a job, in MiB, and of one that serves.
const MEMORY_MEBI: [i64; 2] = [512, 256];
/// Longest time that a job may take, in seconds: gigabytes on slow storage. A viewer stays for as long as reviewing takes.
const DEADLINE_SECONDS: i64 = 6 * 3600;

/// One attempt at a job.
#[derive(Debug, Clone)]
pub struct Work<'a> {
    /// For which request.
    pub request: &'a AirlockRequest,
    /// Where.
    pub side: Side,
    /// The request's round.
    pub round: i64,
    /// Which attempt in that round.
    pub attempt: i64,
    /// What to do.
    pub task: &'a Task,
    /// Where its tier runs.
    pub placement: Option<Placement>,
    /// Scan: what looks for malware before the agent does its part (`Task::malware`).
    pub scanner: Option<&'a MalwareScanner>,
    /// Seal of a TransferToSde: the grant that it takes.
    pub data: Option<(&'a DatasetGrant, &'a DatasetSpec)>,
    /// Nodes that can reach the requester's home, where it is known: a home is mounted on one node at a time.
    pub beside: Option<NodeSelector>,
}

/// CPU of so many jobs, so many that serve, and so many thousandths more, written as the API server keeps it: else it would differ
/// from what is applied, and be applied again.
pub fn cpu(jobs: i64, serving: i64, more: i64) -> Quantity {
    let milli = jobs * CPU_MILLI[0] + serving * CPU_MILLI[1];
    whole(milli.saturating_add(more), 1000, "", "m")
}

/// Memory of so many jobs, so many that serve, and so many MiB more, written likewise.
pub fn memory(jobs: i64, serving: i64, more: i64) -> Quantity {
    let mebi = jobs * MEMORY_MEBI[0] + serving * MEMORY_MEBI[1];
    whole(mebi.saturating_add(more), 1024, "Gi", "Mi")
}

fn whole(small: i64, in_one: i64, one: &str, less: &str) -> Quantity {
    Quantity(if small % in_one == 0 {
        format!("{}{one}", small / in_one)
    } else {
        format!("{small}{less}")
    })
}

/// As in annotations and names.
pub fn word(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Seal => "seal",
        JobKind::Scan => "scan",
        JobKind::Verify => "verify",
        JobKind::View => "view",
        JobKind::Deliver => "deliver",
        JobKind::Receive => "receive",
    }
}

/// Name of a job's pod. It does not end in a number, as those of workspaces do.
pub fn name(request: &AirlockRequest, kind: JobKind, round: i64, attempt: i64) -> String {
    let request = request.metadata.name.clone().unwrap_or_default();
    format!("{request}-{round}-{attempt}-{}", word(kind))
}

/// The pod.
pub fn pod(
    id: &ProjectId,
    settings: &Settings,
    sentinel: &SentinelAt,
    targets: &[Target],
    work: &Work<'_>,
) -> Pod {
    let kind = work.task.kind;
    let locked = Locked {
        name: name(work.request, kind, work.round, work.attempt),
        component: component::AIRLOCK_JOB,
        before: work
            .scanner
            .map(|scanner| malware::container(scanner, part(settings, "content", false))),
        main: container(settings, work),
        volumes: volumes(work),
        // The files are the researcher's, whatever their mode, and so is what is copied.
        user: RESEARCHER,
        ping_group_range: "1 0",
        ping: "Refused",
        placement: work.placement.clone(),
    };
    let mut pod = pod::locked(id, settings, sentinel, targets, locked);
    pod.metadata.namespace = Some(work.side.namespace(id));
    let all = pod.metadata.labels.get_or_insert_default();
    all.extend(labels(id, work.request));
    if kind.serves() {
        all.insert(names::DOOR_LABEL.to_owned(), "true".to_owned());
    }
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.extend(
        [
            (names::AIRLOCK_KIND_ANNOTATION, word(kind).to_owned()),
            (names::AIRLOCK_ROUND_ANNOTATION, work.round.to_string()),
            (names::AIRLOCK_ATTEMPT_ANNOTATION, work.attempt.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    if let Some(spec) = &mut pod.spec {
        spec.active_deadline_seconds = (kind != JobKind::View).then_some(DEADLINE_SECONDS);
        spec.affinity = work.beside.clone().map(on_nodes);
    }
    pod
}

fn container(settings: &Settings, work: &Work<'_>) -> Container {
    // An agent that is told nothing ends without a result.
    let task = work.task.to_env().unwrap_or_default();
    let mut agent = pod::agent(
        settings,
        CONTAINER,
        vec!["airlock-job".to_owned()],
        vec![pod::uid(), pod::value(TASK_ENV, &task)],
    );
    agent.security_context = Some(SecurityContext {
        run_as_user: Some(RESEARCHER),
        run_as_group: Some(RESEARCHER),
        ..pod::hardened()
    });
    let serving = i64::from(work.task.kind.serves());
    let (cpu, memory) = (
        cpu(1 - serving, serving, 0),
        memory(1 - serving, serving, 0),
    );
    agent.resources = Some(pod::limits(&cpu.0, &memory.0));
    agent.readiness_probe = work.task.kind.serves().then(ready);
    agent.volume_mounts = Some(mounts(settings, work));
    agent
}

/// The node asks whether it serves, and the status says where only then.
fn ready() -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some("/healthz".to_owned()),
            port: IntOrString::Int(i32::from(names::DOOR_PORT)),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(1),
        ..Probe::default()
    }
}

fn mount(
    settings: &Settings,
    volume: &str,
    path: &str,
    sub_path: Option<String>,
    written: bool,
) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        sub_path,
        read_only: (!written).then_some(true),
        recursive_read_only: (!written && settings.recursive_read_only)
            .then(|| "Enabled".to_owned()),
        ..VolumeMount::default()
    }
}

/// A part of the chamber.
fn part(settings: &Settings, name: &str, written: bool) -> VolumeMount {
    let path = format!("/chamber/{name}");
    mount(settings, "chamber", &path, Some(name.to_owned()), written)
}

/// What a job sees. Nothing can write what was sealed but the job that seals.
fn mounts(settings: &Settings, work: &Work<'_>) -> Vec<VolumeMount> {
    let part = |name: &str, written| part(settings, name, written);
    match work.task.kind {
        JobKind::Seal => {
            let folder = work.request.spec.folder.as_ref();
            let folder = folder.map(|f| {
                let path = format!("{OUTBOX}/{f}");
                mount(settings, "home", "/source", Some(path), false)
            });
            let chamber = mount(settings, "chamber", "/chamber", None, true);
            let granted = work.data.map(|(grant, _)| granted(settings, grant));
            let source = folder.into_iter().chain(granted.into_iter().flatten());
            source.chain([chamber]).collect()
        }
        JobKind::Receive => vec![part("upload", true)],
        JobKind::Scan => {
            let said = work.scanner.map(|_| part(malware::PART, false));
            let own = [
                part("content", false),
                part("sealed", false),
                part("report", true),
            ];
            own.into_iter().chain(said).collect()
        }
        JobKind::View => vec![
            part("content", false),
            part("sealed", false),
            part("report", false),
        ],
        JobKind::Verify if work.task.direction == Direction::Import => vec![
            part("content", false),
            part("sealed", false),
            part("inbox", false),
        ],
        JobKind::Verify | JobKind::Deliver => vec![part("content", false), part("sealed", false)],
    }
}

/// What of a grant is granted, where Seal looks for it.
fn granted(settings: &Settings, grant: &DatasetGrant) -> Vec<VolumeMount> {
    let root = format!("{}/{}", data::DATA_ROOT, grant.name);
    let mut mounts = data::mounts(settings, grant);
    for mount in &mut mounts {
        mount.mount_path = mount.mount_path.replacen(&root, "/source", 1);
    }
    mounts
}

fn volumes(work: &Work<'_>) -> Vec<Volume> {
    let of_claim = |name: &str, claim: String, read_only: Option<bool>| Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim,
            read_only,
        }),
        ..Volume::default()
    };
    let mut volumes = vec![of_claim("chamber", claim::name(work.request), None)];
    if work.task.kind == JobKind::Seal && work.request.spec.folder.is_some() {
        let home = home_claim(&work.request.spec.requester);
        volumes.push(of_claim("home", home, Some(true)));
    }
    volumes.extend(
        work.data
            .map(|(grant, dataset)| data::pod_volume(grant, dataset)),
    );
    volumes
}

/// That node.
pub fn node(name: &str) -> NodeSelector {
    let term = NodeSelectorTerm {
        match_fields: Some(vec![NodeSelectorRequirement {
            key: "metadata.name".to_owned(),
            operator: "In".to_owned(),
            values: Some(vec![name.to_owned()]),
        }]),
        match_expressions: None,
    };
    NodeSelector {
        node_selector_terms: vec![term],
    }
}

fn on_nodes(nodes: NodeSelector) -> Affinity {
    Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(nodes),
            preferred_during_scheduling_ignored_during_execution: None,
        }),
        ..Affinity::default()
    }
}
