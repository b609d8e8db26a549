//! The objects that are made, and what is said of every way a probe can end.

use sde_core::lock::{Outcome, REPORT_VERSION, Seen, SocketResult, TargetResult};

use super::super::tests::fit;
use super::*;

const UID: &str = "33333333-0000-4000-8000-000000000001";

fn plan() -> Plan {
    objects::plan(&fit(), "0a1b2c3d").unwrap()
}

fn report(uid: &str, outcome: impl Fn(&str) -> Outcome, targets: &[Target]) -> Report {
    Report {
        version: REPORT_VERSION,
        pod_uid: uid.to_owned(),
        rounds: 3,
        elapsed_ms: 5000,
        results: targets
            .iter()
            .map(|t| TargetResult {
                name: t.name.clone(),
                outcome: outcome(&t.name),
            })
            .collect(),
        ping: SocketResult::Refused,
        raw: SocketResult::Refused,
        error: None,
    }
}

fn good() -> Evidence {
    let targets = expand(&plan().targets, Some("172.18.0.3"));
    let seen = Seen {
        boot_id: "b".to_owned(),
        pod_uid: UID.to_owned(),
        count: 0,
        first: None,
        last: None,
        complete: true,
    };
    Evidence {
        node: "worker-1".to_owned(),
        pod_uid: UID.to_owned(),
        locked: Ok(report(UID, |_| Outcome::Silent, &targets)),
        free: Ok(report("other", |_| Outcome::Answered, &targets)),
        targets,
        seen: Some(seen),
        boot_before: Some("b".to_owned()),
        boot_after: Some("b".to_owned()),
    }
}

fn said(change: impl FnOnce(&mut Evidence)) -> (Level, String) {
    let mut evidence = good();
    change(&mut evidence);
    let check = verdict(&evidence);
    (check.level, check.found)
}

fn open(evidence: &mut Evidence, name: &str) {
    let report = evidence.locked.as_mut().unwrap();
    report
        .results
        .iter_mut()
        .find(|r| r.name == name)
        .unwrap()
        .outcome = Outcome::Connected;
}

#[test]
fn the_objects() {
    let plan = plan();
    insta::assert_yaml_snapshot!("plan", plan.targets);
    insta::assert_yaml_snapshot!("namespace", plan.namespace_object(Side::Locked));
    insta::assert_yaml_snapshot!("policy", plan.default_deny());
    insta::assert_yaml_snapshot!("pod", plan.pod(Side::Locked, "worker-1", 1));
    assert_ne!(
        objects::pod_name(Side::Free, "worker-1", 1),
        objects::pod_name(Side::Free, "worker-2", 1)
    );
    assert_eq!(plan.nodes, ["worker-1", "worker-2"]);
}

#[test]
fn nodes_that_keep_pods_away_are_left_out() {
    let mut facts = fit();
    let nodes = facts.nodes.as_mut().unwrap();
    nodes[0].spec =
        serde_json::from_str(r#"{"taints": [{"key": "a", "effect": "NoSchedule"}]}"#).unwrap();
    assert_eq!(objects::plan(&facts, "x").unwrap().nodes, ["worker-2"]);
    facts.nodes.as_mut().unwrap()[1].spec =
        serde_json::from_str(r#"{"unschedulable": true}"#).unwrap();
    assert!(
        objects::plan(&facts, "x")
            .unwrap_err()
            .found
            .contains("no node takes pods")
    );
}

#[test]
fn without_sentinel_or_image_nothing_is_made() {
    let mut facts = fit();
    facts.pods = Ok(vec![]);
    assert!(
        objects::plan(&facts, "x")
            .unwrap_err()
            .found
            .contains("no ready sentinel")
    );
    facts.deployments = Ok(vec![]);
    assert!(
        objects::plan(&facts, "x")
            .unwrap_err()
            .found
            .contains("agent image")
    );
}

#[test]
fn locked_only_with_every_part_of_the_proof() {
    assert_eq!(said(|_| {}).0, Level::Ok);
    let (level, text) = said(|e| e.seen = None);
    assert!(level == Level::Ok && text.contains("by the pods' word"));
    for (change, says) in [
        (
            (|e| open(e, "sentinel-tcp")) as fn(&mut Evidence),
            "NOT locked",
        ),
        (|e| open(e, "kubelet"), "172.18.0.3:10250"),
        (|e| e.seen.as_mut().unwrap().count = 1, "nonce-at-sentinel"),
        (|e| e.seen.as_mut().unwrap().complete = false, "not proven"),
        (|e| e.boot_after = Some("c".to_owned()), "not proven"),
        (|e| e.boot_before = None, "not proven"),
        (
            |e| e.locked = Err("its pod does not start".to_owned()),
            "does not start",
        ),
        (
            |e| e.free = Err("its pod does not start".to_owned()),
            "control pod",
        ),
        (
            |e| e.free.as_mut().unwrap().results.clear(),
            "not even a pod without any policy",
        ),
        (|e| e.locked.as_mut().unwrap().rounds = 1, "not proven"),
        (
            |e| e.locked.as_mut().unwrap().ping = SocketResult::Open,
            "icmp-ping",
        ),
        (|e| e.pod_uid = "another".to_owned(), "not proven"),
    ] {
        let (level, text) = said(change);
        assert!(
            level == Level::Fail && text.contains(says),
            "{says}: {text}"
        );
    }
}

#[test]
fn what_got_out_early_is_tried_again_and_nothing_else() {
    let mut evidence = good();
    assert!(!evidence.only_early());
    evidence.seen.as_mut().unwrap().count = 2;
    assert!(evidence.only_early());
    open(&mut evidence, "dns-0");
    assert!(!evidence.only_early());
}
