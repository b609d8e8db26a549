//! Asking a job: at the address in its ticket and at no other, with the ticket, over plain HTTP in the cluster's network.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName};
use axum::http::{HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::door::held::Held;

/// For a job to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// For a job to begin its answer: a page of a viewer takes up to a minute.
const ANSWER: Duration = Duration::from_secs(75);

/// Why a job gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[from] io::Error),
    /// It did not answer in HTTP.
    #[error("no answer: {0}")]
    Answer(#[from] hyper::Error),
    /// It did not answer in time.
    #[error("no answer in time")]
    Late(#[from] tokio::time::error::Elapsed),
    /// The question cannot be asked.
    #[error("no question: {0}")]
    Question(#[from] axum::http::Error),
}

impl DialError {
    /// Whether what was to be sent broke off, and not the job.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Answer(error) if error.is_user())
    }
}

/// What is sent with a question.
pub struct Load {
    /// Its type.
    pub kind: HeaderValue,
    /// It.
    pub body: Body,
    /// For the job to begin its answer, once it is asked: it takes the load first.
    pub patience: Duration,
}

impl Load {
    /// A few words.
    pub fn json(json: Vec<u8>) -> Self {
        Self {
            kind: HeaderValue::from_static("application/json"),
            body: Body::from(json),
            patience: ANSWER,
        }
    }
}

/// Asks the job of a ticket.
///
/// # Errors
/// [`DialError`].
pub async fn ask(
    held: &Held,
    method: Method,
    path: &str,
    load: Option<Load>,
) -> Result<Response<Incoming>, DialError> {
    let at = held.ticket.at;
    let stream = timeout(CONNECT, TcpStream::connect(at)).await??;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // What goes wrong in it is the error of whoever reads the answer.
        let _ = connection.await;
    });
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, at.to_string())
        .header(AUTHORIZATION, format!("Bearer {}", held.token));
    let mut patience = ANSWER;
    let mut body = Body::empty();
    if let Some(load) = load {
        request = request.header(CONTENT_TYPE, load.kind);
        (patience, body) = (load.patience, load.body);
    }
    let request = request.body(body)?;
    Ok(timeout(patience, sender.send_request(request)).await??)
}

/// How long an answer says that it is, when it is of one of these types.
pub fn length(answer: &Response<Incoming>, types: &[&str]) -> Option<(u64, HeaderValue)> {
    let header = |name: HeaderName| answer.headers().get(name);
    let length = header(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    let kind = header(CONTENT_TYPE)?;
    types
        .iter()
        .any(|t| kind.as_bytes() == t.as_bytes())
        .then(|| (length, kind.clone()))
}
