//! Data: a static volume and claim for each grant, or an image volume; a home claim for each person;
//! read-only at every layer that exists for the source.

use k8s_openapi::api::core::v1::{
    CSIPersistentVolumeSource, Container, HostPathVolumeSource, ImageVolumeSource, NFSVolumeSource,
    ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource, PersistentVolumeSpec, Pod, Volume, VolumeMount,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sde_crds::dataset::DatasetSpec;
use sde_crds::names::{self, component};
use sde_crds::policy::Placement;
use sde_crds::project::DatasetGrant;

use crate::in_force::within;
use crate::labels::{ProjectId, grant_claim, grant_volume, home_claim, with_label};
use crate::lock::Target;
use crate::pod::{self, AGENT_USER, Locked};
use crate::project::validate::Validated;
use crate::quantity;
use crate::settings::Settings;
use crate::targets::SentinelAt;

/// Main container of a data check.
pub(crate) const CONTAINER: &str = "manifest";
/// Folder under which grants are mounted.
pub const DATA_ROOT: &str = "/data";

/// Whether a Dataset comes as an image volume, which needs neither volume nor claim.
pub fn is_image(dataset: &DatasetSpec) -> bool {
    dataset.source.image.is_some()
}

/// The volume of a grant: pre-bound to its claim by name, kept on release (it is deleted and remade, never re-used), read-only.
pub fn volume(
    id: &ProjectId,
    grant: &DatasetGrant,
    dataset: &DatasetSpec,
) -> Option<PersistentVolume> {
    let source = &dataset.source;
    if is_image(dataset) {
        return None;
    }
    // hostPath knows no mount options; its read-only layers are the claim's and the mount's.
    let mount_options = source.host_path.is_none().then(|| vec!["ro".to_owned()]);
    let name = grant_volume(id, &grant.name, &grant.dataset);
    Some(PersistentVolume {
        metadata: with_label(
            ObjectMeta {
                name: Some(name.clone()),
                labels: Some(id.labels()),
                owner_references: None,
                ..ObjectMeta::default()
            },
            names::GRANT_LABEL,
            &grant.name,
        ),
        spec: Some(PersistentVolumeSpec {
            access_modes: Some(vec!["ReadOnlyMany".to_owned()]),
            capacity: Some([("storage".to_owned(), dataset.size.clone())].into()),
            claim_ref: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("PersistentVolumeClaim".to_owned()),
                namespace: Some(id.namespace()),
                name: Some(grant_claim(&grant.name)),
                ..ObjectReference::default()
            }),
            persistent_volume_reclaim_policy: Some("Retain".to_owned()),
            storage_class_name: Some(String::new()),
            volume_mode: Some("Filesystem".to_owned()),
            mount_options,
            csi: source.csi.as_ref().map(|csi| CSIPersistentVolumeSource {
                driver: csi.driver.clone(),
                volume_handle: csi.volume_handle.clone(),
                volume_attributes: csi.volume_attributes.clone(),
                read_only: Some(true),
                ..CSIPersistentVolumeSource::default()
            }),
            nfs: source.nfs.as_ref().map(|nfs| NFSVolumeSource {
                server: nfs.server.clone(),
                path: nfs.path.clone(),
                read_only: Some(true),
            }),
            host_path: source.host_path.as_ref().map(|path| HostPathVolumeSource {
                path: path.path.clone(),
                type_: Some("Directory".to_owned()),
            }),
            ..PersistentVolumeSpec::default()
        }),
        status: None,
    })
}

/// The claim of a grant, bound to its volume by name.
pub fn claim(
    id: &ProjectId,
    grant: &DatasetGrant,
    dataset: &DatasetSpec,
) -> Option<PersistentVolumeClaim> {
    (!is_image(dataset)).then(|| PersistentVolumeClaim {
        metadata: with_label(
            id.meta(grant_claim(&grant.name)),
            names::GRANT_LABEL,
            &grant.name,
        ),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadOnlyMany".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), dataset.size.clone())].into()),
                limits: None,
            }),
            storage_class_name: Some(String::new()),
            volume_name: Some(grant_volume(id, &grant.name, &grant.dataset)),
            volume_mode: Some("Filesystem".to_owned()),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    })
}

/// A person's home claim: an even share of the project's storage, kept until closure.
///
/// # Errors
/// When a quantity does not parse, which validation has ruled out.
pub fn home(
    id: &ProjectId,
    validated: &Validated,
    user: &str,
) -> Result<PersistentVolumeClaim, quantity::QuantityError> {
    let people = i64::try_from(validated.spec.people.len()).unwrap_or(i64::MAX);
    let share = quantity::share(&validated.spec.compute.storage, people)?;
    Ok(PersistentVolumeClaim {
        metadata: id.meta(home_claim(user)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), share)].into()),
                limits: None,
            }),
            storage_class_name: Some(validated.policy.storage_class.clone()),
            volume_mode: Some("Filesystem".to_owned()),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    })
}

/// The pod volume of a grant, read-only whatever the source.
pub fn pod_volume(grant: &DatasetGrant, dataset: &DatasetSpec) -> Volume {
    let name = grant_claim(&grant.name);
    match &dataset.source.image {
        Some(image) => Volume {
            name,
            image: Some(ImageVolumeSource {
                reference: Some(image.reference.clone()),
                pull_policy: Some("IfNotPresent".to_owned()),
            }),
            ..Volume::default()
        },
        None => Volume {
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: name.clone(),
                read_only: Some(true),
            }),
            name,
            ..Volume::default()
        },
    }
}

/// The mounts of a grant: the whole of it, or each granted folder, read-only, recursively where nodes can.
pub fn mounts(settings: &Settings, grant: &DatasetGrant) -> Vec<VolumeMount> {
    let root = format!("{DATA_ROOT}/{}", grant.name);
    let mount = |mount_path: String, sub_path: Option<String>| VolumeMount {
        name: grant_claim(&grant.name),
        mount_path,
        sub_path,
        read_only: Some(true),
        recursive_read_only: settings.recursive_read_only.then(|| "Enabled".to_owned()),
        ..VolumeMount::default()
    };
    match &grant.sub_paths {
        None => vec![mount(root, None)],
        Some(paths) => outermost(paths)
            .into_iter()
            .map(|p| mount(format!("{root}/{p}"), Some(p.to_owned())))
            .collect(),
    }
}

/// Each folder once, without those inside another: two mounts at one path are refused by the API server.
fn outermost(paths: &[String]) -> Vec<&str> {
    let inside = |path: &str| paths.iter().any(|root| root != path && within(path, root));
    let mut kept: Vec<&str> = Vec::new();
    for path in paths {
        if !inside(path) && !kept.contains(&path.as_str()) {
            kept.push(path);
        }
    }
    kept
}

/// Name of the pod that checks a grant's manifest. It does not end in a number, as the pods of workspaces do.
pub fn check_name(grant: &str) -> String {
    format!("data-{grant}-check")
}

/// The pod that checks that the mounted bytes are those the custodian registered. It mounts the whole
/// source, since that is what the manifest is of, and runs no code but the agent's.
pub fn check_pod(
    id: &ProjectId,
    settings: &Settings,
    sentinel: &SentinelAt,
    targets: &[Target],
    grant: &DatasetGrant,
    dataset: &DatasetSpec,
    placement: Option<Placement>,
) -> Pod {
    let whole = DatasetGrant {
        sub_paths: None,
        ..grant.clone()
    };
    let root = format!("{DATA_ROOT}/{}", grant.name);
    let args = [
        "manifest",
        "--root",
        &root,
        "--digest",
        &dataset.manifest_digest,
    ]
    .map(str::to_owned)
    .to_vec();
    let main = Container {
        volume_mounts: Some(mounts(settings, &whole)),
        ..pod::agent(settings, CONTAINER, args, Vec::new())
    };
    let mut pod = pod::locked(
        id,
        settings,
        sentinel,
        targets,
        Locked {
            name: check_name(&grant.name),
            component: component::DATA_CHECK,
            before: None,
            main,
            volumes: vec![pod_volume(grant, dataset)],
            user: AGENT_USER,
            ping_group_range: "1 0",
            ping: "Refused",
            placement,
        },
    );
    pod.metadata = with_label(pod.metadata, names::GRANT_LABEL, &grant.name);
    pod
}
