//! `doctor --probe`: proves the lock as the controller does, in throwaway namespaces.
//!
//! On every node that takes pods, one pod under default-deny tries to get out and one without any policy shows that it
//! could have. `objects` makes them, `sentinel` is what the listener says, `verdict` judges. Cleans up always.

mod objects;
mod sentinel;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use sde_core::lock::{Report, Target};
use sde_core::pod::{PROBE, View};
use sde_core::targets::expand;
use tokio::time::{Instant, sleep};

use self::objects::{Plan, Side};
use self::verdict::{Evidence, verdict};
use super::check::{Check, Level};
use super::facts::Facts;
use crate::cluster;
use crate::error::explain;
use crate::interrupt::interrupted;
use crate::out::note;

const SECTION: &str = "probe";
/// How long pods may take to be pulled, started and ended.
const PODS: Duration = Duration::from_secs(120);
/// How long namespaces may take to be gone.
const GONE: Duration = Duration::from_secs(90);
/// How long a namespace's account may take; without it the pods are refused, and say so.
const ACCOUNT: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// A policy takes a moment to be programmed, and what slipped out before stays in the sentinel's memory: a new pod decides.
const ATTEMPTS: u32 = 3;

/// Proves the lock on every node; never leaves anything behind without saying so.
pub async fn run(client: &Client, facts: &Facts) -> Vec<Check> {
    let plan = match objects::plan(facts, &unique()) {
        Ok(plan) => plan,
        Err(why) => return vec![why],
    };
    note(&format!(
        "Probing {} nodes from throwaway namespaces {} and {}; Ctrl-C cleans up.",
        plan.nodes.len(),
        plan.namespace(Side::Locked),
        plan.namespace(Side::Free)
    ));
    let mut checks = tokio::select! {
        found = probe(client, &plan) => match found {
            Ok(checks) => checks,
            Err(why) => vec![Check::fail(SECTION, format!("the probe could not be carried out: {why}"), "It needs the right to create and delete namespaces, pods and network policies.")],
        },
        () = interrupted() => vec![Check::fail(SECTION, "interrupted", "Nothing was proven: run it again.")],
    };
    checks.extend(clean_up(client, &plan).await);
    checks
}

fn unique() -> String {
    let seed = format!(
        "{} {}",
        std::process::id(),
        Timestamp::now().as_nanosecond()
    );
    sde_evidence::sha256(seed.as_bytes())
        .hex()
        .chars()
        .take(8)
        .collect()
}

async fn probe(client: &Client, plan: &Plan) -> Result<Vec<Check>, String> {
    let boot_before = sentinel::boot(client, plan).await?;
    prepare(client, plan).await.map_err(|e| explain(&e))?;
    let mut nodes = plan.nodes.clone();
    let mut checks = Vec::new();
    for attempt in 1..=ATTEMPTS {
        let pods = start(client, plan, &nodes, attempt)
            .await
            .map_err(|e| explain(&e))?;
        let ended = wait(client, plan, &pods).await?;
        let boot_after = sentinel::boot(client, plan).await?;
        let mut again = Vec::new();
        for node in &nodes {
            let locked = ended.get(&objects::pod_name(Side::Locked, node, attempt));
            let free = ended.get(&objects::pod_name(Side::Free, node, attempt));
            let uid = locked.map(|p| View(p).uid().to_owned()).unwrap_or_default();
            let evidence = Evidence {
                node: node.clone(),
                targets: locked.map(|p| targets(plan, p)).unwrap_or_default(),
                locked: reported(locked),
                free: reported(free),
                seen: sentinel::seen(client, plan, &uid).await,
                boot_before: boot_before.clone(),
                boot_after: boot_after.clone(),
                pod_uid: uid,
            };
            let check = verdict(&evidence);
            if check.level == Level::Fail && evidence.only_early() && attempt < ATTEMPTS {
                again.push(node.clone());
            } else {
                checks.push(check);
            }
        }
        if again.is_empty() {
            break;
        }
        nodes = again;
    }
    Ok(checks)
}

fn targets(plan: &Plan, pod: &Pod) -> Vec<Target> {
    expand(&plan.targets, View(pod).host_ip())
}

fn reported(pod: Option<&Pod>) -> Result<Report, String> {
    let Some(pod) = pod else {
        return Err("its pod was not seen".to_owned());
    };
    let view = View(pod);
    if let Some(report) = view.report(PROBE) {
        return Ok(report);
    }
    Err(match (view.stuck(), view.unschedulable()) {
        (Some((_, reason, message)), _) => format!("its pod does not start: {reason} {message}"),
        (None, Some(message)) => format!("no node takes its pod: {message}"),
        (None, None) => format!("its pod did not end in {} s", PODS.as_secs()),
    })
}

async fn prepare(client: &Client, plan: &Plan) -> kube::Result<()> {
    let params = PostParams::default();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for side in [Side::Locked, Side::Free] {
        namespaces
            .create(&params, &plan.namespace_object(side))
            .await?;
    }
    let policies: Api<NetworkPolicy> =
        Api::namespaced(client.clone(), &plan.namespace(Side::Locked));
    policies.create(&params, &plan.default_deny()).await?;
    for side in [Side::Locked, Side::Free] {
        cluster::has_account(client, &plan.namespace(side), ACCOUNT).await?;
    }
    Ok(())
}

async fn start(
    client: &Client,
    plan: &Plan,
    nodes: &[String],
    attempt: u32,
) -> kube::Result<Vec<(Side, String)>> {
    let mut pods = Vec::new();
    for node in nodes {
        for side in [Side::Locked, Side::Free] {
            let pod = plan.pod(side, node, attempt);
            let api: Api<Pod> = Api::namespaced(client.clone(), &plan.namespace(side));
            api.create(&PostParams::default(), &pod).await?;
            pods.push((side, objects::pod_name(side, node, attempt)));
        }
    }
    Ok(pods)
}

/// The pods once each has ended, or as they are when time is up.
async fn wait(
    client: &Client,
    plan: &Plan,
    pods: &[(Side, String)],
) -> Result<BTreeMap<String, Pod>, String> {
    let deadline = Instant::now() + PODS;
    loop {
        let mut found = BTreeMap::new();
        for (side, name) in pods {
            let api: Api<Pod> = Api::namespaced(client.clone(), &plan.namespace(*side));
            if let Some(pod) = api.get_opt(name).await.map_err(|e| explain(&e))? {
                found.insert(name.clone(), pod);
            }
        }
        let ended = found
            .values()
            .filter(|p| View(p).report(PROBE).is_some())
            .count();
        if ended == pods.len() || Instant::now() > deadline {
            return Ok(found);
        }
        sleep(PAUSE).await;
    }
}

/// Deletes both namespaces and waits until they are gone.
async fn clean_up(client: &Client, plan: &Plan) -> Option<Check> {
    let api: Api<Namespace> = Api::all(client.clone());
    let names = [plan.namespace(Side::Locked), plan.namespace(Side::Free)];
    let deadline = Instant::now() + GONE;
    loop {
        let mut left = Vec::new();
        for name in &names {
            match api.delete(name, &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Ok(_) | Err(_) => left.push(name.as_str()),
            }
        }
        if left.is_empty() {
            return None;
        }
        if Instant::now() > deadline {
            return Some(Check::warn(
                SECTION,
                format!("namespaces {} are not gone yet", left.join(", ")),
                format!(
                    "Deletion was asked for; if they stay: kubectl delete namespace {}",
                    left.join(" ")
                ),
            ));
        }
        sleep(PAUSE).await;
    }
}
