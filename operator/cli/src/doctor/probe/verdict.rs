//! From two reports to what is said of a node. Pure; core judges.

use sde_core::lock::{
    Control, Enforced, Judgement, OPEN_NONCE, Outcome, Report, Seen, Target, judge,
};

use super::super::check::Check;
use super::SECTION;

/// What was found on one node.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Node.
    pub node: String,
    /// UID of the locked pod.
    pub pod_uid: String,
    /// What both pods dialled.
    pub targets: Vec<Target>,
    /// The locked pod's report, or why there is none.
    pub locked: Result<Report, String>,
    /// The free pod's report, or why there is none.
    pub free: Result<Report, String>,
    /// What the sentinel remembers of the locked pod; none when it cannot be asked from here.
    pub seen: Option<Seen>,
    /// Start of the sentinel, before.
    pub boot_before: Option<String>,
    /// And after.
    pub boot_after: Option<String>,
}

impl Evidence {
    /// The controller's half, taken by the free pod: the same targets, at the same time, from the same node.
    fn control(&self) -> Control {
        let outcomes: Vec<(String, Outcome)> = self
            .free
            .iter()
            .flat_map(|r| &r.results)
            .map(|r| (r.name.clone(), r.outcome))
            .collect();
        let reached = |name: &str| outcomes.iter().any(|(n, o)| n == name && o.is_open());
        Control {
            boot_id_before: self.boot_before.clone(),
            boot_id_after: self.boot_after.clone(),
            sentinel_answered_tcp: reached("sentinel-tcp"),
            sentinel_answered_udp: reached("sentinel-udp"),
            nonces_seen: self.seen.as_ref().map(|s| s.count),
            nonces_complete: self.seen.as_ref().is_some_and(|s| s.complete),
            reachable: outcomes
                .iter()
                .map(|(n, o)| (n.clone(), o.is_open()))
                .collect(),
        }
    }

    fn judge(&self, report: &Report, control: &Control) -> Judgement {
        judge(&self.pod_uid, &self.targets, report, control)
    }

    /// The only thing against this pod is what it sent before the policy was in place.
    pub fn only_early(&self) -> bool {
        self.locked.as_ref().is_ok_and(|report| {
            matches!(self.judge(report, &self.control()).enforced, Enforced::No { open } if open == [OPEN_NONCE])
        })
    }
}

/// What is said of the node.
pub fn verdict(evidence: &Evidence) -> Check {
    let node = &evidence.node;
    let report = match &evidence.locked {
        Ok(report) => report,
        Err(why) => {
            return Check::fail(
                SECTION,
                format!("{node}: not proven: {why}"),
                "Look at the node, its image store and its taints, then run it again.",
            );
        }
    };
    let control = evidence.control();
    if let Enforced::No { open } = evidence.judge(report, &control).enforced {
        let named: Vec<_> = open
            .iter()
            .map(
                |name| match evidence.targets.iter().find(|t| &t.name == name) {
                    Some(target) => format!("{name} ({}:{})", target.address, target.port),
                    None => name.clone(),
                },
            )
            .collect();
        return Check::fail(
            SECTION,
            format!(
                "{node}: NOT locked: under default-deny a pod reached {}",
                named.join(", ")
            ),
            "The CNI does not enforce NetworkPolicies there: no workspace will open on this node. Fix the CNI, or cordon the node.",
        );
    }
    if let Err(why) = &evidence.free {
        return Check::fail(
            SECTION,
            format!("{node}: not proven: the control pod gave no report: {why}"),
            "Without a control, silence proves nothing. Run it again.",
        );
    }
    if !(control.sentinel_answered_tcp && control.sentinel_answered_udp) {
        return Check::fail(
            SECTION,
            format!(
                "{node}: not proven: not even a pod without any policy reaches the sentinel over TCP and UDP"
            ),
            "Look for a cluster-wide policy, the sentinel's NetworkPolicy, or routing between nodes.",
        );
    }
    match evidence.judge(report, &control).enforced {
        Enforced::Yes => Check::ok(SECTION, locked(evidence)),
        Enforced::Inconclusive { why } => {
            // Would it hold if the sentinel's memory, which only the controller may read, said nothing against it?
            let assumed = Control {
                nonces_seen: Some(0),
                nonces_complete: true,
                ..control
            };
            if evidence.seen.is_none() && evidence.judge(report, &assumed).enforced == Enforced::Yes
            {
                Check::ok(
                    SECTION,
                    format!(
                        "{}; by the pods' word, as the sentinel's memory is the controller's alone",
                        locked(evidence)
                    ),
                )
            } else {
                Check::fail(
                    SECTION,
                    format!("{node}: not proven: {why}"),
                    "Run it again; if it stays, look at what is named (for dns: are CoreDNS's pods ready?) and at the sentinel's pod.",
                )
            }
        }
        Enforced::No { .. } => Check::fail(SECTION, format!("{node}: NOT locked"), ""),
    }
}

fn locked(evidence: &Evidence) -> String {
    format!(
        "{}: locked: under default-deny a pod tried {} targets and reached none, while one without a policy reached the sentinel",
        evidence.node,
        evidence.targets.len()
    )
}
