//! Pages for researchers: what they ask to leave their projects, or to come in.

mod act;
mod actions;
mod blocks;
mod bring;
pub mod declare;
mod imports;
pub mod list;
pub mod make;
mod next;
pub mod one;
mod outputs;
mod projects;

use axum::Router;
use axum::routing::{get, post};
use kube::{Api, Client};
use sde_crds::AirlockRequest;
use sde_crds::names::project_namespace;

use crate::app::App;
use crate::error::PageError;

/// All of them.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(list::page))
        .route("/projects", post(projects::add))
        .route("/projects/{project}/forget", post(projects::forget))
        .route("/projects/{project}/new", get(make::export_page))
        .route("/projects/{project}/requests", post(make::export))
        .route("/projects/{project}/import", get(make::import_page))
        .route("/projects/{project}/imports", post(make::import))
        .route("/projects/{project}/requests/{request}", get(one::page))
        .route(
            "/projects/{project}/requests/{request}/declare",
            get(declare::page).post(declare::submit),
        )
        .route(
            "/projects/{project}/requests/{request}/withdraw",
            post(act::withdraw),
        )
        .route(
            "/projects/{project}/requests/{request}/retry",
            post(act::retry),
        )
        .route(
            "/projects/{project}/requests/{request}/collect",
            post(act::collect),
        )
        .route(
            "/projects/{project}/requests/{request}/upload",
            post(act::upload),
        )
        .route(
            "/projects/{project}/requests/{request}/seal",
            post(act::seal),
        )
}

/// The requests of a project, as somebody sees them.
fn requests(client: &Client, project: &str) -> Api<AirlockRequest> {
    Api::namespaced(client.clone(), &project_namespace(project))
}

/// One request.
async fn find(client: &Client, project: &str, name: &str) -> Result<AirlockRequest, PageError> {
    requests(client, project)
        .get(name)
        .await
        .map_err(PageError::api(format!(
            "reading request {name} of project {project}"
        )))
}
