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
mod conformance;
mod doctor;
mod error;
mod interrupt;
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
    let client = async || cluster::connect(&target).await;
    let lifecycle = async |args: args::LifecycleArgs, to| {
        let format = args.output.output;
        lifecycle::run(&client().await?, &args.project, to, format, paint).await
    };
    let namespace = &cli.global.namespace;
    match cli.command {
        Command::Verify(args) => verify::run(&args, paint),
        Command::Airlock(command) => airlock::run(&command, &target, paint).await,
        Command::Completions { shell } => completions::run(shell),
        Command::Status(args) => status::run(&client().await?, &args, paint).await,
        Command::Approve(args) => approve::run(&client().await?, &args, paint).await,
        Command::Suspend(args) => lifecycle(args, Lifecycle::Suspended).await,
        Command::Resume(args) => lifecycle(args, Lifecycle::Active).await,
        Command::Close(args) => lifecycle::close(&client().await?, &args, paint).await,
        Command::Attestation(Attestation::Export(args)) => {
            attestation::export(&client().await?, &args).await
        }
        Command::Attestation(Attestation::Show(args)) => {
            attestation::show(&client().await?, &args).await
        }
        Command::Doctor(args) => doctor::run(&client().await?, namespace, &args, paint).await,
        Command::Conformance(args) => conformance::run(&target, namespace, &args, paint).await,
    }
}
