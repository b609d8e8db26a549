//! What `sde-agent airlock-job` would say at its end, for the task that the controller gave it: one file, in which no rule finds anything.

use sde_core::airlock::JobKind;
use sde_core::airlock::report::{Report, Said, Scanned, Sealed, salted_digest};
use sde_core::airlock::task::Task;

use super::behaviour::Behaviour;
use super::status::At;

pub(super) fn airlock_job(pod_uid: &str, task: &str, behaviour: &Behaviour) -> At {
    let said = Task::parse(task)
        .map_err(|error| error.to_string())
        .and_then(|task| {
            Report::new(pod_uid, result(&task, behaviour))
                .to_message()
                .map_err(|error| error.to_string())
        });
    match said {
        Ok(message) => At::Ended { code: 0, message },
        Err(message) => At::Ended { code: 1, message },
    }
}

fn result(task: &Task, behaviour: &Behaviour) -> Said {
    let manifest: &[u8] = if behaviour.content_changed {
        b"another manifest"
    } else {
        b"the manifest"
    };
    let digest = salted_digest(&task.salt, manifest);
    match task.kind {
        JobKind::Seal => Said::Sealed(Sealed {
            digest,
            files: 1,
            bytes: 10,
        }),
        JobKind::Scan => Said::Scanned(Scanned {
            digest: salted_digest(&task.salt, b"no findings"),
            content_digest: digest,
            policy_digest: task.policy_digest.clone(),
            rules: Vec::new(),
        }),
        JobKind::Verify => Said::Verified(digest),
    }
}
