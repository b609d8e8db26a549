//! What a requester may still change of a request: whether it goes on. Says before the API server or the machine does what would be
//! refused or have no effect.

use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{
    AirlockPhase as Phase, AirlockRequestStatus, SealedContent, ServingKind,
};
use serde_json::{Value, json};

use crate::airlock::declared::problems;
use crate::airlock::ending::ended;
use crate::approvals::short;
use crate::conditions::{find, types};
use crate::refusal::Refusal;

/// Most that `spec.retries`, `spec.collect` and `spec.upload` may be.
const MOST: i64 = 16;

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
/// [`Refusal::Refused`] for anybody else.
pub fn own(request: &AirlockRequest, me: &str) -> Result<(), Refusal> {
    let requester = &request.spec.requester;
    if me == requester {
        return Ok(());
    }
    Refusal::refused(format!(
        "you are {me}, and only its requester, {requester}, changes a request: who may review it stops it with a review"
    ))
}

/// The patch that takes a request back; none when it is so already.
///
/// # Errors
/// [`Refusal::Refused`] when it would have no effect.
pub fn withdraw(request: &AirlockRequest, me: &str) -> Result<Option<Value>, Refusal> {
    own(request, me)?;
    if request.spec.withdrawn {
        return Ok(None);
    }
    match phase(request) {
        Phase::Released => Refusal::refused(
            "it is Released, and that cannot be taken back: ask a reviewer or custodian to revoke it",
        ),
        Phase::Blocked => Refusal::refused(
            "it is Blocked, and what was blocked is signed off by a custodian, not withdrawn: ask one to confirm the block",
        ),
        phase if ended(phase) => {
            Refusal::refused(format!("it is {phase} already: nothing more comes of it"))
        }
        _ => Ok(Some(patch(request, &json!({"withdrawn": true})))),
    }
}

/// The patch that has a Failed request tried again; none when it is about to be.
///
/// # Errors
/// [`Refusal::Refused`] when it is not Failed, or was tried too often.
pub fn retry(request: &AirlockRequest, me: &str) -> Result<Option<Value>, Refusal> {
    own(request, me)?;
    let retried = request.status.as_ref().map_or(0, |s| s.retried);
    let phase = phase(request);
    if phase != Phase::Failed {
        return Refusal::refused(format!(
            "it is {phase}, and only what has Failed is tried again"
        ));
    }
    let retries = request.spec.retries.unwrap_or(0);
    if retries > retried {
        return Ok(None);
    }
    if retries >= MOST {
        return Refusal::refused(format!(
            "it was tried {MOST} times already: withdraw it and make another request"
        ));
    }
    Ok(Some(patch(request, &json!({"retries": retries + 1}))))
}

/// What may be confirmed now: what was sealed. The declaration must cover it.
///
/// # Errors
/// [`Refusal::Refused`] with what to do first.
pub fn confirmable<'a>(
    request: &'a AirlockRequest,
    me: &str,
    digest: Option<&str>,
) -> Result<&'a SealedContent, Refusal> {
    let content = declarable(request, me, digest)?;
    let problems = problems(&request.spec, content.files);
    if !problems.is_empty() {
        return Refusal::refused(format!(
            "every sealed file must be declared exactly once, or it is returned: {}. Files are counted from 0. Correct the declaration, or withdraw the request and make another",
            problems.join("; ")
        ));
    }
    Ok(content)
}

/// What was sealed and may still be declared.
///
/// # Errors
/// [`Refusal::Refused`] with what to do first.
pub fn declarable<'a>(
    request: &'a AirlockRequest,
    me: &str,
    digest: Option<&str>,
) -> Result<&'a SealedContent, Refusal> {
    own(request, me)?;
    if request.spec.withdrawn {
        return Refusal::refused("the request is withdrawn: make another one");
    }
    if let Some(confirmed) = &request.spec.confirmed_digest {
        return Refusal::refused(format!(
            "the request is submitted already, with {}, and a submitted request never changes",
            short(confirmed)
        ));
    }
    let phase = phase(request);
    if !matches!(phase, Phase::Draft | Phase::Sealing) {
        return Refusal::refused(format!(
            "the request is {phase}, so there is nothing to confirm"
        ));
    }
    let content = request.status.as_ref().and_then(|s| s.content.as_ref());
    let Some(content) = content else {
        return Refusal::refused(
            "the request is not sealed yet, so there is nothing to confirm: look at what it waits for",
        );
    };
    if let Some(digest) = digest.filter(|d| *d != content.digest) {
        return Refusal::refused(format!(
            "what was sealed is {}, not {digest}: look at it before you confirm it",
            content.digest
        ));
    }
    Ok(content)
}

/// The patch that submits exactly that content.
pub fn confirmation(request: &AirlockRequest, content: &SealedContent) -> Value {
    patch(request, &json!({"confirmedDigest": content.digest}))
}

/// The patch that has what was released made ready to be collected; none when it is, or is about to be.
///
/// # Errors
/// [`Refusal::Refused`] when it is not Released, or was asked for too often.
pub fn collect(request: &AirlockRequest, me: &str) -> Result<Option<Value>, Refusal> {
    own(request, me)?;
    let status = request.status.clone().unwrap_or_default();
    if request.spec.direction == Direction::Import || status.phase != Phase::Released {
        return Refusal::refused(format!(
            "it is {}, and only an Export or a transfer that is Released is collected",
            status.phase
        ));
    }
    let serving = status.serving.iter().flatten();
    let settled = status.deliveries.iter().flatten().map(|d| d.number).max();
    let asked = request.spec.collect.unwrap_or(0);
    let ready = serving.into_iter().any(|s| s.kind == ServingKind::Deliver);
    if ready || asked > settled.unwrap_or(0) {
        return Ok(None);
    }
    if asked >= MOST {
        return Refusal::refused(format!(
            "it was asked for {MOST} times already: make another request"
        ));
    }
    Ok(Some(patch(request, &json!({"collect": asked + 1}))))
}

/// The patch that has an Import made ready to take its files; none when it is, or is about to be.
///
/// # Errors
/// [`Refusal::Refused`] when it is no draft of an Import, or was asked for too often.
pub fn upload(request: &AirlockRequest, me: &str) -> Result<Option<Value>, Refusal> {
    import_draft(request, me)?;
    let status = request.status.clone().unwrap_or_default();
    let mut serving = status.serving.iter().flatten();
    let asked = request.spec.upload.unwrap_or(0);
    // Asked for once and never made: it is about to be.
    let coming = asked > 0 && !over(&status);
    if coming || serving.any(|s| s.kind == ServingKind::Receive) {
        return Ok(None);
    }
    if asked >= MOST {
        return Refusal::refused(format!(
            "it was asked for {MOST} times already: seal what is there, or withdraw it and make another request"
        ));
    }
    Ok(Some(patch(request, &json!({"upload": asked + 1}))))
}

/// The patch that says that an Import's files are complete; none when it is said already.
///
/// # Errors
/// [`Refusal::Refused`] when there is nothing to seal.
pub fn seal(request: &AirlockRequest, me: &str) -> Result<Option<Value>, Refusal> {
    own(request, me)?;
    if request.spec.seal {
        return Ok(None);
    }
    if request.spec.direction == Direction::Import {
        import_draft(request, me)?;
        if request.spec.upload.unwrap_or(0) == 0 {
            return Refusal::refused("nothing was uploaded yet, so there is nothing to seal");
        }
    }
    Ok(Some(patch(request, &json!({"seal": true}))))
}

fn import_draft(request: &AirlockRequest, me: &str) -> Result<(), Refusal> {
    own(request, me)?;
    if request.spec.direction != Direction::Import {
        return Refusal::refused("only an Import is uploaded: an Export's files are in its outbox");
    }
    if request.spec.withdrawn {
        return Refusal::refused("the request is withdrawn: make another one");
    }
    let phase = phase(request);
    if phase != Phase::Draft || request.spec.seal {
        return Refusal::refused(
            "it is sealed, and what is sealed never changes: withdraw it and make another request",
        );
    }
    Ok(())
}

/// Whether the last upload that was asked for has ended.
fn over(status: &AirlockRequestStatus) -> bool {
    let ready = find(
        status.conditions.as_deref().unwrap_or_default(),
        types::READY,
    );
    ready.is_some_and(|c| c.reason == "UploadOver")
}

fn phase(request: &AirlockRequest) -> Phase {
    request.status.as_ref().map_or(Phase::Draft, |s| s.phase)
}
