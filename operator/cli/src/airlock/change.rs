//! How a request is called on the command line; what its requester may change of it is core's.

use sde_crds::AirlockRequest;

pub use sde_core::airlock::change::{
    collect, confirmable, confirmation, declarable, retry, seal, upload, withdraw,
};

use super::view::project;

/// Project and name, as on the command line.
pub fn named(request: &AirlockRequest) -> String {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    format!("{} {name}", project(request))
}
