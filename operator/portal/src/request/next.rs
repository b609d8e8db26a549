//! What a request waits for, in words that its requester can act on. Pure.

use sde_core::airlock::waiting::taken_back;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{AirlockPhase as Phase, FailureCause};

use super::bring::{Upload, upload};

/// What happens now and what to do.
pub fn advice(request: &AirlockRequest) -> &'static str {
    let spec = &request.spec;
    let status = request.status.clone().unwrap_or_default();
    if taken_back(spec, status.phase) {
        return "You have taken it back. Nothing of it is released; the copy is destroyed after a while.";
    }
    let own = match spec.direction {
        Direction::Export => None,
        Direction::Import => of_import(request),
        Direction::TransferToSde => of_transfer(request),
    };
    if let Some(text) = own {
        return text;
    }
    match status.phase {
        Phase::Draft if spec.seal => {
            "Your folder is about to be copied. What you change in it afterwards changes nothing."
        }
        Phase::Draft => {
            "It is a draft, made elsewhere. When your folder is complete, have it copied: what you change in it afterwards changes nothing."
        }
        Phase::Sealing if status.content.is_some() && spec.confirmed_digest.is_none() => {
            "Your folder was copied. Say what each file is and submit exactly this copy: then it is scanned, and people review it."
        }
        Phase::Sealing => "Your folder is being copied. Look again in a minute.",
        Phase::Submitted => {
            "It is on its way to where it is scanned and reviewed. You need do nothing."
        }
        Phase::Scanning => "Its content is being scanned. You need do nothing.",
        Phase::InReview => {
            "People who are not of your project review it. What was found is below: if something there should be put right, withdraw the request, correct the files and ask again, which is quicker than being returned."
        }
        Phase::Blocked => {
            "A rule forbids it, below. A custodian decides what becomes of it. Do not try to get the same content out another way: speak to the custodian."
        }
        Phase::Approved | Phase::Releasing => {
            "Everybody needed agrees. Every file is being checked once more against what was reviewed."
        }
        Phase::Released => {
            "It may be collected until its time is over. Collecting hands out exactly the files that were reviewed."
        }
        Phase::Rejected => {
            "A reviewer refused it as it is; the reason is under Reviews. Nothing of it leaves."
        }
        Phase::Returned => {
            "Reviewers ask for changes, under Reviews. Make them in your folder and ask again with a request that answers this one."
        }
        Phase::Withdrawn => "It was taken back, or its project was closed. Nothing of it leaves.",
        Phase::Failed => match status.failure.map(|f| f.cause) {
            Some(FailureCause::FolderRefused) => {
                "Your folder could not be copied as it is. It must hold at least one file, only plain files and folders, no links, and no more than the project may release. Put it right and try again."
            }
            Some(FailureCause::ContentChanged) => {
                "What was sealed is no longer what it was. Nothing is released. Your platform team must find out why before this is tried again."
            }
            Some(FailureCause::ChamberLost) => {
                "The copy of your folder is gone. Withdraw this request and make another one."
            }
            Some(FailureCause::JobFailed) | None => {
                "Something of the platform's broke. Nothing is lost: try again, and if it fails again tell your platform team."
            }
        },
        Phase::Revoked => {
            "A reviewer or custodian has revoked it. It can no longer be collected. Do not use what you collected; a reviewer or custodian will tell you why."
        }
        Phase::Expired => "Its time is over. If you still need it, make another request.",
    }
}

/// What is said of an Import alone.
fn of_import(request: &AirlockRequest) -> Option<&'static str> {
    let spec = &request.spec;
    let status = request.status.clone().unwrap_or_default();
    Some(match status.phase {
        Phase::Draft => match upload(request) {
            Upload::Unasked => {
                "Nothing is there yet. Have the door made ready, upload the files, and come back to this page to seal them."
            }
            Upload::Coming => "It is being made ready to take your files. Look again in a minute.",
            Upload::Open => {
                "You can upload its files now. When all of them are there, come back to this page and seal it: only then is it scanned and reviewed."
            }
            Upload::Over => "What you uploaded is kept. Seal it if that is all, or upload more.",
            Upload::Shut => {
                "What you uploaded is about to be copied. Nothing can be added or changed any more."
            }
        },
        Phase::Sealing if status.content.is_some() && spec.confirmed_digest.is_none() => {
            "What you uploaded was copied. Say what each file is and submit exactly this copy: then it is scanned, and people review it."
        }
        Phase::Sealing => "What you uploaded is being copied. Look again in a minute.",
        Phase::InReview => {
            "People who are not of your project review it. What was found is below: if something there should be put right, withdraw the request and make another one, which is quicker than being returned."
        }
        Phase::Blocked => {
            "A rule forbids it, below. A custodian decides what becomes of it. Do not try to bring the same content in another way: speak to the custodian."
        }
        Phase::Released => {
            "It is released. Your workspaces of this project have it, read-only, from their next start: stop and start one that runs now."
        }
        Phase::Rejected => {
            "A reviewer refused it as it is; the reason is under Reviews. Nothing of it comes in."
        }
        Phase::Returned => {
            "Reviewers ask for changes, under Reviews. Put the files right and bring them in with a request that answers this one."
        }
        Phase::Withdrawn => "It was taken back, or its project was closed. Nothing of it comes in.",
        Phase::Revoked => {
            "A reviewer or custodian has revoked it, and your workspaces no longer have it. Do not use what you copied from it; a reviewer or custodian will tell you why."
        }
        Phase::Expired => {
            "Its time is over, or its project was closed. If you still need it, make another request."
        }
        Phase::Failed => match status.failure.map(|f| f.cause) {
            Some(FailureCause::FolderRefused) => {
                "What you uploaded cannot be copied as it is: there must be at least one file, and no more than the project may take. Nothing can be added any more: take this request back and make another one."
            }
            Some(FailureCause::ChamberLost) => {
                "What you uploaded is gone. Take this request back and make another one."
            }
            Some(FailureCause::ContentChanged | FailureCause::JobFailed) | None => return None,
        },
        Phase::Submitted | Phase::Scanning | Phase::Approved | Phase::Releasing => return None,
    })
}

/// What is said of a transfer alone.
fn of_transfer(request: &AirlockRequest) -> Option<&'static str> {
    let spec = &request.spec;
    let status = request.status.clone().unwrap_or_default();
    Some(match status.phase {
        Phase::Draft if spec.seal => {
            "What is granted is about to be encrypted to the environment's keys, and sealed."
        }
        Phase::Draft => {
            "It is a draft, made elsewhere. Seal it in a terminal: what is granted is then encrypted to the environment's keys."
        }
        Phase::Sealing if status.content.is_some() && spec.confirmed_digest.is_none() => {
            "What is granted was encrypted. Compare the digest of the keys with that of the keys which the environment has published, and submit exactly this: then other custodians decide on it."
        }
        Phase::Sealing => {
            "What is granted is being encrypted to the environment's keys. Much of it takes long: look again later."
        }
        Phase::Scanning => "It is looked at whether every file is encrypted. You need do nothing.",
        Phase::InReview => "Other custodians decide on it, at least two. To stop it, take it back.",
        Phase::Blocked => {
            "A rule forbids it, below: not all that was sealed is encrypted as it must be. Tell your platform team; another custodian signs it off."
        }
        Phase::Released => {
            "It is one archive of encrypted files, which only the environment can open. It may be collected until its time is over; you see to it that it gets there."
        }
        Phase::Returned => {
            "Custodians ask for something else, under Reviews. Make another request that answers this one, in a terminal."
        }
        Phase::Revoked => {
            "A reviewer or custodian has revoked it. It can no longer be collected. What you handed on, ask the environment to destroy, and to say so; a reviewer or custodian will tell you why."
        }
        Phase::Failed => match status.failure.map(|f| f.cause) {
            Some(FailureCause::FolderRefused) => {
                "What is granted cannot be sealed as it is: it must hold plain files alone, no more of them than one request may, and exactly what was registered. Grant less of it and have that approved, or find out who changed it; then try again."
            }
            Some(FailureCause::ChamberLost) => {
                "What was sealed is gone. Take this request back and make another one."
            }
            Some(FailureCause::ContentChanged | FailureCause::JobFailed) | None => return None,
        },
        Phase::Submitted
        | Phase::Approved
        | Phase::Releasing
        | Phase::Rejected
        | Phase::Withdrawn
        | Phase::Expired => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixtures;

    const PHASES: [Phase; 15] = [
        Phase::Draft,
        Phase::Sealing,
        Phase::Submitted,
        Phase::Scanning,
        Phase::InReview,
        Phase::Blocked,
        Phase::Approved,
        Phase::Releasing,
        Phase::Released,
        Phase::Rejected,
        Phase::Returned,
        Phase::Withdrawn,
        Phase::Failed,
        Phase::Revoked,
        Phase::Expired,
    ];

    /// A transfer comes from no outbox, is declared by nobody, and its requester is not of the project.
    #[test]
    fn a_transfer_is_spoken_of_as_one() {
        let wrong = |text: &str| {
            ["folder", "what each file is", "your project", "upload"]
                .iter()
                .any(|w| text.contains(w))
        };
        for phase in PHASES {
            let mut request = fixtures::transfer("genotypes", phase);
            assert!(!wrong(advice(&request)), "{phase}");
            request.spec.seal = false;
            assert!(!wrong(advice(&request)), "{phase}");
        }
        // The control: of others they are.
        assert!(wrong(advice(&fixtures::sealed())) && wrong(advice(&fixtures::brought())));
    }

    /// Whatever the phase, words for an Import speak of no outbox folder and of nothing that leaves.
    #[test]
    fn an_import_is_spoken_of_as_one() {
        let wrong = |text: &str| text.contains("folder") || text.contains("leave");
        for phase in PHASES {
            let mut request = fixtures::import("reference", phase);
            assert!(!wrong(advice(&request)), "{phase}");
            request.spec.seal = false;
            assert!(!wrong(advice(&request)), "{phase}");
        }
        // The control: of an Export they do.
        let export = fixtures::request("tables", Phase::Returned);
        assert!(wrong(advice(&export)));
    }
}
