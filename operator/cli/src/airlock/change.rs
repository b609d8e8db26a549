//! What a requester may still change of a request: whether it goes on. Pure. Says before the API server or the machine does what
//! would be refused or have no effect.

use sde_core::airlock::ending::ended;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::AirlockPhase as Phase;
use serde_json::{Value, json};

use super::view::project;
use crate::error::CliError;

/// Most that `spec.retries` and `spec.collect` may be.
const MOST: i64 = 16;

fn refuse<T>(text: String) -> Result<T, CliError> {
    Err(CliError::Refused(text))
}

/// Project and name, as on the command line.
pub fn named(request: &AirlockRequest) -> String {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    format!("{} {name}", project(request))
}

/// A patch of the spec that only acts on what was read.
pub fn patch(request: &AirlockRequest, spec: &Value) -> Value {
    json!({
        "metadata": {"resourceVersion": request.metadata.resource_version},
        "spec": spec,
    })
}

/// Only its requester changes a request.
///
/// # Errors
/// [`CliError::Refused`] for anybody else.
pub fn own(request: &AirlockRequest, me: &str) -> Result<(), CliError> {
    let requester = &request.spec.requester;
    if me == requester {
        return Ok(());
    }
    refuse(format!(
        "you are {me}, and only its requester, {requester}, changes a request: who may review it stops it with a review"
    ))
}

/// The patch that takes a request back; none when it is so already.
///
/// # Errors
/// [`CliError::Refused`] when it would have no effect.
pub fn withdraw(request: &AirlockRequest, me: &str) -> Result<Option<Value>, CliError> {
    own(request, me)?;
    if request.spec.withdrawn {
        return Ok(None);
    }
    let phase = request.status.clone().unwrap_or_default().phase;
    match phase {
        Phase::Released => refuse(
            "it is Released, and that cannot be taken back: ask a reviewer or custodian to revoke it".to_owned(),
        ),
        Phase::Blocked => refuse(
            "it is Blocked, and what was blocked is signed off by a custodian, not withdrawn: ask one to confirm the block".to_owned(),
        ),
        phase if ended(phase) => refuse(format!(
            "it is {phase} already: nothing more comes of it"
        )),
        _ => Ok(Some(patch(request, &json!({"withdrawn": true})))),
    }
}

/// The patch that has a Failed request tried again; none when it is about to be.
///
/// # Errors
/// [`CliError::Refused`] when it is not Failed, or was tried too often.
pub fn retry(request: &AirlockRequest, me: &str) -> Result<Option<Value>, CliError> {
    own(request, me)?;
    let status = request.status.clone().unwrap_or_default();
    if status.phase != Phase::Failed {
        return refuse(format!(
            "it is {}, and only what has Failed is tried again: kubectl sde airlock show {}",
            status.phase,
            named(request)
        ));
    }
    let retries = request.spec.retries.unwrap_or(0);
    if retries > status.retried {
        return Ok(None);
    }
    if retries >= MOST {
        return refuse(format!(
            "it was tried {MOST} times already: withdraw it (kubectl sde airlock withdraw {}) and make another request",
            named(request)
        ));
    }
    Ok(Some(patch(request, &json!({"retries": retries + 1}))))
}

/// The patch that has a Released request made ready to be collected; none when it is being so already.
///
/// # Errors
/// [`CliError::Refused`] when there is nothing to collect, or it was asked for too often.
pub fn collect(request: &AirlockRequest, me: &str) -> Result<Option<Value>, CliError> {
    own(request, me)?;
    let status = request.status.clone().unwrap_or_default();
    if request.spec.direction != Direction::Export || status.phase != Phase::Released {
        return refuse(format!(
            "it is {}, and only an Export that is Released is collected: kubectl sde airlock show {}",
            status.phase,
            named(request)
        ));
    }
    let asked = request.spec.collect.unwrap_or(0);
    let last = status.deliveries.iter().flatten().map(|d| d.number).max();
    if asked > last.unwrap_or(0) {
        return Ok(None);
    }
    if asked >= MOST {
        return refuse(format!(
            "it was asked for {MOST} times already: make another request"
        ));
    }
    Ok(Some(patch(request, &json!({"collect": asked + 1}))))
}
