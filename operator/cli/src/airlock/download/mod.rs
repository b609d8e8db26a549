//! `airlock download`: what was released of one's own, out of the door into a folder, with the proof that it is exactly that.
//!
//! Here is the way through it; `ticket` reads what the portal hands out, `door` asks the door, `unpack` writes what comes and says what
//! it was.

mod door;
mod ticket;
mod unpack;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kube::Client;
use sde_core::say::size;
use sde_crds::AirlockRequest;
use sde_crds::airlock_status::{AirlockPhase, ServingKind};
use serde_json::json;
use tokio::sync::mpsc;

use super::args::{DownloadArgs, RequestArgs};
use super::{apply, change, get};
use crate::approve::who_am_i;
use crate::error::{CliError, Done};
use crate::interrupt::interrupted;
use crate::out::{self, Format};
use unpack::{Received, Released};

/// How long it may take until something is served: a pod that proves its lock, and images on their way to its node.
const READY: Duration = Duration::from_secs(300);
/// How often is looked, and how often is said that it is waited.
const LOOK: Duration = Duration::from_secs(2);
const SAY: Duration = Duration::from_secs(15);

/// Chunks of the archive between door and disk.
const UNDER_WAY: usize = 16;

/// Runs the command.
///
/// # Errors
/// [`CliError`], with what to do. Nothing is left of what did not arrive whole.
pub(super) async fn run(client: &Client, args: &DownloadArgs) -> Result<Done, CliError> {
    let folder = folder(args)?;
    let door = door::Door::at(&args.door, args.certificate_authority.as_deref())?;
    let request = get(client, &args.of).await?;
    let named = change::named(&request);
    if let Some(patch) = change::collect(&request, &who_am_i(client).await?)? {
        apply(client, &request, patch).await?;
    }
    let released = Released::of(&served(client, &args.of).await?)?;
    let ticket = out::answer(&format!(
        "Request {named} is ready, for half an hour and one download. On its page in the portal, under \"In a terminal\", is a ticket.\nTicket: "
    ))?;
    let ticket = ticket::of(&ticket, &released.uid)?;

    let beside = unpack::beside(&folder)?;
    let answer = door.collect(&ticket).await?;
    let (to, from) = mpsc::channel(UNDER_WAY);
    let (what, into) = (released.clone(), folder.clone());
    let unpacking = tokio::task::spawn_blocking(move || {
        unpack::unpack(Received::new(from), &what, beside, &into)
    });
    // Whoever reads learns from the sender's end that no more comes.
    let passed_on = tokio::select! {
        passed_on = door::pass_on(answer, to) => passed_on,
        () = interrupted() => Err(CliError::Refused("stopped: nothing is kept of what had arrived".to_owned())),
    };
    let unpacked = unpacking
        .await
        .map_err(|error| CliError::Refused(format!("unpacking ended: {error}")))?;
    passed_on?;
    let files = unpacked?;

    match args.output.output {
        Format::Json => out::print_json(&json!({
            "request": named, "directory": folder, "content": released.content, "files": files,
        }))?,
        Format::Text => out::print(&format!(
            "{} in {}: {} files, {}. What was sealed, reviewed and released is {}, and so is this.\nIts receipt: kubectl sde airlock receipts {}\n",
            args.of.request,
            folder.display(),
            files.len(),
            size(released.bytes),
            released.content,
            args.of.project,
        ))?,
    }
    Ok(Done::Yes)
}

/// The folder that is made, which nobody has.
fn folder(args: &DownloadArgs) -> Result<PathBuf, CliError> {
    let named = args.directory.as_deref();
    let folder = named.unwrap_or(Path::new(&args.of.request)).to_path_buf();
    if folder.symlink_metadata().is_ok() {
        return Err(CliError::Usage(format!(
            "{} is there already, and nothing is written over: name another folder with --directory",
            folder.display()
        )));
    }
    Ok(folder)
}

/// The request, once what was released is handed out.
async fn served(client: &Client, of: &RequestArgs) -> Result<AirlockRequest, CliError> {
    let began = Instant::now();
    let mut said = Duration::ZERO;
    loop {
        let request = get(client, of).await?;
        let status = request.status.clone().unwrap_or_default();
        let mut serving = status.serving.into_iter().flatten();
        if serving.any(|s| s.kind == ServingKind::Deliver) {
            return Ok(request);
        }
        let (named, phase, waited) = (change::named(&request), status.phase, began.elapsed());
        if phase != AirlockPhase::Released {
            return Err(CliError::Refused(format!(
                "request {named} is {phase} now, and only what is Released is collected"
            )));
        }
        if waited > READY {
            return Err(CliError::Refused(format!(
                "request {named} is not ready after {} s: kubectl sde airlock show {named} says what it waits for",
                READY.as_secs()
            )));
        }
        if waited >= said + SAY {
            said = waited;
            out::note(&format!(
                "Being made ready, {} s so far: a pod proves that it is locked, and compares what it has with what was released.",
                waited.as_secs()
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}
