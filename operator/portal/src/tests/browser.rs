//! A portal, and a browser that keeps its cookies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum_extra::extract::cookie::{Cookie, Key};
use http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;
use url::Url;
use url::form_urlencoded::Serializer;

use super::api::{self, Listener};
use super::issuer::{self, Issuer};
use crate::api::Api;
use crate::app::{App, Shared};
use crate::args::{Args, Role};
use crate::headers::SecurityHeaders;
use crate::metrics::Metrics;
use crate::oidc::Oidc;
use crate::run::router;
use crate::session::Sessions;
use crate::ticket::Tickets;

pub const ORIGIN_OF_PORTAL: &str = "https://portal.example.org";

/// A portal and everything it talks to.
pub struct Portal {
    pub app: App,
    pub router: Router,
    pub issuer: Issuer,
    pub api: Arc<Listener>,
    pub ticket_public: String,
    _folder: tempfile::TempDir,
}

/// Sets one up; its issuer has answered.
pub async fn portal(role: Role, knows: BTreeMap<String, Value>) -> Portal {
    let folder = tempfile::tempdir().expect("folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a-secret\n").expect("file");
    let ticket_key = folder.path().join("ticket.pem");
    let pair = rcgen::KeyPair::generate().expect("key");
    std::fs::write(&ticket_key, pair.serialize_pem()).expect("file");
    let issuer = issuer::serve().await;
    let (listener, url) = api::listen(knows).await;
    let line = [
        "sde-portal".to_owned(),
        role.as_str().to_owned(),
        format!("--issuer={}", issuer.url),
        format!("--issuer-ca={}", issuer.ca.display()),
        "--client-id=portal".to_owned(),
        format!("--client-secret-file={}", secret.display()),
        format!("--ticket-key={}", ticket_key.display()),
        "--tls-certificate=/none".to_owned(),
        "--tls-key=/none".to_owned(),
        format!("--public-url={ORIGIN_OF_PORTAL}"),
        "--door-url=https://door.example.org".to_owned(),
    ];
    let args = <Args as clap::Parser>::try_parse_from(line).expect("args");
    let settings = args.settings();
    let config = kube::Config::new(url.parse().expect("address"));
    let app = App(Arc::new(Shared {
        role,
        public_url: settings.public_url.clone(),
        api: Api::new(config).expect("client"),
        oidc: Oidc::new(settings).expect("issuer"),
        sessions: Sessions::new(Duration::from_secs(1800), Duration::from_secs(28800)),
        flow_key: Key::generate(),
        tickets: Tickets::new(role, ticket_key, settings.door_url.clone()),
        metrics: Metrics::default(),
    }));
    app.oidc.discover().await.expect("discovery");
    let router = router(app.clone(), &SecurityHeaders::new(&settings.door_url));
    Portal {
        app,
        router,
        issuer,
        api: listener,
        ticket_public: pair.public_key_pem(),
        _folder: folder,
    }
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        let value = self.headers.get(LOCATION);
        value.map_or("", |v| v.to_str().expect("text"))
    }
}

/// A browser.
pub struct Browser<'a> {
    pub portal: &'a Portal,
    pub cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    /// Without cookies.
    pub fn new(portal: &'a Portal) -> Self {
        Self {
            portal,
            cookies: BTreeMap::new(),
        }
    }

    /// Whoever the issuer says, signed in.
    pub async fn signed_in(portal: &'a Portal) -> Self {
        let mut browser = Self::new(portal);
        let callback = browser.begin("/").await;
        let answer = browser.get(&callback).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    /// Begins to sign in, has the issuer agree, and gives the address that it sends the browser to.
    pub async fn begin(&mut self, to: &str) -> String {
        let begun = self.get(&crate::sign_in::address(to)).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        let url = Url::parse(begun.location()).expect("address");
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let says = &self.portal.issuer.says;
        assert_eq!(query["code_challenge_method"], "S256");
        *says.challenge.lock().expect("lock") = query["code_challenge"].clone();
        *says.nonce.lock().expect("lock") = query["nonce"].clone();
        format!("/sign-in/callback?code=a-code&state={}", query["state"])
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// A form as our own pages send it.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        self.raw(path, &all, Some(ORIGIN_OF_PORTAL)).await
    }

    /// A form with exactly these fields.
    pub async fn raw(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        origin: Option<&str>,
    ) -> Answer {
        let mut request = Request::post(path);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(request, Body::from(body)).await
    }

    /// What this session's forms carry.
    pub fn csrf(&self) -> String {
        let name = crate::signed_in::cookie(self.portal.app.role);
        let id = self.cookies.get(name).cloned().unwrap_or_default();
        let session = self.portal.app.sessions.get(&id, std::time::Instant::now());
        session.map(|s| s.csrf).unwrap_or_default()
    }

    async fn send(&mut self, mut request: http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        request = request
            .header(COOKIE, cookies.join("; "))
            // A browser may say what it likes; it is nobody to the API server.
            .header("impersonate-user", "system:admin")
            .header("impersonate-group", "system:masters");
        let request = request.body(body).expect("request");
        let answer = self
            .portal
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("answer");
        let (parts, body) = answer.into_parts();
        for header in parts.headers.get_all(SET_COOKIE) {
            let cookie = Cookie::parse(header.to_str().expect("text").to_owned()).expect("cookie");
            // Without these the prefix __Host- makes a browser drop it.
            assert!(cookie.name().starts_with("__Host-") && cookie.secure() == Some(true));
            assert!(
                cookie.http_only() == Some(true) && cookie.path() == Some("/"),
                "{cookie}"
            );
            assert_eq!(cookie.domain(), None);
            if cookie.value().is_empty() {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies
                    .insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let body = axum::body::to_bytes(body, 1 << 22).await.expect("body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }
}
