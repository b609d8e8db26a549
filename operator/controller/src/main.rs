//! `sde-controller`: reads its command line, begins to log, runs.

use std::process::ExitCode;

use clap::Parser;
use sde_controller::cli::Args;
use sde_controller::{controllers, run, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = telemetry::init(args.log_format) {
        eprintln!("sde-controller: {error}");
        return ExitCode::FAILURE;
    }
    match run::run(args, controllers::start).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
