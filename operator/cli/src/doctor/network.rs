//! The network: which CNI seems to be there, and, what counts, what probes found when they tried to get out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sde_core::conditions::{find, types};
use sde_core::say::ago;

use super::check::Check;
use super::facts::Facts;

const SECTION: &str = "network";

/// Daemon sets by which network plug-ins are known, and whether they are said to enforce NetworkPolicies.
const PLUGINS: [(&str, &str, bool); 12] = [
    ("cilium", "Cilium", true),
    ("calico-node", "Calico", true),
    ("canal", "Canal", true),
    ("kindnet", "kindnet", true),
    ("antrea-agent", "Antrea", true),
    ("kube-router", "kube-router", true),
    ("ovnkube-node", "OVN-Kubernetes", true),
    ("weave-net", "Weave Net", true),
    ("azure-npm", "Azure NPM", true),
    ("aws-node", "Amazon VPC CNI", true),
    ("kube-flannel-ds", "Flannel", false),
    ("kube-flannel", "Flannel", false),
];

/// The checks.
pub fn checks(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let mut all = vec![plugin(facts)];
    all.extend(proofs(facts, now));
    all
}

/// A guess by names: it informs, and never decides.
fn plugin(facts: &Facts) -> Check {
    let daemons = match &facts.daemons {
        Err(why) => return Check::unreadable(SECTION, "DaemonSets", why),
        Ok(daemons) => daemons,
    };
    let names: Vec<_> = daemons
        .iter()
        .filter_map(|d| d.metadata.name.as_deref())
        .collect();
    let mut found: Vec<_> = PLUGINS
        .into_iter()
        .filter(|(daemon, ..)| names.contains(daemon))
        .collect();
    found.sort_by_key(|(.., enforces)| !enforces);
    match found.first() {
        Some((_, name, true)) => Check::ok(
            SECTION,
            format!("looks like {name}, which is said to enforce NetworkPolicies"),
        ),
        Some((_, name, false)) => Check::warn(
            SECTION,
            format!("looks like {name}, which does not enforce NetworkPolicies"),
            "Add one that does: until probes fail to get out, nothing opens.",
        ),
        None => Check::warn(
            SECTION,
            "no network plug-in that is known by name",
            "What counts is what a probe finds: kubectl sde doctor --probe.",
        ),
    }
}

/// What the standing probes of projects found, by node: the newest proof of each.
fn proofs(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let projects = match &facts.projects {
        Err(why) => return vec![Check::unreadable(SECTION, "Projects", why)],
        Ok(projects) => projects,
    };
    let mut all = Vec::new();
    let mut proven: BTreeMap<String, Timestamp> = BTreeMap::new();
    for project in projects {
        let Some(status) = &project.status else {
            continue;
        };
        let name = project.metadata.name.clone().unwrap_or_default();
        let conditions = status.conditions.clone().unwrap_or_default();
        let Some(lock) = find(&conditions, types::EGRESS_ENFORCED) else {
            continue;
        };
        if lock.status == "False" {
            all.push(Check::fail(
                SECTION,
                format!("project {name}: {}", lock.message),
                "Make the CNI enforce NetworkPolicies on that node, or keep workspaces off it (cordon).",
            ));
        } else if let (Some(proof), "True") = (&status.proof, lock.status.as_str()) {
            let node = proof.node.clone().unwrap_or_else(|| "a node".to_owned());
            let at = proven.entry(node).or_insert(proof.time.0);
            *at = (*at).max(proof.time.0);
        }
    }
    for (node, at) in &proven {
        all.push(Check::ok(
            SECTION,
            format!(
                "locked on {node}: a standing probe failed to get out {}",
                ago(*at, now)
            ),
        ));
    }
    if all.is_empty() {
        all.push(Check::warn(
            SECTION,
            "no open project has proven the lock yet",
            "kubectl sde doctor --probe tries now, on every node. (Every workspace proves its own lock before it opens in any case.)",
        ));
    }
    all
}
