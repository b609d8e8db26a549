//! Plain HTTP on loopback in front of the API server: passes requests and watches through, counts writes, and makes chosen ones fail.

mod rules;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use super::error::{Result, io};

pub use rules::{Fault, Point, Recorded, Rule, Shape, Write};
use rules::{Scope, is_write, status_body};

type Answer = Response<UnsyncBoxBody<Bytes, kube::Error>>;
type Killer = Arc<dyn Fn() + Send + Sync>;

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the request could not be read: {0}")]
    Request(#[from] hyper::Error),
    #[error("the API server did not answer: {0}")]
    Upstream(#[from] kube::Error),
    #[error("the answer could not be built: {0}")]
    Answer(#[from] http::Error),
    #[error("closed on purpose")]
    OnPurpose,
}

/// The proxy; its port is closed and every connection cut when it is dropped.
pub struct FaultProxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: AbortHandle,
}

struct Shared {
    upstream: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scopes: Vec<Scope>,
    killer: Option<Killer>,
}

impl FaultProxy {
    /// Listens on a free port of loopback; `upstream` must send requests on without credentials of its own.
    ///
    /// # Errors
    /// When loopback has no free port.
    pub async fn start(upstream: Client) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(io("fault proxy"))?;
        let port = listener.local_addr().map_err(io("fault proxy"))?.port();
        let shared = Arc::new(Shared {
            upstream,
            state: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Ok(Self {
            shared,
            port,
            accepting,
        })
    }

    /// The proxy's address, for a kubeconfig.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What `KillBefore` and `KillAfter` call; it must return only when the controller is dead.
    pub fn on_kill(&self, killer: impl Fn() + Send + Sync + 'static) {
        self.shared.lock().killer = Some(Arc::new(killer));
    }

    /// Begins to count the writes whose path or body contains `scope`, from zero, with at most one fault among them.
    pub fn arm(&self, scope: &str, rule: Option<Rule>) {
        let mut state = self.shared.lock();
        state.scopes.retain(|other| other.text != scope);
        state.scopes.push(Scope {
            text: scope.to_owned(),
            rule,
            ..Scope::default()
        });
    }

    /// As [`FaultProxy::arm`] without a fault, and keeps whole requests for [`FaultProxy::tape`].
    pub fn record(&self, scope: &str) {
        self.arm(scope, None);
        if let Some(scope) = self.shared.lock().scopes.last_mut() {
            scope.tape = Some(Vec::new());
        }
    }

    /// The requests recorded for a scope so far.
    pub fn tape(&self, scope: &str) -> Vec<Recorded> {
        self.shared
            .lock()
            .scopes
            .iter()
            .find(|other| other.text == scope)
            .and_then(|scope| scope.tape.clone())
            .unwrap_or_default()
    }

    /// The writes of a scope so far.
    pub fn writes(&self, scope: &str) -> Vec<Write> {
        self.shared
            .lock()
            .scopes
            .iter()
            .find(|other| other.text == scope)
            .map(|scope| scope.writes.clone())
            .unwrap_or_default()
    }

    /// Stops counting for a scope and returns its writes.
    pub fn disarm(&self, scope: &str) -> Vec<Write> {
        let mut state = self.shared.lock();
        let found = state.scopes.iter().position(|other| other.text == scope);
        found
            .map(|index| state.scopes.swap_remove(index).writes)
            .unwrap_or_default()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a write in every scope that it belongs to; returns its places and the fault that is due, if any.
    fn count(&self, request: &Request<Bytes>) -> (Vec<(String, usize)>, Option<Fault>) {
        let path = request.uri().path();
        let mut places = Vec::new();
        let mut due = None;
        if !is_write(
            request.method(),
            path,
            request.uri().query().unwrap_or_default(),
        ) {
            return (places, due);
        }
        let body = String::from_utf8_lossy(request.body());
        let mut state = self.lock();
        for scope in state
            .scopes
            .iter_mut()
            .filter(|scope| path.contains(&scope.text) || body.contains(&scope.text))
        {
            places.push((scope.text.clone(), scope.writes.len()));
            due = due.or(scope.note(request.method(), path));
            if let Some(tape) = &mut scope.tape {
                tape.push(Recorded {
                    method: request.method().clone(),
                    target: request
                        .uri()
                        .path_and_query()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                    content_type: request.headers().get(CONTENT_TYPE).cloned(),
                    body: request.body().clone(),
                });
            }
        }
        (places, due)
    }

    fn answered(&self, places: &[(String, usize)], status: u16) {
        let mut state = self.lock();
        for (text, index) in places {
            let scope = state.scopes.iter_mut().find(|scope| scope.text == *text);
            if let Some(write) = scope.and_then(|scope| scope.writes.get_mut(*index)) {
                write.status = Some(status);
            }
        }
    }

    async fn handle(&self, request: Request<Incoming>) -> std::result::Result<Answer, Closed> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        let (places, fault) = self.count(&request);
        let Some(fault) = fault else {
            let answer = self.forward(request).await?;
            self.answered(&places, answer.status().as_u16());
            return Ok(answer);
        };
        tracing::info!(method = %request.method(), path = request.uri().path(), %fault, "fault");
        if fault.applies() {
            let (head, body) = self.forward(request).await?.into_parts();
            body.collect().await?;
            self.answered(&places, head.status.as_u16());
        }
        match fault {
            Fault::Answer(code) | Fault::ApplyThenAnswer(code) => injected(code),
            Fault::ApplyThenDrop => Err(Closed::OnPurpose),
            // The connection goes when the client gives up, and this future with it.
            Fault::Hang | Fault::ApplyThenHang => std::future::pending().await,
            Fault::KillBefore | Fault::KillAfter => {
                let killer = self.lock().killer.clone();
                if let Some(kill) = killer {
                    kill();
                }
                Err(Closed::OnPurpose)
            }
        }
    }

    async fn forward(&self, request: Request<Bytes>) -> std::result::Result<Answer, Closed> {
        let (mut parts, body) = request.into_parts();
        drop_hop_headers(&mut parts.headers);
        let (mut head, body) = self
            .upstream
            .send(Request::from_parts(parts, Body::from(body)))
            .await?
            .into_parts();
        drop_hop_headers(&mut head.headers);
        Ok(Response::from_parts(head, body.boxed_unsync()))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        // An accept error (such as too many open files) passes; the client tries again.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let shared = shared.clone();
        let service = service_fn(move |request| {
            let shared = shared.clone();
            async move { shared.handle(request).await }
        });
        connections.spawn(async move {
            // A connection ends with an error whenever a fault or a killed client cuts it.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

fn injected(code: u16) -> std::result::Result<Answer, Closed> {
    let mut response = Response::builder()
        .status(code)
        .header(CONTENT_TYPE, "application/json");
    if matches!(code, 429 | 503) {
        response = response.header(RETRY_AFTER, rules::RETRY_AFTER.as_secs());
    }
    let body =
        Full::new(Bytes::from(status_body(code))).map_err(|never: Infallible| match never {});
    Ok(response.body(body.boxed_unsync())?)
}

/// Headers that are between two neighbours only; each side sets its own.
fn drop_hop_headers(headers: &mut HeaderMap) {
    for name in [HOST, CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
        headers.remove(name);
    }
}
