//! `kubectl sde airlock receipts`: what was released, refused, revoked and collected, signed; it outlives the project.

use std::fs;
use std::path::Path;

use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::AirlockReceipt;
use sde_crds::names::PROJECT_LABEL;
use serde::Serialize;

use super::args::ReceiptsArgs;
use crate::error::{CliError, Done};
use crate::out::{self, Format};
use crate::verify;

/// One receipt, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    request: String,
    event: String,
    /// The environment to which it goes, if it is a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    sde: Option<String>,
    at: String,
    /// By the key in the record itself, which proves nothing alone.
    signature_holds: bool,
}

/// Lists, and writes where it is told to.
///
/// # Errors
/// When the API server or the folder refuses.
pub async fn run(client: &Client, args: &ReceiptsArgs) -> Result<Done, CliError> {
    let api: Api<AirlockReceipt> = Api::all(client.clone());
    let of = ListParams::default().labels(&format!("{PROJECT_LABEL}={}", args.project));
    let found = api.list(&of).await;
    let mut receipts = found.map_err(CliError::api("reading receipts"))?.items;
    receipts.sort_by(|a, b| (a.spec.at.0, &a.metadata.name).cmp(&(b.spec.at.0, &b.metadata.name)));
    let shown: Vec<Shown> = receipts.iter().map(shown).collect();
    if let Some(directory) = &args.directory {
        write(directory, &receipts)?;
    }
    match args.output.output {
        Format::Json => out::print_json(&shown)?,
        Format::Text => out::print(&text(&args.project, &shown))?,
    }
    let all = shown.iter().all(|s| s.signature_holds);
    Ok(if all { Done::Yes } else { Done::No })
}

fn shown(receipt: &AirlockReceipt) -> Shown {
    let spec = &receipt.spec;
    let checked = verify::verify_receipt(spec.bundle.as_bytes(), &spec.public_key);
    Shown {
        name: receipt.metadata.name.clone().unwrap_or_default(),
        request: spec.request.clone(),
        event: format!("{:?}", spec.event),
        sde: spec.sde.clone(),
        at: spec.at.0.to_string(),
        signature_holds: checked.verified,
    }
}

fn text(project: &str, shown: &[Shown]) -> String {
    if shown.is_empty() {
        return format!(
            "Project {project} has no receipts: nothing was released, refused or revoked.\n"
        );
    }
    let mut text = String::new();
    for of in shown {
        let holds = if of.signature_holds {
            ""
        } else {
            "  DOES NOT HOLD"
        };
        let sde = of.sde.as_ref().map(|sde| format!(" for {sde}"));
        text.push_str(&format!(
            "{}  {:<9}  {}{}  {}{holds}\n",
            of.at,
            of.event,
            of.request,
            sde.unwrap_or_default(),
            of.name
        ));
    }
    text.push_str("\nSignatures were checked with the keys in the receipts themselves, which proves nothing alone: write them to files\n(--directory) and check them with your own copy of the key (kubectl sde verify --key KEY --bundle FILE).\n");
    text
}

fn write(directory: &Path, receipts: &[AirlockReceipt]) -> Result<(), CliError> {
    let wrong = |e: std::io::Error| CliError::Usage(format!("{}: {e}", directory.display()));
    fs::create_dir_all(directory).map_err(wrong)?;
    for receipt in receipts {
        let name = receipt.metadata.name.as_deref().unwrap_or_default();
        let path = directory.join(format!("{name}.sigstore.json"));
        fs::write(path, &receipt.spec.bundle).map_err(wrong)?;
    }
    Ok(())
}
