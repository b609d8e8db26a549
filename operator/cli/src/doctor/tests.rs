//! A cluster that is fit, and each way in which it is not.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicySpec,
};
use sde_core::policy_form::{Asker, Finding, Round, Server, attempts};
use sde_crds::project_status::FoundForm;
use serde_json::json;

use super::*;
use crate::fixtures;

const KINDS: [&str; 9] = [
    "sdepolicies",
    "datasets",
    "projects",
    "projectapprovals",
    "workspaces",
    "airlockreceipts",
    "destructionrecords",
    "airlockrequests",
    "airlockreviews",
];

fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn deployment(component: &str) -> serde_json::Value {
    json!({
        "metadata": {"name": format!("sde-{component}"), "labels": {"app.kubernetes.io/name": "sde-operator", "app.kubernetes.io/component": component}},
        "spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [
            {"name": component, "args": ["--namespace=sde-system", "--agent-image=localhost/agent@sha256:00"]}]}}},
        "status": {"availableReplicas": 1},
    })
}

fn node(name: &str) -> serde_json::Value {
    json!({
        "metadata": {"name": name},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.34.1", "containerRuntimeVersion": "containerd://2.1.4", "kernelVersion": "6.12.0",
                "architecture": "", "bootID": "", "kubeProxyVersion": "", "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": ""},
            "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}}],
        },
    })
}

/// A fit cluster.
pub fn fit() -> Facts {
    let mut policies: Vec<ValidatingAdmissionPolicy> = Vec::new();
    let mut bindings: Vec<ValidatingAdmissionPolicyBinding> = Vec::new();
    for (_, source) in sde_policies::embedded::POLICIES {
        let (policy, binding) = source.split_once("\n---\n").unwrap();
        policies.push(serde_yaml_ng::from_str(policy).unwrap());
        bindings.push(serde_yaml_ng::from_str(binding).unwrap());
    }
    let crds = KINDS.map(|plural| {
        json!({
            "metadata": {"name": plural},
            "spec": {"group": "sde-operator.dev", "scope": "Cluster", "names": {"plural": plural, "kind": "X"},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true}]},
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        })
    });
    Facts {
        namespace: "sde-system".to_owned(),
        version: Ok("v1.34.1".to_owned()),
        crds: Ok(from(json!(crds))),
        policies: Ok(policies),
        bindings: Ok(bindings),
        form: form::FormFacts {
            round: refused_by(FoundForm::Static),
            loaded: Ok(Some(form::expected("sde-system"))),
        },
        deployments: Ok(from(json!([
            deployment("controller"),
            deployment("sentinel")
        ]))),
        pods: Ok(from(json!([{
            "metadata": {"name": "sde-sentinel-1", "labels": {"app.kubernetes.io/name": "sde-operator", "app.kubernetes.io/component": "sentinel"}},
            "status": {"phase": "Running", "podIP": "10.0.0.4", "conditions": [{"type": "Ready", "status": "True"}]},
        }]))),
        policy: Ok(Some(fixtures::policy())),
        storage: Ok(from(
            json!([{"metadata": {"name": "standard"}, "provisioner": "rancher.io/local-path", "reclaimPolicy": "Delete"}]),
        )),
        nodes: Ok(from(json!([node("worker-1"), node("worker-2")]))),
        daemons: Ok(from(json!([{"metadata": {"name": "cilium"}}]))),
        projects: Ok(vec![proven(
            "True",
            "Proven",
            "The probe tried 6 targets on node worker-1 and reached none.",
        )]),
        api_service: Ok(Some(from(
            json!({"spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 443}]}}),
        ))),
        api_endpoints: Ok(from(
            json!([{"addressType": "IPv4", "endpoints": [{"addresses": ["172.18.0.2"]}], "ports": [{"port": 6443}]}]),
        )),
        dns_service: Ok(Some(from(json!({"spec": {"clusterIP": "10.96.0.10"}})))),
    }
}

/// What an API server whose policies refuse in this form answers.
pub fn refused_by(form: FoundForm) -> Round {
    let findings = attempts("sde-system", Asker::Person)
        .into_iter()
        .map(|attempt| (attempt.policy, Finding::Form(form)));
    Round {
        at: now(),
        servers: vec![Server {
            address: "the API server that answered".to_owned(),
            findings: findings.collect(),
        }],
        failures: 0,
    }
}

fn proven(status: &str, reason: &str, message: &str) -> sde_crds::Project {
    let mut project = fixtures::project();
    project.status = Some(from(json!({
        "phase": "Active",
        "proof": {"time": "2026-11-22T00:55:00Z", "podUID": "x", "node": "worker-1", "targets": []},
        "conditions": [{"type": "EgressEnforced", "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-22T00:10:00Z"}],
    })));
    project
}

fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

fn text(facts: &Facts) -> String {
    check::render(&checks(facts, now()), Paint(false), 110)
}

/// What is not ok once `change` was made to a fit cluster.
pub fn trouble(change: impl FnOnce(&mut Facts)) -> Vec<(Level, String)> {
    let mut facts = fit();
    change(&mut facts);
    let all = checks(&facts, now())
        .into_iter()
        .filter(|c| c.level != Level::Ok);
    all.inspect(|c| assert!(!c.todo.is_empty(), "{} says not what to do", c.found))
        .map(|c| (c.level, c.found))
        .collect()
}

fn policy_named<'a>(facts: &'a mut Facts, short: &str) -> &'a mut ValidatingAdmissionPolicy {
    let name = format!("{short}.sde-operator.dev");
    facts
        .policies
        .as_mut()
        .unwrap()
        .iter_mut()
        .find(|p| p.metadata.name.as_ref() == Some(&name))
        .unwrap()
}

#[test]
fn a_fit_cluster() {
    insta::assert_snapshot!(text(&fit()));
    assert!(trouble(|_| {}).is_empty());
}

#[test]
fn a_bare_cluster() {
    let mut facts = fit();
    facts.version = Ok("v1.33.9".to_owned());
    facts.crds = Ok(vec![]);
    facts.policies = Ok(vec![]);
    facts.bindings = Ok(vec![]);
    facts.form.round = refused_by(FoundForm::Missing);
    facts.form.loaded = Ok(None);
    facts.deployments = Ok(vec![]);
    facts.policy = Err("this cluster does not serve sde-operator.dev/v1alpha1".to_owned());
    facts.daemons = Ok(from(json!([{"metadata": {"name": "kube-flannel-ds"}}])));
    facts.projects = Ok(vec![]);
    facts.nodes = Ok(from(
        json!([{"metadata": {"name": "old"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}]),
    ));
    insta::assert_snapshot!(text(&facts));
}

#[test]
fn a_policy_that_was_weakened_is_seen() {
    let one = |change: fn(&mut Facts)| {
        let found = trouble(change);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, Level::Fail);
        found[0].1.clone()
    };
    assert!(
        one(|f| f
            .policies
            .as_mut()
            .unwrap()
            .retain(|p| p.metadata.name.as_deref() != Some("project-deletion.sde-operator.dev")))
        .contains("missing")
    );
    assert!(
        one(|f| policy_named(f, "project-deletion")
            .spec
            .as_mut()
            .unwrap()
            .failure_policy = Some("Ignore".to_owned()))
        .contains("fail closed")
    );
    assert!(
        one(|f| f.bindings.as_mut().unwrap()[0]
            .spec
            .as_mut()
            .unwrap()
            .validation_actions = Some(vec!["Audit".to_owned()]))
        .contains("not bound")
    );
    assert!(
        one(|f| f.bindings.as_mut().unwrap()[0]
            .spec
            .as_mut()
            .unwrap()
            .match_resources = Some(Default::default()))
        .contains("not bound")
    );
    let spec = |f: &mut Facts| {
        policy_named(f, "project-namespace-lock")
            .spec
            .take()
            .unwrap()
    };
    let back = |f: &mut Facts, s| policy_named(f, "project-namespace-lock").spec = Some(s);
    let changes: [fn(&mut ValidatingAdmissionPolicySpec); 5] = [
        |s| s.validations.as_mut().unwrap()[0].expression = "true".to_owned(),
        |s| {
            s.validations.as_mut().unwrap().pop();
        },
        |s| s.variables.as_mut().unwrap()[0].expression = "true".to_owned(),
        |s| {
            s.match_constraints
                .as_mut()
                .unwrap()
                .resource_rules
                .as_mut()
                .unwrap()
                .pop();
        },
        |s| {
            s.match_constraints.as_mut().unwrap().exclude_resource_rules =
                Some(vec![Default::default()])
        },
    ];
    for change in changes {
        let found = trouble(|f| {
            let mut s = spec(f);
            change(&mut s);
            back(f, s);
        });
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains("not the one of this version"));
    }
}

#[test]
fn the_charts_namespace_in_policies_is_expected() {
    let found = trouble(|f| {
        f.namespace = "elsewhere".to_owned();
        f.form.loaded = Ok(Some(form::expected("elsewhere")));
        for policy in f.policies.as_mut().unwrap() {
            let text = serde_json::to_string(policy).unwrap();
            *policy = serde_json::from_str(&text.replace("sde-system", "elsewhere")).unwrap();
        }
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn storage_and_images_must_be_right() {
    let found =
        trouble(|f| f.storage.as_mut().unwrap()[0].reclaim_policy = Some("Retain".to_owned()));
    assert!(found[0].0 == Level::Fail && found[0].1.contains("Retain"));
    let found = trouble(|f| f.storage = Ok(vec![]));
    assert!(found[0].1.contains("does not exist"));
    let found = trouble(|f| {
        f.policy
            .as_mut()
            .unwrap()
            .as_mut()
            .unwrap()
            .spec
            .environments[0]
            .image = "a/b:latest".to_owned()
    });
    assert!(found[0].1.contains("without a digest"));
    let found = trouble(|f| f.policy = Ok(None));
    assert!(found[0].1.contains("no SdePolicy"));
}

#[test]
fn pods_that_are_not_there_are_seen() {
    let found = trouble(|f| {
        f.deployments.as_mut().unwrap()[1]
            .status
            .as_mut()
            .unwrap()
            .available_replicas = Some(0)
    });
    assert!(found[0].0 == Level::Fail && found[0].1.contains("sentinel: 0 of 1"));
}

#[test]
fn a_project_whose_lock_is_open_makes_the_cluster_unfit() {
    let found = trouble(|f| {
        f.projects = Ok(vec![proven(
            "False",
            "EgressOpen",
            "Reached from inside the pod: sentinel-tcp.",
        )])
    });
    assert_eq!(found[0].0, Level::Fail);
    assert!(found[0].1.contains("sentinel-tcp"));
}

#[test]
fn what_cannot_be_read_is_not_fit() {
    let found = trouble(|f| {
        f.policies = Err("forbidden".to_owned());
        f.nodes = Err("forbidden".to_owned());
    });
    assert!(
        found
            .iter()
            .all(|(level, text)| *level == Level::Fail && text.contains("cannot read"))
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn nodes_that_lack_something_are_named() {
    let found = trouble(|f| {
        let node = &mut f.nodes.as_mut().unwrap()[1];
        node.status.as_mut().unwrap().runtime_handlers = None;
    });
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|(level, text)| *level == Level::Warn && text.ends_with("on worker-2"))
    );
}
