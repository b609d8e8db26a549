//! `kubectl sde`: what a custodian, an approver, a platform engineer and an auditor do from a terminal.
//!
//! Each command has a folder or file: I/O in its `mod.rs`, decisions and rendering beside it, pure.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail loudly"))]

mod airlock;
mod approve;
mod args;
mod attestation;
mod cluster;
mod completions;
mod doctor;
mod error;
mod lifecycle;
mod out;
mod status;
mod text;
mod verify;

#[cfg(test)]
mod fixtures;

use std::process::ExitCode;

use clap::Parser;
use sde_crds::project::Lifecycle;

use args::{Attestation, Cli, Command};
use error::{CliError, Done};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(done) => done.into(),
        Err(error) => {
            out::note(&format!("error: {error}"));
            error.exit_code()
        }
    }
}

async fn run(cli: Cli) -> Result<Done, CliError> {
    let paint = cli.global.color.paint();
    let target = cli.global.target();
    match cli.command {
        Command::Verify(args) => return verify::run(&args, paint),
        Command::Airlock(command) => return airlock::run(&command, paint),
        Command::Completions { shell } => return completions::run(shell),
        _ => {}
    }
    let client = cluster::connect(&target).await?;
    match cli.command {
        Command::Status(args) => status::run(&client, &args, paint).await,
        Command::Approve(args) => approve::run(&client, &args, paint).await,
        Command::Suspend(args) => {
            lifecycle::run(
                &client,
                &args.project,
                Lifecycle::Suspended,
                args.output.output,
                paint,
            )
            .await
        }
        Command::Resume(args) => {
            lifecycle::run(
                &client,
                &args.project,
                Lifecycle::Active,
                args.output.output,
                paint,
            )
            .await
        }
        Command::Close(args) => lifecycle::close(&client, &args, paint).await,
        Command::Attestation(Attestation::Export(args)) => {
            attestation::export(&client, &args).await
        }
        Command::Attestation(Attestation::Show(args)) => attestation::show(&client, &args).await,
        Command::Doctor(args) => doctor::run(&client, &cli.global.namespace, &args, paint).await,
        Command::Verify(_) | Command::Airlock(_) | Command::Completions { .. } => Ok(Done::Yes),
    }
}
