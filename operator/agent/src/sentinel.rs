//! `sde-agent sentinel`: the listener, and an admin interface where the controller asks who spoke.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use sde_core::lock::{Boot, Seen, is_pod_uid};

use crate::exit::{Exit, block_on, terminated};
use crate::listener::Listener;
use crate::memory::{CAPACITY, Memory};

/// Arguments of `sentinel`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where anyone is answered, over TCP and UDP.
    #[arg(long, env = "SDE_LISTEN", default_value = "0.0.0.0:7777")]
    listen: SocketAddr,
    /// Where the controller asks; keep it closed to everyone else.
    #[arg(long, env = "SDE_ADMIN", default_value = "0.0.0.0:7778")]
    admin: SocketAddr,
}

/// Serves until SIGTERM, then exits 0.
pub fn run(args: &Args) -> Exit {
    block_on(async {
        match serve(args).await {
            Ok(()) => Exit::Proven,
            Err(error) => {
                tracing::error!(%error, "cannot serve");
                Exit::Internal
            }
        }
    })
}

async fn serve(args: &Args) -> io::Result<()> {
    let memory = Arc::new(Memory::new(CAPACITY));
    let listener = Listener::bind(args.listen, Arc::clone(&memory)).await?;
    let admin = tokio::net::TcpListener::bind(args.admin).await?;
    tracing::info!(
        listen = %args.listen, admin = %args.admin, boot_id = memory.boot().boot_id, "serving"
    );
    let listening = tokio::spawn(listener.serve());
    let served = axum::serve(admin, admin_router(memory))
        .with_graceful_shutdown(terminated())
        .await;
    listening.abort();
    served
}

fn admin_router(memory: Arc<Memory>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/v1/boot", get(boot))
        .route("/v1/seen/{pod_uid}", get(seen))
        .with_state(memory)
}

async fn boot(State(memory): State<Arc<Memory>>) -> Json<Boot> {
    Json(memory.boot().clone())
}

async fn seen(
    State(memory): State<Arc<Memory>>,
    Path(pod_uid): Path<String>,
) -> Result<Json<Seen>, (StatusCode, &'static str)> {
    if !is_pod_uid(&pod_uid) {
        return Err((StatusCode::BAD_REQUEST, "not a pod UID"));
    }
    Ok(Json(memory.seen(&pod_uid)))
}
