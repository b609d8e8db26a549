//! Asking a job: at the address in its ticket and at no other, with the ticket, over plain HTTP in the cluster's network.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName};
use axum::http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
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

/// Asks the job of a ticket.
///
/// # Errors
/// [`DialError`].
pub async fn ask(
    held: &Held,
    method: Method,
    path: &str,
    json: Option<Vec<u8>>,
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
    if json.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(Bytes::from(json.unwrap_or_default())))?;
    Ok(timeout(ANSWER, sender.send_request(request)).await??)
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
