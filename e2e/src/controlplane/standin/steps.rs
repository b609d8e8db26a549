//! What a kubelet would do next with one pod of ours: a function of the pod as it is.

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt as _;
use sde_core::airlock::task::TASK_ENV;
use sde_core::lock::{MIN_ROUNDS, Outcome, Report, SocketResult, TargetResult, parse_targets};
use sde_crds::names::GATE_ANNOTATION;
use serde_json::{Value, json};

use super::behaviour::{Behaviour, ProbeFinds};
use super::jobs::airlock_job;
use super::status::{At, HOST_ADDRESS, status, unchanged};

/// One thing to do with a pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Nothing until the pod, its claims or the behaviour change.
    Rest,
    /// Put it on the node.
    Bind,
    /// Remove it for good, as it is being deleted and all has ended.
    Remove,
    /// Say that its volumes cannot be mounted: status and an Event.
    ReportMountFailure(Value),
    /// Write this status.
    Report(Value),
}

/// The next step. `claims_bound` says whether every claim that the pod mounts is bound.
pub(super) fn next(pod: &Pod, claims_bound: bool, behaviour: &Behaviour, now: &str) -> Step {
    if pod.metadata.deletion_timestamp.is_some() {
        return Step::Remove;
    }
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return Step::Rest;
    }
    let Some(spec) = pod.spec.as_ref() else {
        return Step::Rest;
    };
    if spec.node_name.is_none() {
        return if claims_bound { Step::Bind } else { Step::Rest };
    }
    let inits = spec.init_containers.as_deref().unwrap_or_default();
    let mut states = Vec::with_capacity(inits.len() + spec.containers.len());
    let mut blocked = behaviour.mount_fails;
    for container in inits {
        let at = match (blocked, container.name.as_str()) {
            (true, _) => At::Waiting("PodInitializing"),
            (false, "probe") => probe(pod, container, &behaviour.probe),
            (false, "gate") => gate(pod),
            (false, _) => At::Ended {
                code: 0,
                message: String::new(),
            },
        };
        blocked |= !matches!(at, At::Ended { code: 0, .. });
        states.push(at);
    }
    for container in &spec.containers {
        states.push(if blocked {
            At::Waiting("PodInitializing")
        } else {
            main(pod, container, behaviour)
        });
    }
    let containers: Vec<&Container> = inits.iter().chain(&spec.containers).collect();
    if unchanged(pod, &containers, &states) {
        return Step::Rest;
    }
    let status = status(pod, &containers, &states, inits.len(), now);
    if behaviour.mount_fails {
        Step::ReportMountFailure(status)
    } else {
        Step::Report(status)
    }
}

fn probe(pod: &Pod, container: &Container, finds: &ProbeFinds) -> At {
    if *finds == ProbeFinds::Nothing {
        return At::Running;
    }
    let uid = pod.uid().unwrap_or_default();
    let report = report(&uid, container, finds);
    let proven = report.error.is_none() && *finds == ProbeFinds::Silence;
    match report.to_message() {
        Ok(message) => At::Ended {
            code: i32::from(!proven),
            message,
        },
        Err(error) => At::Ended {
            code: 2,
            message: error.to_string(),
        },
    }
}

/// The report that `sde-agent probe` would write, for the targets that it was given.
fn report(uid: &str, container: &Container, finds: &ProbeFinds) -> Report {
    let targets = match parse_targets(&expanded(container, "SDE_TARGETS")) {
        Ok(targets) => targets,
        Err(error) => return Report::failed(uid, &error.to_string()),
    };
    let rounds = env(container, "SDE_ROUNDS")
        .and_then(|text| text.parse().ok())
        .unwrap_or(MIN_ROUNDS);
    let open = |name: &str| matches!(finds, ProbeFinds::Open(target) if target == name);
    let outcome = |name: &str| {
        if open(name) {
            Outcome::Connected
        } else {
            Outcome::Silent
        }
    };
    let results = targets
        .iter()
        .map(|target| TargetResult {
            name: target.name.clone(),
            outcome: outcome(&target.name),
        })
        .collect();
    let ping = if env(container, "SDE_PING") == Some("Sent") {
        SocketResult::Silent
    } else {
        SocketResult::Refused
    };
    let raw = if *finds == ProbeFinds::RawSockets {
        SocketResult::Open
    } else {
        SocketResult::Refused
    };
    let rounds = if *finds == ProbeFinds::Silence {
        rounds
    } else {
        0
    };
    Report {
        pod_uid: uid.to_owned(),
        rounds,
        elapsed_ms: 1,
        results,
        ping,
        raw,
        error: None,
        ..Report::failed(uid, "")
    }
}

fn gate(pod: &Pod) -> At {
    match pod
        .annotations()
        .get(GATE_ANNOTATION)
        .map(String::as_str)
        .unwrap_or_default()
    {
        "" => At::Running,
        text if text == format!("confirmed {}", pod.uid().unwrap_or_default()) => At::Ended {
            code: 0,
            message: String::new(),
        },
        _ => At::Ended {
            code: 1,
            message: "the gate annotation has another value".to_owned(),
        },
    }
}

fn main(pod: &Pod, container: &Container, behaviour: &Behaviour) -> At {
    if behaviour.image_missing {
        return At::Waiting("ErrImageNeverPull");
    }
    if let Some(task) = env(container, TASK_ENV) {
        return airlock_job(&pod.uid().unwrap_or_default(), task, behaviour);
    }
    if container.name != "manifest" {
        return At::Running;
    }
    let wanted = argument(container, "--digest").unwrap_or_default();
    let found = behaviour
        .manifest_digest
        .clone()
        .unwrap_or_else(|| wanted.clone());
    let message = json!({"digest": found, "files": 1, "bytes": 1}).to_string();
    At::Ended {
        code: i32::from(found != wanted),
        message,
    }
}

/// The value of a flag given as `--flag value` or `--flag=value`.
fn argument(container: &Container, flag: &str) -> Option<String> {
    let words: Vec<&String> = container
        .command
        .iter()
        .chain(&container.args)
        .flatten()
        .collect();
    words
        .iter()
        .enumerate()
        .find_map(|(index, word)| match word.strip_prefix(flag)? {
            "" => words.get(index + 1).map(|value| (*value).clone()),
            rest => rest.strip_prefix('=').map(str::to_owned),
        })
}

fn env<'a>(container: &'a Container, name: &str) -> Option<&'a str> {
    container
        .env
        .iter()
        .flatten()
        .find(|var| var.name == name)?
        .value
        .as_deref()
}

/// The value of an environment variable with references to the node's address expanded, as a kubelet does (`$(NAME)`).
fn expanded(container: &Container, name: &str) -> String {
    let mut text = env(container, name).unwrap_or_default().to_owned();
    for var in container.env.iter().flatten() {
        let field = var
            .value_from
            .as_ref()
            .and_then(|from| from.field_ref.as_ref())
            .map(|field| field.field_path.as_str());
        if field == Some("status.hostIP") {
            text = text.replace(&format!("$({})", var.name), HOST_ADDRESS);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotation: Option<&str>, deleted: bool) -> Pod {
        let annotations = annotation
            .map(|value| json!({GATE_ANNOTATION: value}))
            .unwrap_or(json!({}));
        let targets = r#"[{"name":"sentinel-tcp","kind":"Sentinel","address":"$(SDE_HOST_IP)","port":7777,"protocol":"TCP"}]"#;
        let host = json!({"name": "SDE_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}});
        let mut value = json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u-1", "annotations": annotations},
            "spec": {"nodeName": "standin",
                "initContainers": [{"name": "probe", "env": [host, {"name": "SDE_TARGETS", "value": targets}]}, {"name": "gate"}],
                "containers": [{"name": "manifest", "args": ["manifest", "--digest", "sha256:ab"]}]},
        });
        if deleted {
            value["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        serde_json::from_value(value).unwrap()
    }

    fn reported(step: Step) -> Value {
        match step {
            Step::Report(status) => status,
            other => panic!("expected a report, not {other:?}"),
        }
    }

    #[test]
    fn nothing_runs_before_the_gate_opens() {
        let status = reported(next(
            &pod(None, false),
            true,
            &Behaviour::default(),
            "2026-01-01T00:00:00Z",
        ));
        assert_eq!(status["phase"], "Pending");
        assert_eq!(
            status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"],
            0
        );
        assert!(status["initContainerStatuses"][1]["state"]["running"].is_object());
        assert_eq!(
            status["containerStatuses"][0]["state"]["waiting"]["reason"],
            "PodInitializing"
        );
    }

    #[test]
    fn a_confirmation_for_another_pod_fails_the_gate() {
        let status = reported(next(
            &pod(Some("confirmed u-2"), false),
            true,
            &Behaviour::default(),
            "2026-01-01T00:00:00Z",
        ));
        assert_eq!(status["phase"], "Failed");
    }

    #[test]
    fn the_data_check_reports_the_digest_it_found() {
        let confirmed = pod(Some("confirmed u-1"), false);
        let status = reported(next(
            &confirmed,
            true,
            &Behaviour::default(),
            "2026-01-01T00:00:00Z",
        ));
        assert_eq!(status["phase"], "Succeeded");
        let other = Behaviour {
            manifest_digest: Some("sha256:cd".to_owned()),
            ..Behaviour::default()
        };
        let status = reported(next(&confirmed, true, &other, "2026-01-01T00:00:00Z"));
        assert_eq!(status["phase"], "Failed");
        assert!(
            status["containerStatuses"][0]["state"]["terminated"]["message"]
                .as_str()
                .unwrap()
                .contains("sha256:cd")
        );
    }

    #[test]
    fn an_open_target_fails_the_pod_and_is_named() {
        let open = Behaviour {
            probe: ProbeFinds::Open("sentinel-tcp".to_owned()),
            ..Behaviour::default()
        };
        let status = reported(next(&pod(None, false), true, &open, "2026-01-01T00:00:00Z"));
        assert_eq!(status["phase"], "Failed");
        let message = status["initContainerStatuses"][0]["state"]["terminated"]["message"]
            .as_str()
            .unwrap();
        assert_eq!(
            Report::parse(message).unwrap().results[0].outcome,
            Outcome::Connected
        );
    }

    #[test]
    fn a_deleted_pod_goes() {
        assert_eq!(
            next(
                &pod(None, true),
                true,
                &Behaviour::default(),
                "2026-01-01T00:00:00Z"
            ),
            Step::Remove
        );
    }
}
