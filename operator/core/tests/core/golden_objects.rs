//! Golden files of everything that is made for the example Project.

use sde_core::labels::ProjectId;
use sde_core::project::{self, State, Validated, data, standing};
use sde_core::targets::{SentinelAt, targets};
use sde_core::workspace;
use sde_crds::Dataset;
use serde_json::json;

use crate::sim::Sim;
use crate::world;

fn validated(observed: &project::Observed) -> Validated {
    match project::validate(observed).state {
        State::Open(validated) => validated,
        other => panic!("not open: {other:?}"),
    }
}

#[test]
fn the_lock() {
    let observed = world::approved();
    let validation = project::validate(&observed);
    let desired = project::desired(&observed, &world::settings(), &validation).unwrap();
    insta::assert_yaml_snapshot!("namespace", desired.namespace);
    insta::assert_yaml_snapshot!("network-policies", desired.network_policies);
    insta::assert_yaml_snapshot!(
        "quota-and-limits",
        json!([desired.quota, desired.limit_range])
    );
    insta::assert_yaml_snapshot!(
        "account-and-bindings",
        json!([desired.service_account, desired.role_bindings])
    );
    insta::assert_yaml_snapshot!("homes", desired.claims);
    insta::assert_yaml_snapshot!("standing-pod", desired.pods);
}

fn of_source(dataset: &Dataset) -> serde_json::Value {
    let mut observed = world::approved();
    observed
        .policy
        .as_mut()
        .unwrap()
        .data_sources
        .host_path_allowed = true;
    observed
        .datasets
        .insert(dataset.metadata.name.clone().unwrap(), dataset.spec.clone());
    let id = observed.id();
    let (grant, dataset) = validated(&observed).grants.remove(0);
    json!({
        "volume": data::volume(&id, &grant, &dataset),
        "claim": data::claim(&id, &grant, &dataset),
        "podVolume": data::pod_volume(&grant, &dataset),
        "mounts": data::mounts(&world::settings(), &grant),
    })
}

#[test]
fn every_source_of_data() {
    insta::assert_yaml_snapshot!("data-image", of_source(&world::dataset()));
    insta::assert_yaml_snapshot!("data-nfs", of_source(&world::nfs()));
    insta::assert_yaml_snapshot!(
        "data-host-path",
        of_source(&world::dataset_from(
            json!({"hostPath": {"path": "/srv/data"}})
        ))
    );
    let csi = json!({"csi": {"driver": "nfs.csi.k8s.io", "volumeHandle": "genotypes", "volumeAttributes": {"share": "/g"}}});
    insta::assert_yaml_snapshot!("data-csi", of_source(&world::dataset_from(csi)));
}

#[test]
fn data_check_pod() {
    let observed = world::approved();
    let validated = validated(&observed);
    let sentinel = observed.sentinel.clone().unwrap();
    let targets = targets(
        &world::settings(),
        &validated.policy.probe,
        &sentinel,
        &standing::neighbours(&[]),
    );
    let (grant, dataset) = &validated.grants[0];
    insta::assert_yaml_snapshot!(
        "data-check-pod",
        data::check_pod(
            &observed.id(),
            &world::settings(),
            &sentinel,
            &targets,
            grant,
            dataset,
            None
        )
    );
}

#[test]
fn workspace_pod_and_token() {
    let sim = Sim::with_workspace();
    let observed = sim.observed_workspace();
    let validated = workspace::validate(&observed);
    let desired = workspace::desired(&observed, &sim.settings, &validated);
    insta::assert_yaml_snapshot!("workspace-secret", desired.secret);
    insta::assert_yaml_snapshot!("workspace-pod", desired.pod);
}

#[test]
fn folders_inside_others_are_mounted_once() {
    let observed = world::approved();
    let mut grant = observed.project.spec.datasets[0].clone();
    grant.sub_paths = Some(
        ["chr13", "chr13/a", "chr17", "chr13", "chr1"]
            .map(str::to_owned)
            .to_vec(),
    );
    let mounted: Vec<_> = data::mounts(&world::settings(), &grant)
        .into_iter()
        .map(|m| m.mount_path)
        .collect();
    assert_eq!(
        mounted,
        [
            "/data/genotypes/chr13",
            "/data/genotypes/chr17",
            "/data/genotypes/chr1"
        ]
    );
}

#[test]
fn a_project_made_again_has_other_volumes() {
    let old = ProjectId {
        name: "p".to_owned(),
        uid: "a".to_owned(),
    };
    let new = ProjectId {
        uid: "b".to_owned(),
        ..old.clone()
    };
    assert_ne!(
        sde_core::labels::grant_volume(&old, "g", "d"),
        sde_core::labels::grant_volume(&new, "g", "d")
    );
    assert_ne!(
        sde_core::labels::grant_volume(&old, "g", "d"),
        sde_core::labels::grant_volume(&old, "g", "e")
    );
}

#[test]
fn the_sentinel_of_a_pod_is_in_its_annotation() {
    let mut observed = world::approved();
    observed.sentinel = Some(SentinelAt {
        address: "10.1.1.1".to_owned(),
        boot_id: "b2".to_owned(),
    });
    let desired =
        project::desired(&observed, &world::settings(), &project::validate(&observed)).unwrap();
    let annotations = desired.pods[0].metadata.annotations.clone().unwrap();
    assert_eq!(annotations["sde-operator.dev/sentinel-boot-id"], "b2");
}
