//! The standing probe pod: proves the project's lock on a schedule, and is the neighbour that workspaces dial.

use k8s_openapi::api::core::v1::{Container, ContainerPort, Pod};
use sde_crds::names::{self, component};

use crate::labels::ProjectId;
use crate::lock::{Enforced, Judgement, Protocol, Target, judge};
use crate::placement;
use crate::pod::{self, AGENT_USER, Locked, PROBE, View};
use crate::project::observe::Observed;
use crate::project::validate::Validated;
use crate::settings::Settings;
use crate::targets::{Neighbour, SentinelAt, targets};

/// Name of the pod and of its main container.
pub const NAME: &str = "standing-probe";
pub(crate) const CONTAINER: &str = "standing";
/// How often the pod dials, in seconds.
const INTERVAL_SECONDS: u32 = 30;

/// Targets of the standing probe: everything, and the ports of the running workspaces.
pub fn standing_targets(
    settings: &Settings,
    observed: &Observed,
    validated: &Validated,
    sentinel: &SentinelAt,
) -> Vec<Target> {
    let notebooks: Vec<_> = observed
        .pods
        .iter()
        .map(View)
        .filter(|p| p.ready() && p.name() != NAME)
        .filter_map(|p| {
            Some(Neighbour {
                name: format!("workspace-{}", p.name()),
                address: p.ip()?.to_owned(),
                port: names::NOTEBOOK_PORT,
                protocol: Protocol::TCP,
            })
        })
        .collect();
    targets(settings, &validated.policy.probe, sentinel, &notebooks)
}

/// The standing probe pod as the workspaces' neighbour, once it listens.
pub fn neighbours(pods: &[Pod]) -> Vec<Neighbour> {
    let standing = pods
        .iter()
        .map(View)
        .find(|p| p.name() == NAME && p.ready());
    let address = standing.and_then(|p| p.ip());
    address
        .into_iter()
        .flat_map(|address| {
            [
                ("neighbour-tcp", Protocol::TCP),
                ("neighbour-udp", Protocol::UDP),
            ]
            .map(|(name, protocol)| Neighbour {
                name: name.to_owned(),
                address: address.to_owned(),
                port: names::SENTINEL_PORT,
                protocol,
            })
        })
        .collect()
}

/// The standing probe pod.
pub fn pod(
    id: &ProjectId,
    settings: &Settings,
    sentinel: &SentinelAt,
    targets: &[Target],
    validated: &Validated,
) -> Pod {
    let mut env = pod::probe_env(targets, "Sent");
    env.push(pod::value(
        "SDE_INTERVAL_SECONDS",
        &INTERVAL_SECONDS.to_string(),
    ));
    env.push(pod::value(
        "SDE_LIFETIME_SECONDS",
        &validated.policy.probe.standing_seconds.to_string(),
    ));
    let main = Container {
        ports: Some(vec![ContainerPort {
            container_port: i32::from(names::SENTINEL_PORT),
            ..ContainerPort::default()
        }]),
        ..pod::agent(settings, CONTAINER, vec!["standing".to_owned()], env)
    };
    pod::locked(
        id,
        settings,
        sentinel,
        targets,
        Locked {
            name: NAME.to_owned(),
            component: component::STANDING_PROBE,
            before: None,
            main,
            volumes: Vec::new(),
            user: AGENT_USER,
            // This one pod may send real echo requests, to show that the network drops them too.
            ping_group_range: "0 2147483647",
            ping: "Sent",
            placement: placement::of_tier(&validated.policy, &validated.spec.tier),
        },
    )
}

/// Where the standing probe pod is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// There is none, or it is going away.
    Absent,
    /// Its first probe is running, or nothing new is to be judged.
    Running,
    /// A report waits for the controller's half of the proof.
    Reported,
    /// It ended without any report.
    Ended,
    /// A report was judged.
    Judged {
        /// The judgement.
        judgement: Judgement,
        /// Whether the pod has ended, so that it is to be replaced.
        ended: bool,
    },
}

/// Reads the standing probe pod. With a [`crate::lock::Control`] for it in `observed`, its report is judged.
pub fn read(observed: &Observed) -> Standing {
    let Some(pod) = observed.pod(NAME).map(View) else {
        return Standing::Absent;
    };
    if pod.deleting() {
        return Standing::Absent;
    }
    let ended = pod.over();
    let report = match (ended, pod.gate_open()) {
        // Once the gate is open the probe's report has been judged: it must not pass for a fresh one.
        (true, true) => pod.report(CONTAINER),
        (_, false) => pod.report(PROBE),
        (false, true) => None,
    };
    let Some(report) = report else {
        return if ended {
            Standing::Ended
        } else {
            Standing::Running
        };
    };
    match (observed.controls.get(pod.uid()), pod.targets()) {
        (Some(control), Some(targets)) => Standing::Judged {
            judgement: judge(pod.uid(), &targets, &report, control),
            ended,
        },
        _ => Standing::Reported,
    }
}

/// Whether a judgement proves the lock.
pub fn holds(judgement: &Judgement) -> bool {
    judgement.enforced == Enforced::Yes
}
