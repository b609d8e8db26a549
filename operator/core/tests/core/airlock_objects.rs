//! Golden files of everything that is made for the example request, and how it is read back.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use sde_core::airlock::desired::pod::{Work, node, pod};
use sde_core::airlock::desired::{claim, labels, room};
use sde_core::airlock::malware::Unscanned;
use sde_core::airlock::report::{Refusal, Report, Said, Sealed};
use sde_core::airlock::seen;
use sde_core::airlock::task::Task;
use sde_core::airlock::{Claim, JobKind, Outcome, Side, Volume};
use sde_core::labels::ProjectId;
use sde_core::project::standing;
use sde_core::targets::targets;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::dataset::DatasetSpec;
use sde_crds::project::DatasetGrant;
use serde_json::{Value, json};

use crate::airlock_sim::{REQUEST_UID, digest, request};
use crate::world;

const POD_UID: &str = "44444444-4444-4444-8444-444444444444";

fn id() -> ProjectId {
    world::approved().id()
}

fn job(kind: JobKind, side: Side) -> Pod {
    job_of(request(), kind, side, None)
}

fn job_of(
    request: AirlockRequest,
    kind: JobKind,
    side: Side,
    data: Option<(&DatasetGrant, &DatasetSpec)>,
) -> Pod {
    let observed = world::approved();
    let policy = observed.policy.clone().unwrap();
    let sentinel = observed.sentinel.clone().unwrap();
    let targets = targets(
        &world::settings(),
        &policy.probe,
        &sentinel,
        &standing::neighbours(&[]),
    );
    let airlock = policy.airlock.as_ref().unwrap();
    let scanner = &airlock.malware_scanner;
    let task = Task::new(
        kind,
        REQUEST_UID,
        &request.spec,
        airlock,
        claim::max_bytes(request.spec.direction),
        None,
    );
    let work = Work {
        request: &request,
        side,
        round: 3,
        attempt: 1,
        task: &task,
        scanner: scanner.as_ref().filter(|_| task.malware.is_some()),
        placement: None,
        data,
        beside: (kind == JobKind::Seal).then(|| node("worker-1")),
    };
    pod(
        &observed.id(),
        &world::settings(),
        &sentinel,
        &targets,
        &work,
    )
}

#[test]
fn the_airlocks_namespace() {
    let policy = world::policy().spec.airlock.unwrap();
    let scanner = policy.malware_scanner.as_ref();
    let room = room::room(&id(), &world::settings(), "sensitive", scanner);
    insta::assert_yaml_snapshot!(
        "airlock-room",
        json!([
            room.namespace,
            room.network_policies,
            room.quota,
            room.limit_range,
            room.service_account
        ])
    );
}

#[test]
fn a_chamber_on_both_sides() {
    let claim = |side, volume| claim::claim(&id(), &request(), side, volume, "standard");
    insta::assert_yaml_snapshot!(
        "airlock-claims",
        json!([
            claim(Side::Project, None),
            claim(Side::Airlock, Some("pvc-1"))
        ])
    );
}

#[test]
fn every_job() {
    insta::assert_yaml_snapshot!("airlock-seal", job(JobKind::Seal, Side::Project));
    insta::assert_yaml_snapshot!("airlock-scan", job(JobKind::Scan, Side::Airlock));
    let verify = job(JobKind::Verify, Side::Airlock);
    let mounts = verify.spec.unwrap().containers[0].volume_mounts.clone();
    assert!(mounts.unwrap().iter().all(|m| m.read_only == Some(true)));
    insta::assert_yaml_snapshot!("airlock-view", job(JobKind::View, Side::Airlock));
    let deliver = job(JobKind::Deliver, Side::Airlock);
    let mounts = deliver.spec.unwrap().containers[0].volume_mounts.clone();
    assert!(mounts.unwrap().iter().all(|m| m.read_only == Some(true)));
}

#[test]
fn the_seal_of_a_transfer_mounts_what_is_granted_and_no_home() {
    let mut request = request();
    let spec = &mut request.spec;
    (spec.direction, spec.folder, spec.outputs) = (Direction::TransferToSde, None, None);
    let mut grant = world::approved().project.spec.datasets[0].clone();
    grant.sub_paths = None;
    for (dataset, volume) in [(world::dataset(), "an image"), (world::nfs(), "a claim")] {
        let data = Some((&grant, &dataset.spec));
        let pod = job_of(request.clone(), JobKind::Seal, Side::Project, data);
        let spec = pod.spec.unwrap();
        let claims: Vec<String> = spec
            .volumes
            .iter()
            .flatten()
            .filter_map(|v| Some(v.persistent_volume_claim.as_ref()?.claim_name.clone()))
            .collect();
        assert!(claims.iter().all(|c| !c.starts_with("home-")), "{claims:?}");
        let images = spec.volumes.iter().flatten().filter(|v| v.image.is_some());
        assert_eq!(
            (images.count(), claims.len()),
            if volume == "an image" { (1, 1) } else { (0, 2) }
        );
        let mounts = spec.containers[0].volume_mounts.clone().unwrap();
        let source = mounts.iter().find(|m| m.mount_path == "/source").unwrap();
        assert_eq!(source.read_only, Some(true), "{volume}");
    }
    grant.sub_paths = Some(vec!["chr20".to_owned(), "chr21/a".to_owned()]);
    let nfs = world::nfs();
    let pod = job_of(
        request,
        JobKind::Seal,
        Side::Project,
        Some((&grant, &nfs.spec)),
    );
    let mounts = pod.spec.unwrap().containers[0]
        .volume_mounts
        .clone()
        .unwrap();
    let of_data = mounts.iter().filter(|m| m.name.starts_with("data-"));
    let of_data: Vec<_> = of_data
        .map(|m| (m.mount_path.as_str(), m.sub_path.as_deref()))
        .collect();
    assert_eq!(
        of_data,
        [
            ("/source/chr20", Some("chr20")),
            ("/source/chr21/a", Some("chr21/a"))
        ]
    );
}

#[test]
fn names_of_jobs_are_of_labels_length() {
    let mut request = request();
    request.metadata.name = Some("r".repeat(40));
    let name = sde_core::airlock::desired::pod::name(&request, JobKind::Verify, 999, 3);
    assert!(name.len() <= 63, "{name}");
}

fn with_status(kind: JobKind, status: Value) -> Pod {
    let mut pod = job(kind, Side::Project);
    pod.metadata.uid = Some(POD_UID.to_owned());
    pod.status = Some(serde_json::from_value(status).unwrap());
    pod
}

fn ended(kind: JobKind, message: &str) -> Outcome {
    let pod = with_status(
        kind,
        json!({"phase": "Succeeded", "containerStatuses": [{
            "name": "job", "image": "a", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": message}},
        }]}),
    );
    seen::job(&request(), &pod).unwrap().outcome
}

#[test]
fn a_job_is_what_its_own_pod_says() {
    let sealed = |uid: &str| {
        let sealed = Sealed {
            digest: digest('1'),
            files: 1,
            bytes: 10,
            recipient: None,
            fingerprints: Vec::new(),
        };
        Report::new(uid, Said::Sealed(sealed)).to_message().unwrap()
    };
    assert!(matches!(
        ended(JobKind::Seal, &sealed(POD_UID)),
        Outcome::Sealed(_)
    ));
    assert_eq!(ended(JobKind::Seal, &sealed(REQUEST_UID)), Outcome::Lost);
    assert_eq!(ended(JobKind::Verify, &sealed(POD_UID)), Outcome::Lost);
    let refused = Report::new(POD_UID, Said::Refused(Refusal::Empty));
    assert_eq!(
        ended(JobKind::Seal, &refused.to_message().unwrap()),
        Outcome::Refused
    );
    assert_eq!(ended(JobKind::Seal, ""), Outcome::Lost);
}

#[test]
fn a_malware_scanner_that_fails_has_scanned_nothing() {
    let scanner = |code: i32, phase: &str| {
        let pod = with_status(
            JobKind::Scan,
            json!({"phase": phase, "initContainerStatuses": [{
                "name": "malware", "image": "a", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": code, "finishedAt": "2026-11-22T00:00:00Z"}},
            }]}),
        );
        seen::job(&request(), &pod).unwrap()
    };
    let killed = scanner(137, "Failed");
    assert_eq!(killed.outcome, Outcome::Unscanned(Unscanned::ScannerFailed));
    assert!(killed.ended.is_some(), "it is tried again after a while");
    assert_eq!(scanner(0, "Pending").outcome, Outcome::Running);
    assert_eq!(scanner(0, "Failed").outcome, Outcome::Lost, "the agent was");
}

#[test]
fn a_job_is_of_its_own_request() {
    let running = with_status(JobKind::Seal, json!({"phase": "Pending"}));
    let job = seen::job(&request(), &running).unwrap();
    assert_eq!((job.round, job.attempt), (3, 1));
    assert_eq!(job.outcome, Outcome::Running);
    let mut other = request();
    other.metadata.uid = Some(POD_UID.to_owned());
    assert!(seen::job(&other, &running).is_none());
}

#[test]
fn a_folder_that_cannot_be_mounted_is_refused() {
    let waiting = |kind, reason: &str| {
        let pod = with_status(
            kind,
            json!({"phase": "Pending", "containerStatuses": [{
                "name": "job", "image": "a", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": reason, "message": "failed to prepare subPath"}},
            }]}),
        );
        seen::job(&request(), &pod).unwrap()
    };
    let config = "CreateContainerConfigError";
    assert_eq!(waiting(JobKind::Seal, config).outcome, Outcome::Refused);
    // Who scans names no folder of a person's.
    assert_eq!(waiting(JobKind::Scan, config).outcome, Outcome::Running);
    let image = waiting(JobKind::Seal, "ErrImagePull");
    assert_eq!(image.outcome, Outcome::Running);
    assert!(image.held_up.unwrap().contains("ErrImagePull"));
}

fn a_claim(phase: &str, deleting: bool) -> PersistentVolumeClaim {
    let mut claim = claim::claim(&id(), &request(), Side::Project, None, "standard");
    let at = deleting.then_some("2026-11-22T00:00:00Z");
    claim.metadata.deletion_timestamp = serde_json::from_value(json!(at)).unwrap();
    claim.status = Some(serde_json::from_value(json!({"phase": phase})).unwrap());
    claim
}

fn a_volume(namespace: &str, policy: &str, marked: bool) -> PersistentVolume {
    let mut volume: PersistentVolume = serde_json::from_value(json!({
        "metadata": {"name": "pvc-1"},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "claimRef": {"namespace": namespace, "name": claim::name(&request())},
        },
    }))
    .unwrap();
    if marked {
        volume.metadata.labels = Some(labels(&id(), &request()));
    }
    volume
}

#[test]
fn a_chamber_is_read_off_claims_and_volume() {
    let of = |claim: Option<PersistentVolumeClaim>, volume: Option<PersistentVolume>| {
        seen::chamber(&id(), &request(), claim.as_ref(), None, volume.as_ref())
    };
    for (phase, deleting, claim) in [
        ("Pending", false, Claim::Pending),
        ("Bound", false, Claim::Bound),
        ("Lost", false, Claim::Lost),
        ("Bound", true, Claim::Deleting),
    ] {
        let chamber = of(Some(a_claim(phase, deleting)), None);
        assert_eq!((chamber.project, chamber.airlock), (claim, Claim::Absent));
    }
    let volume = |namespace: &str, policy, marked| {
        of(None, Some(a_volume(namespace, policy, marked)))
            .volume
            .unwrap()
    };
    let here = Side::Project.namespace(&id());
    let kept = Volume {
        kept: true,
        reserved_for: Some(Side::Project),
        leaving: false,
    };
    assert_eq!(volume(&here, "Retain", true), kept);
    // Nobody would find it again without its label, nor keep it.
    assert!(!volume(&here, "Retain", false).kept);
    let fresh = volume(&here, "Delete", false);
    assert!(!fresh.kept && !fresh.leaving);
    assert!(volume(&here, "Delete", true).leaving);
    let there = volume(&Side::Airlock.namespace(&id()), "Retain", true);
    assert_eq!(there.reserved_for, Some(Side::Airlock));
    assert_eq!(
        volume("sde-project-other", "Retain", true).reserved_for,
        None
    );
}
