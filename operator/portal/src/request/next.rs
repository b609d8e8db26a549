//! What a request waits for, in words that its requester can act on. Pure.

use sde_core::airlock::waiting::taken_back;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{AirlockPhase as Phase, FailureCause};

/// What happens now and what to do.
pub fn advice(request: &AirlockRequest) -> &'static str {
    let spec = &request.spec;
    let status = request.status.clone().unwrap_or_default();
    if taken_back(spec, status.phase) {
        return "You have taken it back. Nothing of it is released; the copy is destroyed after a while.";
    }
    match status.phase {
        Phase::Draft if spec.direction == Direction::Import => {
            "Imports are not carried out yet: there is no way to upload the files."
        }
        Phase::Draft if spec.seal => {
            "Your folder is about to be copied. What you change in it afterwards changes nothing."
        }
        Phase::Draft => {
            "It is a draft. It was made elsewhere without being sealed: seal it there, or withdraw it and make another one here."
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
        Phase::Released if spec.direction == Direction::Import => {
            "It is in the project's inbox, read-only."
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
