//! Puts it together and serves until SIGTERM.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum_extra::extract::cookie::Key;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsConfig, bind_rustls};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api::{Api, ApiError};
use crate::app::{App, Shared};
use crate::args::{Args, Role};
use crate::error::PageError;
use crate::headers::{self, SecurityHeaders};
use crate::metrics::Metrics;
use crate::oidc::{Oidc, OidcError};
use crate::session::Sessions;
use crate::ticket::Tickets;
use crate::tls::{Files, TlsError};
use crate::{admin, decide, page, request, sign_in};

/// How long answers may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);

/// Why the portal does not serve.
#[derive(Debug, Error)]
pub enum RunError {
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Sign-in service.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// API server.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// An address cannot be served on.
    #[error("serving on {address}: {source}")]
    Serve {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Signals cannot be waited for.
    #[error("waiting for signals: {0}")]
    Signal(#[source] std::io::Error),
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError`].
pub async fn run(args: &Args) -> Result<(), RunError> {
    let settings = args.settings();
    let files = Files::read(&settings.tls_certificate, &settings.tls_key)?;
    let tls = RustlsConfig::from_config(files.config()?);
    let app = App(Arc::new(Shared {
        role: args.role(),
        public_url: settings.public_url.clone(),
        api: Api::infer().await?,
        oidc: Oidc::new(settings)?,
        sessions: Sessions::new(
            Duration::from_secs(settings.idle_minutes * 60),
            Duration::from_secs(settings.session_hours * 3600),
        ),
        flow_key: Key::generate(),
        tickets: Tickets::new(
            args.role(),
            settings.ticket_key.clone(),
            settings.door_url.clone(),
        ),
        metrics: Metrics::default(),
    }));
    let at = |address| move |source| RunError::Serve { address, source };
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let admin = TcpListener::bind(settings.admin)
        .await
        .map_err(at(settings.admin))?;
    let pages = router(app.clone(), &SecurityHeaders::new(&settings.door_url));
    let handle = Handle::new();
    let mut server = bind_rustls(settings.listen, tls.clone()).handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10));
    tracing::info!(
        role = app.role.as_str(),
        listen = %settings.listen,
        admin = %settings.admin,
        "serving"
    );
    let issuer = app.clone();
    tokio::select! {
        served = server.serve(pages.into_make_service()) => served.map_err(at(settings.listen)),
        served = axum::serve(admin, admin::router(app)) => served.map_err(at(settings.admin)),
        () = issuer.oidc.keep() => Ok(()),
        () = files.follow(tls) => Ok(()),
        () = stopped(&mut terminate, &mut interrupt, &handle) => Ok(()),
    }
}

/// All pages of a portal.
pub fn router(app: App, headers: &SecurityHeaders) -> Router {
    let pages = match app.role {
        Role::Request => request::router(),
        Role::Decide => decide::router(),
    };
    pages
        .merge(sign_in::router())
        .merge(page::assets())
        .fallback(async || PageError::NoPage)
        .method_not_allowed_fallback(async || PageError::NoPage)
        .with_state(app)
        .layer(middleware::from_fn_with_state(
            headers.clone(),
            headers::add,
        ))
}

/// Begins to end when asked to; what is being answered ends first. Never returns: the server's own end is the end.
async fn stopped(terminate: &mut Signal, interrupt: &mut Signal, handle: &Handle<SocketAddr>) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending");
    handle.graceful_shutdown(Some(GRACE));
    std::future::pending().await
}
