//! A listener in the API server's place: writes down every request, and answers with what it was given or with a refusal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and path.
    pub what: String,
    /// All values of all headers that impersonate.
    pub as_whom: Vec<(String, String)>,
    /// Its body.
    pub body: Value,
}

/// What it knows.
#[derive(Default)]
pub struct Listener {
    /// Every request.
    pub asked: Mutex<Vec<Asked>>,
    /// Answers by path; a write is answered with its own body.
    pub knows: Mutex<BTreeMap<String, Value>>,
    /// What every write is refused with.
    pub refuses: Mutex<Option<(u16, String)>>,
}

/// Begins to listen and gives its address.
pub async fn listen(knows: BTreeMap<String, Value>) -> (Arc<Listener>, String) {
    let listener = Arc::new(Listener {
        knows: Mutex::new(knows),
        ..Listener::default()
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port");
    let url = format!("http://{}", socket.local_addr().expect("address"));
    let router = Router::new().fallback(answer).with_state(listener.clone());
    tokio::spawn(async move { axum::serve(socket, router).await });
    (listener, url)
}

async fn answer(State(listener): State<Arc<Listener>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("body");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let as_whom = parts
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("impersonate"))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    let path = parts.uri.path().to_owned();
    listener.asked.lock().expect("lock").push(Asked {
        what: format!("{} {path}", parts.method),
        as_whom,
        body: body.clone(),
    });
    let writes = parts.method != http::Method::GET;
    if writes && let Some((code, message)) = listener.refuses.lock().expect("lock").clone() {
        return refusal(code, &message);
    }
    if parts.method == http::Method::POST {
        return (StatusCode::CREATED, Json(body)).into_response();
    }
    match listener.knows.lock().expect("lock").get(&path) {
        Some(value) => Json(value.clone()).into_response(),
        None => refusal(403, &format!("you may not see {path}")),
    }
}

fn refusal(code: u16, message: &str) -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "message": message, "reason": "Refused", "code": code,
    });
    let code = StatusCode::from_u16(code).expect("code");
    (code, Json(status)).into_response()
}
