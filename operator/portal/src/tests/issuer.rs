//! An OpenID Connect issuer on loopback: real TLS, real ES256 signatures, PKCE checked. What it says of a person is up to the test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsConfig, from_tcp_rustls};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fields::Fields;
use crate::tls::Files;

/// The issuer.
pub struct Issuer {
    /// Its address.
    pub url: String,
    /// What it will say.
    pub says: Arc<Says>,
    /// Its certificate, a file.
    pub ca: std::path::PathBuf,
    stop: Handle<SocketAddr>,
    _folder: tempfile::TempDir,
}

/// What it will say.
pub struct Says {
    /// The `code_challenge` of the sign-in that was begun.
    pub challenge: Mutex<String>,
    /// The `nonce` of it.
    pub nonce: Mutex<String>,
    /// Claims that replace its own.
    pub claims: Mutex<Value>,
    /// Whether it signs with a key that it does not publish.
    pub other_key: Mutex<bool>,
    /// How often it was asked for tokens.
    pub asked: Mutex<usize>,
    url: String,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.stop.shutdown();
    }
}

fn key(other: bool) -> SigningKey {
    SigningKey::from_slice(&[if other { 9 } else { 7 }; 32]).expect("key")
}

/// Begins to serve.
pub async fn serve() -> Issuer {
    let folder = tempfile::tempdir().expect("folder");
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("certificate");
    let (ca, private) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
    std::fs::write(&ca, made.cert.pem()).expect("file");
    std::fs::write(&private, made.signing_key.serialize_pem()).expect("file");
    let tls = Files::read(&ca, &private)
        .expect("files")
        .config()
        .expect("tls");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    listener.set_nonblocking(true).expect("non-blocking");
    let url = format!("https://{}", listener.local_addr().expect("address"));
    let says = Arc::new(Says {
        challenge: Mutex::default(),
        nonce: Mutex::default(),
        claims: Mutex::new(json!({})),
        other_key: Mutex::default(),
        asked: Mutex::default(),
        url: url.clone(),
    });
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/token", post(token))
        .with_state(says.clone());
    let stop = Handle::new();
    let server = from_tcp_rustls(listener, RustlsConfig::from_config(tls))
        .expect("server")
        .handle(stop.clone());
    tokio::spawn(server.serve(router.into_make_service()));
    Issuer {
        url,
        says,
        ca,
        stop,
        _folder: folder,
    }
}

async fn discovery(State(says): State<Arc<Says>>) -> Json<Value> {
    let url = &says.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn jwks() -> Json<Value> {
    let point = key(false).verifying_key().to_sec1_point(false);
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let bytes = point.as_bytes();
    Json(json!({"keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one",
        "x": part(&bytes[1..33]), "y": part(&bytes[33..65]),
    }]}))
}

async fn token(State(says): State<Arc<Says>>, body: axum::body::Bytes) -> Response {
    *says.asked.lock().expect("lock") += 1;
    let fields = Fields::parse(&body);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(fields.get("code_verifier")));
    if challenge != *says.challenge.lock().expect("lock") || fields.get("code") != "a-code" {
        let refused = Json(json!({"error": "invalid_grant"}));
        return (StatusCode::BAD_REQUEST, refused).into_response();
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("clock")
        .as_secs();
    let mut claims = json!({
        "iss": says.url, "aud": "portal", "sub": "4711",
        "iat": now, "exp": now + 300, "preferred_username": "u-7c1e",
        "nonce": says.nonce.lock().expect("lock").clone(),
    });
    for (name, value) in says
        .claims
        .lock()
        .expect("lock")
        .as_object()
        .expect("claims")
    {
        claims[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "ES256", "kid": "one", "typ": "JWT"});
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature: Signature = key(*says.other_key.lock().expect("lock")).sign(signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    Json(json!({
        "access_token": "an-access-token", "token_type": "Bearer",
        "expires_in": 300, "id_token": token,
    }))
    .into_response()
}
