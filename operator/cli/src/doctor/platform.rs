//! The operator's own pods, the SdePolicy and the storage it names.

use k8s_openapi::api::apps::v1::Deployment;

use super::check::Check;
use super::facts::Facts;

const OPERATOR: &str = "operator";
const POLICY: &str = "SdePolicy";

/// The checks.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let mut all = deployments(facts);
    all.extend(policy(facts));
    all
}

/// The Deployment of a component, by the labels that the chart gives.
pub fn component<'a>(facts: &'a Facts, name: &str) -> Option<&'a Deployment> {
    facts.deployments.iter().flatten().find(|d| {
        d.metadata.labels.as_ref().is_some_and(|l| {
            l.get("app.kubernetes.io/name")
                .is_some_and(|v| v == "sde-operator")
                && l.get("app.kubernetes.io/component")
                    .is_some_and(|v| v == name)
        })
    })
}

fn deployments(facts: &Facts) -> Vec<Check> {
    let namespace = &facts.namespace;
    if let Err(why) = &facts.deployments {
        return vec![Check::unreadable(
            OPERATOR,
            &format!("Deployments in {namespace}"),
            why,
        )];
    }
    let says = |name: &str, matters: &str| match component(facts, name) {
        None => Check::fail(
            OPERATOR,
            format!("no {name} in namespace {namespace}: {matters}"),
            "Install the chart, or say with --namespace where it is.",
        ),
        Some(deployment) => {
            let wanted = deployment
                .spec
                .as_ref()
                .and_then(|s| s.replicas)
                .unwrap_or(1);
            let ready = deployment
                .status
                .as_ref()
                .and_then(|s| s.available_replicas)
                .unwrap_or(0);
            if ready > 0 && wanted > 0 {
                Check::ok(OPERATOR, format!("{name}: {ready} of {wanted} available"))
            } else {
                Check::fail(
                    OPERATOR,
                    format!("{name}: {ready} of {wanted} available: {matters}"),
                    format!(
                        "kubectl -n {namespace} describe pods -l app.kubernetes.io/component={name}"
                    ),
                )
            }
        }
    };
    vec![
        says(
            "controller",
            "nothing opens and nothing closes; what is locked stays locked",
        ),
        says("sentinel", "no lock can be proven, so nothing opens"),
    ]
}

fn policy(facts: &Facts) -> Vec<Check> {
    let policy = match &facts.policy {
        Err(why) => return vec![Check::unreadable(POLICY, "the SdePolicy", why)],
        Ok(None) => {
            let todo = "Apply one (example: crds/examples/sdepolicy.yaml).";
            return vec![Check::fail(
                POLICY,
                "there is no SdePolicy named default, so no project can open",
                todo,
            )];
        }
        Ok(Some(policy)) => &policy.spec,
    };
    let mut all = Vec::new();
    let loose: Vec<_> = policy
        .environments
        .iter()
        .filter(|e| !pinned(&e.image))
        .map(|e| e.name.as_str())
        .collect();
    all.push(if policy.environments.is_empty() {
        Check::warn(
            POLICY,
            "no environment is listed",
            "Add environments: without one no workspace can be opened.",
        )
    } else if loose.is_empty() {
        Check::ok(
            POLICY,
            format!(
                "environments by digest: {}",
                policy
                    .environments
                    .iter()
                    .map(|e| e.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )
    } else {
        Check::fail(
            POLICY,
            format!("environments without a digest: {}", loose.join(", ")),
            "Name each image as repository@sha256:<64 hex digits>.",
        )
    });
    all.push(storage(facts, &policy.storage_class));
    if policy.data_sources.host_path_allowed {
        let todo = "Set dataSources.hostPathAllowed: false outside development.";
        all.push(Check::warn(
            POLICY,
            "hostPath datasets are allowed: paths are the node's own",
            todo,
        ));
    }
    all
}

/// `repository@sha256:<64 hex digits>`.
fn pinned(image: &str) -> bool {
    image
        .split_once("@sha256:")
        .is_some_and(|(repository, digest)| {
            !repository.is_empty()
                && digest.len() == 64
                && digest.bytes().all(|b| b.is_ascii_hexdigit())
        })
}

fn storage(facts: &Facts, name: &str) -> Check {
    let classes = match &facts.storage {
        Err(why) => return Check::unreadable(POLICY, "StorageClasses", why),
        Ok(classes) => classes,
    };
    let Some(class) = classes
        .iter()
        .find(|c| c.metadata.name.as_deref() == Some(name))
    else {
        let there: Vec<_> = classes
            .iter()
            .filter_map(|c| c.metadata.name.as_deref())
            .collect();
        let there = if there.is_empty() {
            "none".to_owned()
        } else {
            there.join(", ")
        };
        return Check::fail(
            POLICY,
            format!("storageClass {name} does not exist"),
            format!("Make it, or name another in the SdePolicy. There are: {there}."),
        );
    };
    // The API server's default is Delete.
    match class.reclaim_policy.as_deref().unwrap_or("Delete") {
        "Delete" => Check::ok(
            POLICY,
            format!(
                "storageClass {name} ({}) deletes what is released",
                class.provisioner
            ),
        ),
        other => Check::fail(
            POLICY,
            format!(
                "storageClass {name} has reclaimPolicy {other}: a closure could not destroy home volumes"
            ),
            "Name a class with reclaimPolicy Delete.",
        ),
    }
}
