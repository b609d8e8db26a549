//! `sde-agent probe`: the first init container. Tries to get out until nothing does, or time is up.

use std::time::Duration;

use sde_core::lock::Report;

use crate::exit::{Exit, block_on, terminated};
use crate::prober::{Dialling, PAUSE, Prober};
use crate::termination;

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub dialling: Dialling,
    /// How long the network may take to become closed, in seconds.
    #[arg(long, env = "SDE_DEADLINE_SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    deadline_seconds: u64,
}

/// Exit 0 when `SDE_ROUNDS` consecutive rounds were closed before the deadline, else 1.
pub fn run(args: &Args) -> Exit {
    let path = &args.dialling.termination_log;
    let mut prober = match Prober::new(&args.dialling) {
        Ok(prober) => prober,
        Err(error) => {
            tracing::error!(%error, "bad arguments");
            let report = Report::failed(&args.dialling.pod_uid, &error.to_string());
            return termination::finish_report(path, &report, Exit::BadArguments);
        }
    };
    let deadline = Duration::from_secs(args.deadline_seconds);
    let exit = block_on(async {
        tokio::select! {
            exit = prove(&mut prober, args.dialling.rounds, deadline) => exit,
            () = terminated() => Exit::Refused,
        }
    });
    termination::finish_report(path, &prober.report(), exit)
}

/// A round that connects is no failure yet: a policy takes a moment to be programmed. What it sent
/// is remembered by the sentinel, so the controller refuses this pod and makes another.
async fn prove(prober: &mut Prober, rounds: u32, deadline: Duration) -> Exit {
    loop {
        prober.round().await;
        if prober.closed_rounds() >= rounds {
            return Exit::Proven;
        }
        // A round that could not end in time would not count.
        if prober.elapsed() + PAUSE + prober.round_limit() > deadline {
            return Exit::Refused;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
