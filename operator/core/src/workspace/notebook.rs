//! The notebook: a plain Jupyter server behind a token made for this start. It needs no egress at all.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction,
    PersistentVolumeClaimVolumeSource, Pod, Probe, ResourceRequirements, Secret, SecretKeySelector,
    Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sde_crds::names::{self, component};

use crate::labels::{ProjectId, home_claim, with_label};
use crate::lock::Target;
use crate::pod::{self, Locked};
use crate::project::data;
use crate::settings::Settings;
use crate::targets::SentinelAt;
use crate::workspace::inbox::Inbox;
use crate::workspace::observe::Observed;
use crate::workspace::validate::Validated;

/// Label with the Workspace's UID: one made again under an old name is another one.
pub const UID_LABEL: &str = "sde-operator.dev/workspace-uid";
/// User and group of environments.
pub const RESEARCHER: i64 = 1000;
/// Home of the researcher in every environment.
pub const HOME: &str = "/home/researcher";
/// Key of the token in its Secret.
pub const TOKEN_KEY: &str = "token";

/// The token of one start.
pub fn token(id: &ProjectId, observed: &Observed, name: &str) -> Secret {
    Secret {
        metadata: meta(id, observed, name),
        string_data: Some([(TOKEN_KEY.to_owned(), observed.token.clone())].into()),
        immutable: Some(true),
        ..Secret::default()
    }
}

fn meta(id: &ProjectId, observed: &Observed, name: &str) -> ObjectMeta {
    let uid = observed.workspace.metadata.uid.clone().unwrap_or_default();
    let mut meta = with_label(id.meta(name), names::WORKSPACE_LABEL, observed.name());
    // So that a notebook whose Workspace is deleted ends even while no controller runs.
    meta.owner_references = Some(vec![OwnerReference {
        api_version: format!("{}/{}", names::GROUP, names::VERSION),
        kind: "Workspace".to_owned(),
        name: observed.name().to_owned(),
        uid: uid.clone(),
        ..OwnerReference::default()
    }]);
    with_label(meta, UID_LABEL, &uid)
}

/// The pod of one start.
pub fn pod(
    id: &ProjectId,
    settings: &Settings,
    observed: &Observed,
    validated: &Validated,
    sentinel: &SentinelAt,
    targets: &[Target],
    name: &str,
) -> Pod {
    let mut volumes = vec![
        pod::scratch("tmp", "1Gi"),
        Volume {
            name: "home".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: home_claim(&observed.workspace.spec.user),
                read_only: None,
            }),
            ..Volume::default()
        },
    ];
    let mut mounts = vec![mount("tmp", "/tmp"), mount("home", HOME)];
    for (grant, dataset) in &validated.grants {
        volumes.push(data::pod_volume(grant, dataset));
        mounts.extend(data::mounts(settings, grant));
    }
    volumes.extend(observed.inbox.iter().map(Inbox::volume));
    mounts.extend(observed.inbox.iter().map(|i| i.mount(settings)));
    let of = Locked {
        name: name.to_owned(),
        component: component::WORKSPACE,
        before: None,
        main: container(validated, mounts, name),
        volumes,
        user: RESEARCHER,
        ping_group_range: "1 0",
        ping: "Refused",
        placement: validated.placement.clone(),
    };
    let mut pod = pod::locked(id, settings, sentinel, targets, of);
    let of = meta(id, observed, name);
    pod.metadata
        .labels
        .get_or_insert_default()
        .extend(of.labels.unwrap_or_default());
    pod.metadata.owner_references = of.owner_references;
    pod
}

fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    }
}

fn container(validated: &Validated, mounts: Vec<VolumeMount>, token_secret: &str) -> Container {
    let resources: BTreeMap<_, _> = validated.resources.clone();
    let port = i32::from(names::NOTEBOOK_PORT);
    Container {
        name: "notebook".to_owned(),
        image: Some(validated.environment.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(
            [
                "jupyter",
                "lab",
                "--ip=0.0.0.0",
                "--port=8888",
                "--no-browser",
                "--ServerApp.root_dir=/home/researcher",
                "--ServerApp.allow_remote_access=True",
                "--ServerApp.quit_button=False",
                "--LabApp.news_url=None",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        env: Some(vec![
            pod::value("HOME", HOME),
            pod::value("JUPYTER_RUNTIME_DIR", "/tmp/jupyter"),
            pod::value("MPLCONFIGDIR", "/tmp/matplotlib"),
            EnvVar {
                name: "JUPYTER_TOKEN".to_owned(),
                value: None,
                value_from: Some(EnvVarSource {
                    secret_key_ref: Some(SecretKeySelector {
                        name: token_secret.to_owned(),
                        key: TOKEN_KEY.to_owned(),
                        optional: None,
                    }),
                    ..EnvVarSource::default()
                }),
            },
        ]),
        working_dir: Some(HOME.to_owned()),
        ports: Some(vec![ContainerPort {
            container_port: port,
            name: Some("notebook".to_owned()),
            ..ContainerPort::default()
        }]),
        // No `host`: the kubelet asks the pod itself. The API's version is told to anyone who has reached the port.
        readiness_probe: Some(Probe {
            http_get: Some(HTTPGetAction {
                path: Some("/api".to_owned()),
                port: IntOrString::Int(port),
                ..HTTPGetAction::default()
            }),
            period_seconds: Some(1),
            failure_threshold: Some(3),
            ..Probe::default()
        }),
        resources: Some(ResourceRequirements {
            requests: Some(resources.clone()),
            limits: Some(resources),
            claims: None,
        }),
        security_context: Some(pod::hardened()),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}
