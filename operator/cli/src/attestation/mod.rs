//! `kubectl sde attestation`: the signed record of a closed project, which outlives it.

mod files;
mod pick;

use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::DestructionRecord;

use crate::args::{ExportArgs, RecordArgs, ShowArgs};
use crate::error::{CliError, Done};
use crate::out::{self, Format};
use crate::verify;

async fn record(client: &Client, args: &RecordArgs) -> Result<DestructionRecord, CliError> {
    let api: Api<DestructionRecord> = Api::all(client.clone());
    let all = api
        .list(&ListParams::default())
        .await
        .map_err(CliError::api("reading destruction records"))?;
    pick::pick(all.items, &args.project, args.uid.as_deref())
}

/// Writes the four files.
pub async fn export(client: &Client, args: &ExportArgs) -> Result<Done, CliError> {
    let record = record(client, &args.record).await?;
    let files = files::files(&record)?;
    files::write(&args.dir, &files)?;
    let mut text = String::new();
    for (name, bytes) in &files {
        let path = args.dir.join(name);
        text.push_str(&format!(
            "{}  {}\n",
            sde_evidence::sha256(bytes).hex(),
            path.display()
        ));
    }
    text.push_str(&format!(
        "\nVerify it: kubectl sde verify --key KEY --bundle {0}/{1} --evidence {0}/{2}\nKEY is the public key handed over when the project began (status.attestationKey); {3} here is a copy from the record itself, which proves nothing alone.\n",
        args.dir.display(),
        files::BUNDLE,
        files::EVIDENCE,
        files::KEY
    ));
    out::print(&text)?;
    Ok(Done::Yes)
}

/// Prints what was attested, after checking the signature with the record's own key.
pub async fn show(client: &Client, args: &ShowArgs) -> Result<Done, CliError> {
    let record = record(client, &args.record).await?;
    let spec = &record.spec;
    let checked = verify::verify(
        spec.bundle.as_bytes(),
        spec.evidence.as_bytes(),
        &spec.public_key,
    );
    match args.output.output {
        Format::Json => out::print_json(&checked)?,
        Format::Text if checked.verified => out::print(&format!(
            "{}\nThe signature matches the key in the record itself, which proves nothing alone: check it with your own copy of the key\n(kubectl sde attestation export {} -o DIR, then kubectl sde verify).\n",
            checked.summary, spec.project
        ))?,
        Format::Text => {
            let why = checked.error.clone().unwrap_or_default();
            out::print(&format!(
                "Record {} does not hold: {why}.\n",
                record.metadata.name.clone().unwrap_or_default()
            ))?;
        }
    }
    Ok(if checked.verified {
        Done::Yes
    } else {
        Done::No
    })
}
