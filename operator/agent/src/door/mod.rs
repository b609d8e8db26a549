//! `sde-agent door`: the one place where a browser meets bytes of the airlock. Holds no API credentials and keeps nothing: whoever
//! brings a ticket that a portal has signed gets what the job of that ticket answers, counted.

mod bring;
mod collect;
mod counts;
mod dial;
mod files;
mod held;
mod look;
mod origin;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::exit::{Exit, block_on, terminated};
use crate::page::{notice, secured, style};
use crate::serve::{Bounds, serve};
use counts::Counts;
use files::{Keys, Paths};

/// Bytes of a form: a ticket, and no more.
const FORM: usize = 8 << 10;
/// For the last words to jobs, once nothing more is sent.
const WORDS: Duration = Duration::from_secs(5);

const ADMIN: Bounds = Bounds {
    connections: 32,
    unread: Duration::from_secs(10),
    grace: Duration::from_secs(1),
};

/// Arguments of `door`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where browsers are answered, over TLS 1.3.
    #[arg(long, env = "SDE_LISTEN", default_value = "0.0.0.0:8443")]
    listen: SocketAddr,
    /// Certificate chain, PEM; read again when it changes.
    #[arg(long, env = "SDE_TLS_CERTIFICATE")]
    tls_certificate: PathBuf,
    /// Its private key, PEM.
    #[arg(long, env = "SDE_TLS_KEY")]
    tls_key: PathBuf,
    /// Directory with the portals' public keys, `portal-request.pem` and `portal-decide.pem`; read again when they change.
    #[arg(long, env = "SDE_TICKET_KEYS")]
    ticket_keys: PathBuf,
    /// Where /healthz (ready), /livez and /metrics are, over plain HTTP; keep it closed to browsers.
    #[arg(long, env = "SDE_ADMIN", default_value = "0.0.0.0:8080")]
    admin: SocketAddr,
    /// Connections at once.
    #[arg(long, env = "SDE_CONNECTIONS", default_value_t = 256)]
    connections: usize,
    /// How long what is under way may go on after SIGTERM, in seconds; less than the pod's grace period.
    #[arg(long, env = "SDE_GRACE_SECONDS", default_value_t = 20)]
    grace_seconds: u64,
}

/// What every request needs.
struct Door {
    keys: watch::Receiver<Keys>,
    counts: Counts,
    /// What is still to be said to jobs.
    words: TaskTracker,
}

/// Serves until SIGTERM, then exits 0.
pub fn run(args: &Args) -> Exit {
    block_on(async {
        match open(args).await {
            Ok(()) => Exit::Proven,
            Err(error) => {
                tracing::error!(%error, "cannot serve");
                Exit::Internal
            }
        }
    })
}

async fn open(args: &Args) -> io::Result<()> {
    let (mut tls, keys) = files::watch(Paths {
        certificate: args.tls_certificate.clone(),
        key: args.tls_key.clone(),
        tickets: args.ticket_keys.clone(),
    });
    let door = Arc::new(Door {
        keys,
        counts: Counts::default(),
        words: TaskTracker::new(),
    });
    let admin = TcpListener::bind(args.admin).await?;
    let ready = tls.clone();
    let routes = Router::new()
        .route(
            "/healthz",
            get(async move |door: State<Arc<Door>>| health(&door, ready.borrow().is_some())),
        )
        // Waiting is no reason to be restarted.
        .route("/livez", get(async || "ok"))
        .route(
            "/metrics",
            get(async |door: State<Arc<Door>>| door.counts.text()),
        )
        .with_state(Arc::clone(&door));
    let admin = tokio::spawn(serve(admin, None, routes, ADMIN, terminated()));
    // Without a certificate nobody can be answered: then the port stays shut.
    tokio::select! {
        there = tls.wait_for(Option::is_some) => { there.map_err(io::Error::other)?; }
        () = terminated() => return Ok(()),
    }
    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!(listen = %args.listen, admin = %args.admin, "serving");
    let bounds = Bounds {
        connections: args.connections,
        unread: Duration::from_secs(60),
        grace: Duration::from_secs(args.grace_seconds),
    };
    let app = app(Arc::clone(&door));
    serve(listener, Some(tls), app, bounds, terminated()).await;
    door.words.close();
    let _ = timeout(WORDS, door.words.wait()).await;
    admin.abort();
    Ok(())
}

fn app(door: Arc<Door>) -> Router {
    Router::new()
        .route("/collect", post(collect::collect))
        .route("/view", post(look::enter))
        .route("/view/{uid}/", get(look::look))
        .route("/view/{uid}/{*rest}", get(look::look))
        .route("/upload", post(bring::enter))
        .route("/upload/{uid}/", get(bring::look))
        .route("/upload/{uid}/files", post(bring::files))
        .route("/upload/{uid}/remove", post(bring::remove))
        .route("/style.css", get(style))
        .fallback(async || {
            notice(
                StatusCode::NOT_FOUND,
                "There is no such page",
                "Files are brought, looked at and collected from the portal. Go back to it.",
            )
        })
        .method_not_allowed_fallback(async || {
            notice(
                StatusCode::METHOD_NOT_ALLOWED,
                "This address is not opened like that",
                "Files are brought, looked at and collected from the portal. Go back to it.",
            )
        })
        .layer(DefaultBodyLimit::max(FORM))
        .layer(map_response(secured))
        .with_state(door)
}

/// Ready when browsers can be answered and both portals' tickets checked; else what is waited for.
fn health(door: &Door, certificate: bool) -> Response {
    let missing = door.keys.borrow().missing();
    if certificate && missing.is_empty() {
        return "ok".into_response();
    }
    let certificate = (!certificate).then_some("the certificate");
    let waiting: Vec<&str> = certificate.into_iter().chain(missing).collect();
    let words = format!("waiting for {}\n", waiting.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}
