//! What every page of one portal shares.

use std::sync::Arc;

use axum::extract::FromRef;
use axum_extra::extract::cookie::Key;
use url::Url;

use crate::api::Api;
use crate::args::Role;
use crate::metrics::Metrics;
use crate::oidc::Oidc;
use crate::session::Sessions;
use crate::ticket::Tickets;

/// Shared by all requests.
#[derive(Clone)]
pub struct App(pub Arc<Shared>);

/// What is shared.
pub struct Shared {
    /// Whose pages.
    pub role: Role,
    /// Address of the portal, as browsers know it.
    pub public_url: Url,
    /// The API server.
    pub api: Api,
    /// The sign-in service.
    pub oidc: Oidc,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Encrypts the cookie of a sign-in that was begun; this process's own.
    pub flow_key: Key,
    /// What signs tickets for the door.
    pub tickets: Tickets,
    /// What is counted.
    pub metrics: Metrics,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<App> for Key {
    fn from_ref(app: &App) -> Self {
        app.flow_key.clone()
    }
}
