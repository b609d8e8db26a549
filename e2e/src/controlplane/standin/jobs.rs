//! What `sde-agent airlock-job` would say at its end, for the task that the controller gave it: one file, in which no rule finds anything.
//! A job that serves goes on until somebody has come, and nobody comes to a viewer of the stand-in's.

use sde_core::airlock::JobKind;
use sde_core::airlock::observe::Delivered;
use sde_core::airlock::report::{Report, Said, Scanned, Sealed, salted_digest};
use sde_core::airlock::task::Task;
use sde_core::airlock::transfer::recipient;
use sha2::{Digest, Sha256};

use super::behaviour::Behaviour;
use super::status::At;

pub(super) fn airlock_job(pod_uid: &str, task: &str, behaviour: &Behaviour) -> At {
    let task = match Task::parse(task) {
        Ok(task) => task,
        Err(error) => return failed(error),
    };
    let Some(said) = result(&task, behaviour) else {
        return At::Running;
    };
    match Report::new(pod_uid, said).to_message() {
        Ok(message) => At::Ended { code: 0, message },
        Err(error) => failed(error),
    }
}

fn failed(error: impl std::fmt::Display) -> At {
    At::Ended {
        code: 1,
        message: error.to_string(),
    }
}

fn result(task: &Task, behaviour: &Behaviour) -> Option<Said> {
    let manifest: &[u8] = if behaviour.content_changed {
        b"another manifest"
    } else {
        b"the manifest"
    };
    let digest = salted_digest(&task.salt, manifest);
    let said = match task.kind {
        JobKind::Seal => Said::Sealed(Sealed {
            digest,
            files: 1,
            bytes: 10,
            fingerprints: task
                .fingerprints
                .iter()
                .map(|key| key.of(&hex::encode(Sha256::digest(&task.salt))))
                .collect(),
            recipient: task.transfer.as_ref().and_then(|t| recipient(&t.keys)),
        }),
        JobKind::Scan => Said::Scanned(Scanned {
            digest: salted_digest(&task.salt, b"no findings"),
            content_digest: digest,
            policy_digest: task.policy_digest.clone(),
            rules: Vec::new(),
        }),
        JobKind::Verify => Said::Verified(digest),
        JobKind::Deliver if behaviour.collected => Said::Delivered(collected()),
        JobKind::View | JobKind::Deliver | JobKind::Receive => return None,
    };
    Some(said)
}

/// All of it arrived, by both counts.
fn collected() -> Delivered {
    let (bytes, sha256) = (10, "5".repeat(64));
    Delivered {
        bytes,
        sha256: sha256.clone(),
        complete: true,
        door_bytes: Some(bytes),
        door_sha256: Some(sha256),
        ticket: Some("7".repeat(32)),
    }
}
