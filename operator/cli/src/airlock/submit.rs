//! A request as a person makes it. Pure.

use kube::api::ObjectMeta;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction, Output, TransferOfGrant};
use sde_crds::names::project_namespace;

use super::args::SubmitArgs;
use super::change::named;
use crate::error::CliError;

/// What goes to which other environment, when that is asked for.
pub fn transfer(args: &SubmitArgs) -> Option<TransferOfGrant> {
    let of = &args.transferred;
    let (grant, sde) = of.grant.clone().zip(of.to.clone())?;
    args.way.transfer.then_some(TransferOfGrant { grant, sde })
}

/// The request to create, as `me`. An Export or a transfer is sealed at once; an Import once its requester says that everything is
/// uploaded, and declared when its files have numbers.
///
/// # Errors
/// [`CliError::Usage`] when it has no name.
pub fn plan(
    args: &SubmitArgs,
    outputs: Option<Vec<Output>>,
    me: &str,
) -> Result<AirlockRequest, CliError> {
    let folder = args.way.folder.clone();
    let transfer = transfer(args);
    let granted = transfer.as_ref().map(|t| t.grant.clone());
    let name = args.name.clone().or_else(|| folder.clone()).or(granted);
    let name = name.ok_or_else(|| {
        CliError::Usage("an Import has no folder to be named after: give it a --name".to_owned())
    })?;
    let direction = if args.way.import {
        Direction::Import
    } else if transfer.is_some() {
        Direction::TransferToSde
    } else {
        Direction::Export
    };
    Ok(AirlockRequest {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(project_namespace(&args.project)),
            ..ObjectMeta::default()
        },
        spec: AirlockRequestSpec {
            requester: me.to_owned(),
            direction,
            folder,
            transfer,
            justification: args.purpose.clone(),
            outputs,
            imports: None,
            // Files that come in are yet to be uploaded; all else is there already.
            seal: direction != Direction::Import,
            confirmed_digest: None,
            withdrawn: false,
            retries: None,
            supersedes: args.supersedes.clone(),
            collect: None,
            upload: None,
        },
        status: None,
    })
}

/// What happens next, in sentences.
pub fn next(request: &AirlockRequest) -> String {
    let named = named(request);
    match (request.spec.direction, &request.spec.transfer) {
        (Direction::Import, _) => format!(
            "It is a draft. Have it made ready to take its files: kubectl sde airlock upload {named}\nUpload them through the portal, and say that that is all: kubectl sde airlock seal {named}\nThen say what each file is: kubectl sde airlock confirm {named} --imports FILE.yaml"
        ),
        (_, Some(of)) => format!(
            "What is granted as {} is encrypted now, file by file, to the keys of {}.\nSee what was sealed, and for whose keys: kubectl sde airlock show {named}\nThen submit exactly that: kubectl sde airlock confirm {named}",
            of.grant, of.sde
        ),
        _ => format!(
            "The folder is copied now; what you change in it afterwards changes nothing.\nSee what was copied: kubectl sde airlock show {named}\nThen submit exactly that: kubectl sde airlock confirm {named}"
        ),
    }
}
