//! Pages for reviewers and custodians: what waits for their decision.

mod queue;

use axum::Router;
use axum::routing::get;

use crate::app::App;

/// All of them.
pub fn router() -> Router<App> {
    Router::new().route("/", get(queue::page))
}
