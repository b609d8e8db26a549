//! The control-plane lane's own parts: what later suites rely on must itself be seen to work.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod};
use kube::Api;
use kube::api::PostParams;
use sde_core::lock::{Outcome, Report};
use serde_json::json;

use super::error::{Result, SuiteError, check, check_equal};
use super::lab::object;
use super::runner::{Runner, SuiteReport};
use super::scene::{Scene, eventually, exit_code, phase};
use super::waiting::when;
use crate::controlplane::fault_proxy::{Fault, FaultProxy, Point, Rule};
use crate::controlplane::identity::{self, ADMIN};
use crate::controlplane::standin::{Behaviour, ProbeFinds, Standin};
use crate::controlplane::{ControlPlane, ControlPlaneOptions};

/// Runs the suite on a control plane of its own, without the chart.
///
/// # Errors
/// When the control plane does not start.
pub async fn run(options: ControlPlaneOptions, filter: Option<String>) -> Result<SuiteReport> {
    let plane = ControlPlane::start(options).await?;
    println!(
        "control plane started in {:.1} s",
        plane.started_in().as_secs_f32()
    );
    let standin = Standin::start(&plane).await?;
    let mut runner = Runner::new(filter);
    runner
        .test(
            "lane: a pod waits at its gate, runs, and goes with its volume",
            pod_walks(&plane),
        )
        .await;
    runner
        .test(
            "lane: an open target, a missing image, a mount that fails",
            trouble(&plane, &standin),
        )
        .await;
    runner
        .test(
            "lane: a volume that will not delete",
            kept_volume(&plane, &standin),
        )
        .await;
    runner
        .test(
            "lane: the proxy passes watches and fails chosen writes",
            proxy(&plane),
        )
        .await;
    runner
        .test(
            "lane: the API server comes back with what it held",
            restart(&plane),
        )
        .await;
    runner
        .test("lane: the audit log names who wrote what", audit(&plane))
        .await;
    plane.check()?;
    Ok(runner.finish())
}

async fn pod_walks(plane: &ControlPlane) -> Result<()> {
    let scene = Scene::set(plane.admin(), "walks").await?;
    let waiting = scene
        .when("probe ended", |pod| exit_code(pod, "probe") == Some(0))
        .await?;
    check_equal("phase before the gate opens", &phase(&waiting), &"Pending")?;
    check_equal("gate before it opens", &exit_code(&waiting, "gate"), &None)?;
    scene.open_gate().await?;
    scene
        .when("pod running", |pod| phase(pod) == "Running")
        .await?;
    check_equal("volumes", &scene.volumes().await?.len(), &1)?;
    scene.strike().await?;
    eventually("the volume is gone", async || {
        Ok(scene.volumes().await?.is_empty())
    })
    .await
}

async fn trouble(plane: &ControlPlane, standin: &Standin) -> Result<()> {
    standin.set(
        "sde-project-open",
        Behaviour {
            probe: ProbeFinds::Open("sentinel".to_owned()),
            ..Behaviour::default()
        },
    );
    let scene = Scene::set(plane.admin(), "open").await?;
    let failed = scene
        .when("pod failed", |pod| phase(pod) == "Failed")
        .await?;
    let statuses = failed
        .status
        .and_then(|status| status.init_container_statuses)
        .unwrap_or_default();
    let message = statuses
        .iter()
        .find_map(|status| status.state.as_ref()?.terminated.as_ref()?.message.clone())
        .unwrap_or_default();
    let report = Report::parse(&message).map_err(|error| SuiteError::Check(error.to_string()))?;
    check_equal(
        "outcome of the open target",
        &report.results.first().map(|result| result.outcome),
        &Some(Outcome::Connected),
    )?;

    standin.set(
        "sde-project-image",
        Behaviour {
            image_missing: true,
            ..Behaviour::default()
        },
    );
    let scene = Scene::set(plane.admin(), "image").await?;
    scene.open_gate().await?;
    let waiting = |pod: &Pod| {
        let statuses = pod
            .status
            .iter()
            .flat_map(|status| status.container_statuses.iter().flatten());
        statuses.into_iter().any(|status| {
            let reason = status
                .state
                .as_ref()
                .and_then(|state| state.waiting.as_ref()?.reason.clone());
            reason.as_deref() == Some("ErrImageNeverPull")
        })
    };
    scene.when("ErrImageNeverPull", waiting).await?;
    standin.set("sde-project-image", Behaviour::default());
    scene
        .when("pod running once the image is there", |pod| {
            phase(pod) == "Running"
        })
        .await?;

    standin.set(
        "sde-project-mount",
        Behaviour {
            mount_fails: true,
            ..Behaviour::default()
        },
    );
    Scene::set(plane.admin(), "mount").await?;
    let events: Api<Event> = Api::namespaced(plane.admin(), "sde-project-mount");
    when(&events, "ws.failed-mount", "FailedMount", |event| {
        event.reason.as_deref() == Some("FailedMount")
    })
    .await?;
    Ok(())
}

async fn kept_volume(plane: &ControlPlane, standin: &Standin) -> Result<()> {
    standin.set(
        "sde-project-kept",
        Behaviour {
            keeps_volumes: true,
            ..Behaviour::default()
        },
    );
    let scene = Scene::set(plane.admin(), "kept").await?;
    scene.open_gate().await?;
    scene
        .when("pod running", |pod| phase(pod) == "Running")
        .await?;
    scene.strike().await?;
    let released = async || {
        let volumes = scene.volumes().await?;
        Ok(volumes.iter().any(|volume| {
            volume
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref())
                == Some("Released")
        }))
    };
    eventually("the volume is Released", released).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    check(released().await?, "a volume that is to be kept was deleted")?;
    standin.set("sde-project-kept", Behaviour::default());
    eventually("the volume is gone once it may", async || {
        Ok(scene.volumes().await?.is_empty())
    })
    .await
}

async fn proxy(plane: &ControlPlane) -> Result<()> {
    use futures::{StreamExt as _, pin_mut};
    use kube::api::{WatchEvent, WatchParams};

    let proxy = FaultProxy::start(plane.passthrough()?).await?;
    let client = identity::client(&proxy.url(), None, Some(&identity::token(ADMIN)))?;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let map = |name: &str| object::<ConfigMap>(json!({"metadata": {"name": name}}));
    let post = PostParams::default();
    let watch = maps
        .watch(
            &WatchParams::default().fields("metadata.name=proxied-lost"),
            "0",
        )
        .await?;
    pin_mut!(watch);

    let faults = [
        ("proxied-refused", Fault::Answer(503), false),
        ("proxied-lost", Fault::ApplyThenDrop, true),
        ("proxied-applied", Fault::ApplyThenAnswer(500), true),
    ];
    for (name, fault, applied) in faults {
        proxy.arm(
            name,
            Some(Rule {
                point: Point::Nth(1),
                fault,
            }),
        );
        let answer = maps.create(&post, &map(name)?).await;
        check(
            answer.is_err(),
            format_args!("{fault}: the client got an answer"),
        )?;
        check_equal(
            &format!("{fault}: applied"),
            &maps.get_opt(name).await?.is_some(),
            &applied,
        )?;
        let again = maps.create(&post, &map(name)?).await;
        check_equal(
            &format!("{fault}: the next write passes"),
            &again.is_ok(),
            &!applied,
        )?;
        check_equal(
            &format!("{fault}: writes counted"),
            &proxy.disarm(name).len(),
            &2,
        )?;
    }
    proxy.arm(
        "proxied-slow",
        Some(Rule {
            point: Point::Nth(1),
            fault: Fault::Hang,
        }),
    );
    let answer = tokio::time::timeout(
        Duration::from_millis(300),
        maps.create(&post, &map("proxied-slow")?),
    )
    .await;
    check(answer.is_err(), "a hanging request was answered")?;

    let added = watch.any(async |event| matches!(event, Ok(WatchEvent::Added(_))));
    let seen = tokio::time::timeout(Duration::from_secs(5), added).await;
    check(
        matches!(seen, Ok(true)),
        format_args!("the watch did not show the object: {seen:?}"),
    )
}

async fn restart(plane: &ControlPlane) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(plane.admin(), "default");
    maps.create(
        &PostParams::default(),
        &object(json!({"metadata": {"name": "kept"}}))?,
    )
    .await?;
    plane.restart_apiserver().await?;
    check(maps.get_opt("kept").await?.is_some(), "an object is lost")
}

async fn audit(plane: &ControlPlane) -> Result<()> {
    use crate::controlplane::audit::{creations, events_since, noise, position};
    let start = position(&plane.audit_log())?;
    let maps: Api<ConfigMap> = Api::namespaced(plane.admin(), "default");
    maps.create(
        &PostParams::default(),
        &object(json!({"metadata": {"name": "audited"}}))?,
    )
    .await?;
    let events = events_since(&plane.audit_log(), start)?;
    check_equal(
        "creations of the object",
        &creations(&events).get("/configmaps/default/audited"),
        &Some(&1),
    )?;
    check(
        noise(&events, ADMIN)
            .iter()
            .any(|event| event.is_successful_write()),
        "the write is not counted as noise",
    )
}
