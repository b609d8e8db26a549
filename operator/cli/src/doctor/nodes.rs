//! Nodes: kubelet, runtime, and the mount and user-namespace features that make isolation stronger.

use k8s_openapi::api::core::v1::Node;

use super::api::{OLDEST_MINOR, minor};
use super::check::Check;
use super::facts::Facts;

const SECTION: &str = "nodes";

/// The checks.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let nodes = match &facts.nodes {
        Err(why) => return vec![Check::unreadable(SECTION, "nodes", why)],
        Ok(nodes) if nodes.is_empty() => {
            return vec![Check::fail(SECTION, "there is no node", "Join one.")];
        }
        Ok(nodes) => nodes,
    };
    let mut all: Vec<_> = nodes.iter().map(node).collect();
    let lacking = |feature: fn(&Node) -> bool| {
        nodes
            .iter()
            .filter(|n| !feature(n))
            .map(name)
            .collect::<Vec<_>>()
    };
    let recursive = lacking(|n| feature(n).0);
    all.push(if recursive.is_empty() {
        Check::ok(SECTION, "recursive read-only mounts everywhere: mounts below a dataset are read-only too")
    } else {
        Check::warn(
            SECTION,
            format!("no recursive read-only mounts on {}", recursive.join(", ")),
            "Datasets are still read-only, mounts below them may not be: use containerd 2.0 or later, a kernel of 5.12 or later, and runc 1.1 or later.",
        )
    });
    let users = lacking(|n| feature(n).1);
    all.push(if users.is_empty() {
        Check::ok(SECTION, "user namespaces everywhere")
    } else {
        Check::warn(
            SECTION,
            format!("no user namespaces on {}", users.join(", ")),
            "Pods there run without this extra wall: use containerd 2.0 or later, a kernel of 6.3 or later, and runc 1.2 or later.",
        )
    });
    all
}

/// Name of a node.
pub fn name(node: &Node) -> String {
    node.metadata.name.clone().unwrap_or_default()
}

/// Whether workspaces could be put there: not cordoned, no taint that keeps pods away.
pub fn schedulable(node: &Node) -> bool {
    let spec = node.spec.clone().unwrap_or_default();
    let kept_away = spec
        .taints
        .iter()
        .flatten()
        .any(|t| matches!(t.effect.as_str(), "NoSchedule" | "NoExecute"));
    spec.unschedulable != Some(true) && !kept_away
}

/// Recursive read-only mounts and user namespaces, of the default runtime handler.
fn feature(node: &Node) -> (bool, bool) {
    let handlers = node
        .status
        .as_ref()
        .and_then(|s| s.runtime_handlers.as_ref());
    let default = handlers
        .into_iter()
        .flatten()
        .find(|h| h.name.as_deref().unwrap_or_default().is_empty());
    let features = default.and_then(|h| h.features.clone()).unwrap_or_default();
    (
        features.recursive_read_only_mounts == Some(true),
        features.user_namespaces == Some(true),
    )
}

fn node(node: &Node) -> Check {
    let info = node.status.as_ref().and_then(|s| s.node_info.as_ref());
    let kubelet = info.map(|i| i.kubelet_version.clone()).unwrap_or_default();
    let runtime = info
        .map(|i| i.container_runtime_version.clone())
        .unwrap_or_default();
    let kernel = info.map(|i| i.kernel_version.clone()).unwrap_or_default();
    let found = format!(
        "{}: kubelet {kubelet}, {runtime}, kernel {kernel}",
        name(node)
    );
    let conditions = node
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    let ready = conditions
        .filter(|c| c.type_ == "Ready")
        .any(|c| c.status == "True");
    if !ready {
        return Check::warn(
            SECTION,
            format!("{found}: not ready"),
            format!("kubectl describe node {}", name(node)),
        );
    }
    match minor(&kubelet) {
        Some(m) if m >= OLDEST_MINOR => Check::ok(SECTION, found),
        _ => Check::fail(
            SECTION,
            found,
            format!("Upgrade its kubelet to 1.{OLDEST_MINOR} or later, or cordon it."),
        ),
    }
}
