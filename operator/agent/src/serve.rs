//! HTTP/1.1 over TCP or TLS, within bounds: connections, time for a header, time that a peer may leave bytes unread.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// For a TLS handshake, and for a request's header; a connection that asks nothing is closed after it.
const HEADER: Duration = Duration::from_secs(10);
/// After an accept that failed for want of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);
/// Bytes of a request's header, and of what is read ahead.
const HEADER_BYTES: usize = 16 << 10;

/// What a server may spend.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at once; one more is hung up on.
    pub connections: usize,
    /// How long a peer may leave what was sent unread before it counts as gone (TCP_USER_TIMEOUT).
    pub unread: Duration,
    /// How long requests under way may go on after the end was asked for.
    pub grace: Duration,
}

/// The TLS configuration in force; none while there is no certificate.
pub type Tls = watch::Receiver<Option<Arc<ServerConfig>>>;

/// Serves until `end` resolves and what was under way is done, or [`Bounds::grace`] is over.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    app: Router,
    bounds: Bounds,
    end: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(bounds.connections));
    let graceful = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(BACK_OFF).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            continue;
        };
        let (app, watcher) = (app.clone(), graceful.watcher());
        let config = tls.as_ref().map(|tls| tls.borrow().clone());
        tokio::spawn(async move {
            // Peers that break off are their own concern.
            let _ = connection(stream, config, app, bounds, watcher).await;
            drop(slot);
        });
    }
    drop(listener);
    if timeout(bounds.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way are cut off");
    }
}

async fn connection(
    stream: TcpStream,
    config: Option<Option<Arc<ServerConfig>>>,
    app: Router,
    bounds: Bounds,
    watcher: Watcher,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_user_timeout(Some(bounds.unread))?;
    match config {
        None => converse(stream, app, watcher).await,
        Some(None) => Ok(()),
        Some(Some(config)) => {
            let secured = timeout(HEADER, TlsAcceptor::from(config).accept(stream)).await??;
            converse(secured, app, watcher).await
        }
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    watcher: Watcher,
) -> io::Result<()> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    watcher.watch(connection).await.map_err(io::Error::other)
}
