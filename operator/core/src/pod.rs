//! The one shape of pod the controller makes: probe and gate first, without data, then the main container.

mod view;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, DownwardAPIVolumeFile, DownwardAPIVolumeSource, EmptyDirVolumeSource,
    EnvVar, EnvVarSource, ObjectFieldSelector, Pod, PodDNSConfig, PodSecurityContext, PodSpec,
    ResourceRequirements, SeccompProfile, SecurityContext, Sysctl, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::names;
use sde_crds::policy::Placement;

use crate::labels::{ProjectId, with_label};
use crate::lock::Target;
use crate::placement;
use crate::settings::Settings;
use crate::targets::SentinelAt;

pub use view::View;

/// Name of the init container that tries to get out.
pub const PROBE: &str = "probe";
/// Name of the init container that waits for the controller.
pub const GATE: &str = "gate";
/// User and group of the agent's image.
pub const AGENT_USER: i64 = 65532;
/// How long a probe may try before what it found stands, in seconds. The CNI needs a moment to program policies.
const PROBE_DEADLINE_SECONDS: u32 = 20;
/// How long a gate waits for the controller, in seconds; a dead controller leaves pods locked.
const GATE_DEADLINE_SECONDS: u32 = 600;
/// Closed rounds in a row before a probe ends well.
const ROUNDS: u32 = 3;

/// What differs between workspace, standing probe and data check.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Name of the pod.
    pub name: String,
    /// Value of the component label.
    pub component: &'static str,
    /// What runs to its end once the gate has opened, before the main container.
    pub before: Option<Container>,
    /// The main container.
    pub main: Container,
    /// Volumes besides the gate's.
    pub volumes: Vec<Volume>,
    /// User and group that everything but the agent runs as.
    pub user: i64,
    /// `net.ipv4.ping_group_range`: `1 0` allows nobody.
    pub ping_group_range: &'static str,
    /// How the probe treats ping: `Refused` or `Sent`.
    pub ping: &'static str,
    /// Where its tier runs.
    pub placement: Option<Placement>,
}

/// The pod, hardened, with probe and gate before everything else.
pub fn locked(
    id: &ProjectId,
    settings: &Settings,
    sentinel: &SentinelAt,
    targets: &[Target],
    of: Locked,
) -> Pod {
    let mut metadata = with_label(id.meta(of.name), names::COMPONENT_LABEL, of.component);
    metadata.annotations = Some(
        [(
            names::SENTINEL_BOOT_ANNOTATION.to_owned(),
            sentinel.boot_id.clone(),
        )]
        .into(),
    );
    let mut volumes = of.volumes;
    volumes.push(gate_volume());
    let mut init_containers = vec![probe(settings, targets, of.ping), gate(settings)];
    init_containers.extend(of.before);
    Pod {
        metadata,
        spec: Some(placement::placed(
            of.placement.as_ref(),
            PodSpec {
                init_containers: Some(init_containers),
                containers: vec![of.main],
                volumes: Some(volumes),
                restart_policy: Some("Never".to_owned()),
                automount_service_account_token: Some(false),
                service_account_name: Some("workspace".to_owned()),
                enable_service_links: Some(false),
                // No resolver at all: no names, so no tunnel through names.
                dns_policy: Some("None".to_owned()),
                dns_config: Some(PodDNSConfig {
                    nameservers: Some(vec!["127.0.0.1".to_owned()]),
                    ..PodDNSConfig::default()
                }),
                security_context: Some(PodSecurityContext {
                    run_as_non_root: Some(true),
                    run_as_user: Some(of.user),
                    run_as_group: Some(of.user),
                    fs_group: Some(of.user),
                    fs_group_change_policy: Some("OnRootMismatch".to_owned()),
                    seccomp_profile: Some(seccomp()),
                    // containerd opens ping sockets to everyone unless the pod says otherwise.
                    sysctls: Some(vec![Sysctl {
                        name: "net.ipv4.ping_group_range".to_owned(),
                        value: of.ping_group_range.to_owned(),
                    }]),
                    ..PodSecurityContext::default()
                }),
                termination_grace_period_seconds: Some(5),
                ..PodSpec::default()
            },
        )),
        status: None,
    }
}

fn seccomp() -> SeccompProfile {
    SeccompProfile {
        type_: "RuntimeDefault".to_owned(),
        localhost_profile: None,
    }
}

/// The security context of every container.
pub fn hardened() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        seccomp_profile: Some(seccomp()),
        ..SecurityContext::default()
    }
}

/// A container of the agent's image.
pub fn agent(settings: &Settings, name: &str, args: Vec<String>, env: Vec<EnvVar>) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(settings.agent_image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(args),
        env: Some(env),
        resources: Some(limits("100m", "64Mi")),
        security_context: Some(SecurityContext {
            run_as_user: Some(AGENT_USER),
            run_as_group: Some(AGENT_USER),
            ..hardened()
        }),
        termination_message_policy: Some("File".to_owned()),
        ..Container::default()
    }
}

/// Requests equal to limits.
pub fn limits(cpu: &str, memory: &str) -> ResourceRequirements {
    let both: BTreeMap<_, _> = [("cpu", cpu), ("memory", memory)]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), Quantity(v.to_owned())))
        .collect();
    ResourceRequirements {
        requests: Some(both.clone()),
        limits: Some(both),
        claims: None,
    }
}

/// Environment that any probing container needs: who it is, where its node is, what it must not reach.
pub fn probe_env(targets: &[Target], ping: &str) -> Vec<EnvVar> {
    let json = serde_json::to_string(targets).unwrap_or_default();
    vec![
        uid(),
        field("SDE_HOST_IP", "status.hostIP"),
        value("SDE_TARGETS", &json),
        value("SDE_ROUNDS", &ROUNDS.to_string()),
        value("SDE_DEADLINE_SECONDS", &PROBE_DEADLINE_SECONDS.to_string()),
        value("SDE_PING", ping),
    ]
}

fn probe(settings: &Settings, targets: &[Target], ping: &str) -> Container {
    agent(
        settings,
        PROBE,
        vec!["probe".to_owned()],
        probe_env(targets, ping),
    )
}

fn gate(settings: &Settings) -> Container {
    let env = vec![
        uid(),
        value("SDE_DEADLINE_SECONDS", &GATE_DEADLINE_SECONDS.to_string()),
    ];
    Container {
        volume_mounts: Some(vec![VolumeMount {
            name: "gate".to_owned(),
            mount_path: "/etc/sde/gate".to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        }]),
        ..agent(settings, GATE, vec!["gate".to_owned()], env)
    }
}

fn gate_volume() -> Volume {
    Volume {
        name: "gate".to_owned(),
        downward_api: Some(DownwardAPIVolumeSource {
            items: Some(vec![DownwardAPIVolumeFile {
                path: "annotation".to_owned(),
                field_ref: Some(ObjectFieldSelector {
                    field_path: format!("metadata.annotations['{}']", names::GATE_ANNOTATION),
                    ..ObjectFieldSelector::default()
                }),
                ..DownwardAPIVolumeFile::default()
            }]),
            ..DownwardAPIVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// An environment variable.
pub fn value(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        value_from: None,
    }
}

/// The pod's own UID, which its reports carry.
pub fn uid() -> EnvVar {
    field("SDE_POD_UID", "metadata.uid")
}

fn field(name: &str, path: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: path.to_owned(),
                ..ObjectFieldSelector::default()
            }),
            ..EnvVarSource::default()
        }),
    }
}

/// A sized scratch folder.
pub fn scratch(name: &str, size: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(size.to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// What the gate waits for.
pub fn gate_value(pod_uid: &str) -> String {
    format!("confirmed {pod_uid}")
}
