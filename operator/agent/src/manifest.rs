//! `sde-agent manifest`: compares a mounted dataset with the digest its custodian registered, or
//! prints the manifest so that a custodian can register it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::exit::{Exit, block_on, terminated};
use crate::termination;
use crate::tree::{Summary, TreeError, hash_tree};

const PROGRESS: Duration = Duration::from_secs(5);

/// Arguments of `manifest`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct Args {
    /// The directory that is the dataset.
    #[arg(long, env = "SDE_ROOT")]
    root: PathBuf,
    /// The digest the manifest must have: `sha256:` and 64 lower-case hex digits.
    #[arg(long, env = "SDE_DIGEST", group = "what", value_parser = parse_digest)]
    digest: Option<String>,
    /// Print the manifest to standard output and its digest to standard error, and write no
    /// termination message; `sha256sum` over the output gives the same digest.
    #[arg(long, group = "what")]
    print: bool,
    /// Where the report goes.
    #[arg(long, env = "SDE_TERMINATION_LOG", default_value = termination::DEFAULT_PATH)]
    termination_log: PathBuf,
}

/// The termination message. Holds no file name: it reaches the API.
#[derive(Debug, Default, Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn parse_digest(text: &str) -> Result<String, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    let right = hex.len() == 64
        && hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if right {
        Ok(text.to_owned())
    } else {
        Err("must be sha256:<64 lower-case hex digits>".into())
    }
}

impl Args {
    /// Writes a message that only says why there is no digest.
    pub fn failure(&self) -> impl FnOnce(&str) + use<> {
        let path = self.termination_log.clone();
        move |why| {
            termination::finish(&path, &failure_message(why), Exit::Internal);
        }
    }
}

/// The message of a run without a digest; the text is cut to fit.
pub fn failure_message(error: &str) -> String {
    let error: String = error
        .chars()
        .filter(|c| !c.is_control())
        .take(240)
        .collect();
    message(&Message {
        error: Some(&error),
        ..Message::default()
    })
}

fn message(message: &Message<'_>) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// Exit 0 when the digest is the one asked for (or none was), 1 when not or when there is none.
pub fn run(args: Args) -> Exit {
    block_on(async move {
        let (root, print) = (args.root.clone(), args.print);
        let hashing = tokio::task::spawn_blocking(move || hash(&root, print));
        let result = tokio::select! {
            joined = hashing => joined,
            () = terminated() => {
                return conclude(&args, &failure_message("ended by a signal"), Exit::Refused);
            }
        };
        match result {
            Ok(Ok(summary)) => compare(&args, &summary),
            Ok(Err(error)) => {
                tracing::error!("{error}");
                let exit = if matches!(error, TreeError::Output(_)) {
                    Exit::Internal
                } else {
                    Exit::Refused
                };
                conclude(&args, &failure_message(&error.public()), exit)
            }
            Err(_) => conclude(
                &args,
                &failure_message("the agent panicked"),
                Exit::Internal,
            ),
        }
    })
}

fn compare(args: &Args, summary: &Summary) -> Exit {
    let equal = args
        .digest
        .as_ref()
        .is_none_or(|wanted| *wanted == summary.digest);
    if args.print {
        eprintln!(
            "{}  {} files, {} bytes",
            summary.digest, summary.files, summary.bytes
        );
    }
    if !equal {
        tracing::error!(
            found = summary.digest,
            wanted = args.digest,
            "the manifest has another digest"
        );
    }
    let message = message(&Message {
        digest: Some(&summary.digest),
        files: Some(summary.files),
        bytes: Some(summary.bytes),
        error: (!equal).then_some("the manifest has another digest"),
    });
    conclude(
        args,
        &message,
        if equal { Exit::Proven } else { Exit::Refused },
    )
}

fn conclude(args: &Args, message: &str, exit: Exit) -> Exit {
    if args.print {
        exit
    } else {
        termination::finish(&args.termination_log, message, exit)
    }
}

fn hash(root: &std::path::Path, print: bool) -> Result<Summary, TreeError> {
    let mut said = Instant::now();
    let mut progress = |files: u64, bytes: u64| {
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            tracing::info!(files, bytes, "hashing");
        }
    };
    if print {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let summary = hash_tree(root, &mut out, &mut progress)?;
        out.flush().map_err(TreeError::Output)?;
        Ok(summary)
    } else {
        hash_tree(root, &mut io::sink(), &mut progress)
    }
}
