//! Properties that hold for every input the CRDs allow.

use jiff::civil::Date;
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sde_core::in_force::in_force;
use sde_core::labels::{ProjectId, grant_claim, grant_volume, home_claim};
use sde_core::project::{self, Observed, State, data, standing};
use sde_core::quantity;
use sde_core::workspace;
use sde_crds::project::{DatasetGrant, Lifecycle, PersonRole, ProjectSpec};
use serde_json::json;

use crate::sim::Sim;
use crate::world;

fn quantities() -> impl Strategy<Value = Quantity> {
    select(vec!["1", "500m", "2", "3500m", "4", "1Gi", "8"]).prop_map(|q| Quantity(q.to_owned()))
}

fn dates() -> impl Strategy<Value = Date> {
    (2026i16..2028, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap())
}

fn folders() -> impl Strategy<Value = Option<Vec<String>>> {
    let one = select(vec!["chr1", "chr1/a", "chr1/a/b", "chr13", "chr17"]).prop_map(str::to_owned);
    prop_oneof![Just(None), vec(one, 1..4).prop_map(Some)]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]([-a-z0-9]{0,38}[a-z0-9])?", "[a-z0-9]{40}"].prop_map(|n| {
        if n.starts_with(|c: char| c.is_ascii_digit()) {
            format!("a{}", &n[1..])
        } else {
            n
        }
    })
}

prop_compose! {
    fn specs()(
        people in subsequence(vec![0usize, 1], 0..=2),
        roles in subsequence(vec![PersonRole::Lead, PersonRole::Researcher, PersonRole::Egress], 1..=3),
        grants in vec((select(vec!["genotypes", "other"]), select(vec!["example-genotypes-2026-1", "second"]), folders()), 0..3),
        environments in subsequence(vec!["jupyterlab-genomics".to_owned(), "r".to_owned()], 0..=2),
        cpu in quantities(), memory in quantities(), storage in quantities(),
        gpus in proptest::option::of(quantities()),
        most in 1i64..9,
        starts in dates(), expires in dates(), ethics in proptest::option::of(dates()), organisation in dates(),
        legal_hold in proptest::option::of(any::<bool>()),
        lifecycle in select(vec![Lifecycle::Active, Lifecycle::Suspended, Lifecycle::Closed]),
    ) -> ProjectSpec {
        let mut spec = world::applied().project.spec;
        spec.people = people.into_iter().map(|i| spec.people[i].clone()).collect();
        spec.people.iter_mut().for_each(|p| p.roles.clone_from(&roles));
        let mut of: Vec<DatasetGrant> = Vec::new();
        for (name, dataset, sub_paths) in grants {
            if of.iter().all(|g| g.name != name) {
                of.push(DatasetGrant { name: name.to_owned(), dataset: dataset.to_owned(), sub_paths, minimisation: "few".to_owned(), manifest_digest: Some(world::dataset().spec.manifest_digest) });
            }
        }
        spec.datasets = of;
        spec.environments = environments;
        spec.compute.cpu = cpu;
        spec.compute.memory = memory;
        spec.compute.storage = storage;
        spec.compute.max_workspaces = most;
        spec.compute.accelerators = gpus.map(|g| [("nvidia.com/gpu".to_owned(), g)].into());
        spec.schedule.starts = starts;
        spec.schedule.expires = expires;
        spec.purpose.ethics.expires = ethics;
        spec.organisations[0].approval.expires = organisation;
        spec.closure.legal_hold = legal_hold;
        spec.lifecycle = lifecycle;
        spec
    }
}

/// Folders that a grant opens, with everything below them.
fn opens(grant: &DatasetGrant, path: &str) -> bool {
    grant.sub_paths.as_ref().is_none_or(|paths| {
        paths
            .iter()
            .any(|p| path == p || path.starts_with(&format!("{p}/")))
    })
}

/// Whether `small` allows nothing that `large` does not.
fn contained(small: &ProjectSpec, large: &ProjectSpec) -> bool {
    let at_most =
        |a: &Quantity, b: &Quantity| quantity::milli(a).unwrap() <= quantity::milli(b).unwrap();
    let people = small.people.iter().all(|s| {
        large.people.iter().any(|l| {
            l.user == s.user
                && s.roles.iter().all(|r| l.roles.contains(r))
                && s.access_from.iter().all(|c| l.access_from.contains(c))
                && s.training.expires <= l.training.expires
        })
    });
    let grants = small.datasets.iter().all(|s| {
        large.datasets.iter().any(|l| {
            let probes = ["chr1", "chr1/a", "chr1/a/b", "chr13", "chr17", "other"];
            l.name == s.name
                && l.dataset == s.dataset
                && probes.iter().all(|p| !opens(s, p) || opens(l, p))
                && (s.sub_paths.is_some() || l.sub_paths.is_none())
        })
    });
    let gpus = small
        .compute
        .accelerators
        .iter()
        .flatten()
        .all(|(name, s)| {
            large
                .compute
                .accelerators
                .as_ref()
                .and_then(|l| l.get(name))
                .is_some_and(|l| at_most(s, l))
        });
    people
        && grants
        && gpus
        && small
            .environments
            .iter()
            .all(|e| large.environments.contains(e))
        && at_most(&small.compute.cpu, &large.compute.cpu)
        && at_most(&small.compute.memory, &large.compute.memory)
        && at_most(&small.compute.storage, &large.compute.storage)
        && small.compute.max_workspaces <= large.compute.max_workspaces
        && small.schedule.starts >= large.schedule.starts
        && small.schedule.expires <= large.schedule.expires
        && small
            .purpose
            .ethics
            .expires
            .is_none_or(|s| large.purpose.ethics.expires.is_none_or(|l| s <= l))
        && (large.purpose.ethics.expires.is_none() || small.purpose.ethics.expires.is_some())
        && small.organisations.iter().all(|s| {
            large
                .organisations
                .iter()
                .any(|l| s.name == l.name && s.approval.expires <= l.approval.expires)
        })
        && small.closure.legal_hold >= large.closure.legal_hold
}

fn label(name: &str) -> bool {
    let inner = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (1..=63).contains(&name.len()) && inner && !name.starts_with('-') && !name.ends_with('-')
}

/// Everything that may hold for a container of ours.
fn hardened(container: &Container) -> bool {
    let context = container.security_context.as_ref().unwrap();
    let drops = context
        .capabilities
        .as_ref()
        .is_some_and(|c| c.drop.as_deref() == Some(&["ALL".to_owned()]) && c.add.is_none());
    drops
        && context.allow_privilege_escalation == Some(false)
        && context.read_only_root_filesystem == Some(true)
        && context.run_as_non_root == Some(true)
        && context.privileged != Some(true)
        && context
            .seccomp_profile
            .as_ref()
            .is_some_and(|s| s.type_ == "RuntimeDefault")
        && container
            .image
            .as_ref()
            .is_some_and(|i| i.contains("@sha256:"))
        && container
            .resources
            .as_ref()
            .is_some_and(|r| r.limits.is_some() && r.limits == r.requests)
}

/// The shape of every pod: probe and gate first and without data, data read-only, everything hardened.
fn well_made(pod: &Pod) -> Result<(), TestCaseError> {
    let spec = pod.spec.as_ref().unwrap();
    let init = spec.init_containers.as_ref().unwrap();
    prop_assert_eq!(
        init.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["probe", "gate"]
    );
    let mounts = |c: &Container| c.volume_mounts.clone().unwrap_or_default();
    prop_assert!(mounts(&init[0]).is_empty());
    prop_assert_eq!(
        mounts(&init[1])
            .iter()
            .map(|m| m.name.clone())
            .collect::<Vec<_>>(),
        ["gate"]
    );
    prop_assert_eq!(spec.containers.len(), 1);
    for mount in spec
        .containers
        .iter()
        .flat_map(mounts)
        .filter(|m| m.name.starts_with("data-"))
    {
        prop_assert_eq!(
            (mount.read_only, mount.recursive_read_only.as_deref()),
            (Some(true), Some("Enabled"))
        );
    }
    let paths: Vec<_> = spec
        .containers
        .iter()
        .flat_map(mounts)
        .map(|m| m.mount_path)
        .collect();
    prop_assert_eq!(
        paths
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        paths.len(),
        "each path once"
    );
    for volume in spec
        .volumes
        .iter()
        .flatten()
        .filter(|v| v.name.starts_with("data-"))
    {
        prop_assert!(
            volume.image.is_some()
                || volume
                    .persistent_volume_claim
                    .as_ref()
                    .is_some_and(|c| c.read_only == Some(true))
        );
        prop_assert!(label(&volume.name));
    }
    prop_assert!(init.iter().chain(&spec.containers).all(hardened));
    prop_assert_eq!(spec.restart_policy.as_deref(), Some("Never"));
    prop_assert_eq!(
        (
            spec.automount_service_account_token,
            spec.enable_service_links
        ),
        (Some(false), Some(false))
    );
    prop_assert_eq!(spec.dns_policy.as_deref(), Some("None"));
    prop_assert!(spec.host_network.is_none() && spec.host_pid.is_none() && spec.host_ipc.is_none());
    prop_assert!(label(pod.metadata.name.as_ref().unwrap()));
    for (key, value) in pod.metadata.labels.iter().flatten() {
        prop_assert!(value.len() <= 63, "{}={}", key, value);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn in_force_is_what_both_allow(a in specs(), p in specs()) {
        let both = in_force(&a, &p);
        prop_assert!(contained(&both, &a), "{both:#?}");
        let there: Vec<_> = both.organisations.iter().map(|o| o.name.clone()).collect();
        prop_assert_eq!(there, ["example-university"]);
        prop_assert!(contained(&both, &p), "{both:#?}");
        prop_assert_eq!(both.lifecycle, p.lifecycle);
        prop_assert_eq!((&both.tier, &both.closure.mode), (&a.tier, &a.closure.mode));
        prop_assert!(contained(&in_force(&both, &p), &both) && contained(&both, &in_force(&both, &p)), "idempotent");
    }

    #[test]
    fn a_spec_with_itself_is_itself(a in specs()) {
        let same = in_force(&a, &a);
        prop_assert!(contained(&same, &a) && contained(&a, &same));
    }

    #[test]
    fn asking_for_less_never_gives_more(a in specs(), p in specs(), q in specs()) {
        let less = in_force(&p, &q);
        prop_assert!(contained(&in_force(&a, &less), &in_force(&a, &p)));
    }

    #[test]
    fn quantities_keep_their_order(a in quantities(), b in quantities()) {
        let value = |q: &Quantity| quantity::milli(q).unwrap();
        prop_assert_eq!(value(&quantity::min(&a, &b)), value(&a).min(value(&b)));
        prop_assert_eq!(value(&quantity::max(&a, &b)), value(&a).max(value(&b)));
        prop_assert_eq!(value(&quantity::add(&a, &b).unwrap()), value(&a) + value(&b));
        prop_assert!(value(&quantity::share(&a, 3).unwrap()) * 3 <= value(&a));
    }

    #[test]
    fn a_project_that_is_not_open_runs_nothing_and_the_same_input_gives_the_same(present in specs(), approve in any::<bool>(), was_open in any::<bool>(), second in any::<bool>()) {
        let mut observed: Observed = if was_open { Sim::open().observed } else { world::applied() };
        observed.project.spec = present;
        if approve {
            world::approve(&mut observed);
        }
        if second {
            observed.datasets.insert("second".to_owned(), world::nfs().spec);
        }
        let validation = project::validate(&observed);
        let desired = project::desired(&observed, &world::settings(), &validation).unwrap();
        if !matches!(validation.state, State::Open(_)) {
            prop_assert!(desired.pods.is_empty() && desired.open_gates.is_empty());
            prop_assert!(desired.delete_claims.is_empty() && desired.delete_volumes.is_empty(), "nothing is deleted");
            if !matches!(validation.state, State::Closing) {
                prop_assert_eq!(desired.delete_pods.len(), observed.pods.len());
            }
        }
        desired.pods.iter().try_for_each(well_made)?;
        prop_assert_eq!(&project::validate(&observed.clone()), &validation);
        prop_assert_eq!(project::desired(&observed.clone(), &world::settings(), &validation).unwrap(), desired);
    }

    #[test]
    fn every_allowed_name_gives_valid_names(project in names(), grant in names(), dataset in names(), work in names(), user in "[a-z0-9]([-a-z0-9._@]{0,61}[a-z0-9])?", start in 0i64..1_000_000) {
        let id = ProjectId { name: project.clone(), uid: world::UID.to_owned() };
        for name in [id.namespace(), grant_claim(&grant), grant_volume(&id, &grant, &dataset), data::check_name(&grant), home_claim(&user), format!("{work}-{start}")] {
            prop_assert!(label(&name), "{}", name);
        }
        prop_assert_ne!(data::check_name(&grant), format!("{work}-{start}"));
        prop_assert_ne!(standing::NAME, format!("{work}-{start}"));
        prop_assert!(id.labels().values().all(|v| v.len() <= 63));
    }

    #[test]
    fn every_pod_is_well_made(project in names(), grant in names(), work in names(), image in any::<bool>(), paths in folders()) {
        let mut observed = world::applied();
        observed.project.metadata.name = Some(project.clone());
        observed.project.spec.datasets[0].name.clone_from(&grant);
        observed.project.spec.datasets[0].sub_paths = paths;
        let source = if image { world::dataset() } else { world::nfs() };
        observed.datasets.values_mut().for_each(|d| {
            *d = source.spec.clone();
            d.grantable_to = vec![project.clone()];
        });
        world::approve(&mut observed);
        observed.approvals.iter_mut().for_each(|a| a.spec.project.clone_from(&project));
        let mut sim = Sim::new(observed);
        sim.prove();
        let status = sim.status();
        prop_assert_eq!(status.phase.to_string(), "Active");
        let mut workspace = world::workspace();
        workspace.metadata.name = Some(work);
        sim.workspace = Some(workspace);
        let observed = sim.observed_workspace();
        let wanted = workspace::desired(&observed, &sim.settings, &workspace::validate(&observed));
        well_made(wanted.pod.as_ref().unwrap())?;
        sim.observed.pods.iter().try_for_each(well_made)?;
        let check = {
            let grant = sim.observed.project.spec.datasets[0].clone();
            let sentinel = sim.observed.sentinel.clone().unwrap();
            data::check_pod(&sim.observed.id(), &sim.settings, &sentinel, &[], &grant, &source.spec, None)
        };
        well_made(&check)?;
        let volume = data::volume(&sim.observed.id(), &sim.observed.project.spec.datasets[0], &world::nfs().spec).unwrap();
        prop_assert_eq!(json!(volume)["spec"]["nfs"]["readOnly"].as_bool(), Some(true));
    }
}
