//! Against a listener on loopback that speaks the sentinel's wire format and admin interface.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use sde_core::lock::{Protocol, TargetKind, answer_line};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

const BOOT: &str = "boot-1";

/// TCP and UDP on one port, admin on another; `seen` nonces of every pod.
async fn listener(seen_boot: &'static str) -> (u16, u16) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("tcp");
    let port = tcp.local_addr().expect("address").port();
    let udp = UdpSocket::bind(("127.0.0.1", port)).await.expect("udp");
    let admin = TcpListener::bind("127.0.0.1:0").await.expect("admin");
    let admin_port = admin.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut line = [0; 256];
            if stream.read(&mut line).await.is_ok() {
                let _ = stream.write_all(answer_line(BOOT).as_bytes()).await;
            }
        }
    });
    tokio::spawn(async move {
        let mut line = [0; 256];
        while let Ok((_, from)) = udp.recv_from(&mut line).await {
            let _ = udp.send_to(answer_line(BOOT).as_bytes(), from).await;
        }
    });
    let boot =
        || async { axum::Json(json!({"bootId": BOOT, "startedAt": "2026-11-22T00:00:00Z"})) };
    let seen = move |Path(uid): Path<String>| async move {
        axum::Json(json!({"bootId": seen_boot, "podUid": uid, "count": 2, "complete": true}))
    };
    let app = Router::new()
        .route("/v1/boot", get(boot))
        .route("/v1/seen/{uid}", get(seen));
    tokio::spawn(async move { axum::serve(admin, app).await });
    (port, admin_port)
}

fn sentinel((port, admin_port): (u16, u16)) -> Sentinel {
    Sentinel::new(
        Some([127, 0, 0, 1].into()),
        port,
        admin_port,
        Arc::default(),
    )
}

fn target(name: &str, port: u16, protocol: Protocol) -> Target {
    Target {
        name: name.into(),
        kind: TargetKind::Sentinel,
        address: "127.0.0.1".into(),
        port,
        protocol,
    }
}

#[tokio::test]
async fn a_sentinel_that_answers_gives_a_full_control() {
    let ports = listener(BOOT).await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port")
        .local_addr()
        .expect("address")
        .port();
    let targets = [
        target("open-tcp", ports.0, Protocol::TCP),
        target("open-udp", ports.0, Protocol::UDP),
        target("closed", closed, Protocol::TCP),
    ];
    let control = sentinel(ports)
        .control(Some("boot-0".into()), "uid-1", &targets)
        .await;
    assert!(control.sentinel_answered_tcp && control.sentinel_answered_udp);
    assert_eq!(control.boot_id_before.as_deref(), Some("boot-0"));
    assert_eq!(control.boot_id_after.as_deref(), Some(BOOT));
    assert_eq!(
        (control.nonces_seen, control.nonces_complete),
        (Some(2), true)
    );
    let reachable: Vec<_> = control
        .reachable
        .iter()
        .map(|(n, r)| (n.as_str(), *r))
        .collect();
    assert_eq!(
        reachable,
        [("closed", false), ("open-tcp", true), ("open-udp", true)]
    );
}

#[tokio::test]
async fn a_memory_of_another_boot_is_no_memory() {
    let ports = listener("boot-0").await;
    let control = sentinel(ports)
        .control(Some(BOOT.into()), "uid-1", &[])
        .await;
    assert_eq!(
        (control.nonces_seen, control.nonces_complete),
        (None, false)
    );
}

#[tokio::test]
async fn no_sentinel_leaves_everything_unknown() {
    let nobody = Sentinel::new(None, 7777, 7778, Arc::default());
    assert!(nobody.address().is_none());
    assert!(matches!(nobody.boot().await, Err(SentinelError::Absent)));
    let control = nobody.control(Some(BOOT.into()), "uid-1", &[]).await;
    assert_eq!(
        control,
        Control {
            boot_id_before: Some(BOOT.into()),
            ..Control::default()
        }
    );
}

#[test]
fn only_a_ready_pod_that_stays_has_an_address() {
    let pod = |ready: &str, deleted: bool| -> Pod {
        let metadata = if deleted {
            json!({"deletionTimestamp": "2026-11-22T00:00:00Z"})
        } else {
            json!({})
        };
        serde_json::from_value(json!({
            "metadata": metadata,
            "status": {"podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": ready}]},
        }))
        .expect("pod")
    };
    assert_eq!(
        ready_address(&pod("True", false)),
        Some([10, 0, 0, 7].into())
    );
    assert_eq!(ready_address(&pod("False", false)), None);
    assert_eq!(ready_address(&pod("True", true)), None);
}
