//! `sde-agent standing`: a project's standing probe pod. Repeats the probe and listens, so that the
//! workspaces' probes can try it as a neighbour.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sde_core::lock::Report;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::exit::{Exit, block_on, terminated};
use crate::listener::Listener;
use crate::memory::{CAPACITY, Memory};
use crate::prober::{Dialling, PAUSE, Prober};
use crate::termination;

/// Arguments of `standing`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub dialling: Dialling,
    /// Between the starts of two probes, in seconds.
    #[arg(long, env = "SDE_INTERVAL_SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval_seconds: u64,
    /// After this many seconds the last report is written and the exit code is 0.
    #[arg(long, env = "SDE_LIFETIME_SECONDS", default_value_t = 3600,
          value_parser = clap::value_parser!(u64).range(1..=604_800))]
    lifetime_seconds: u64,
    /// Where neighbours are answered, over TCP and UDP.
    #[arg(long, env = "SDE_LISTEN", default_value = "0.0.0.0:7777")]
    listen: SocketAddr,
}

/// Exit 1 as soon as anything is open, 0 with the last report at the end of the lifetime.
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
    let mut failure = None;
    let exit = block_on(async {
        let memory = Arc::new(Memory::new(CAPACITY));
        let listener = match Listener::bind(args.listen, memory).await {
            Ok(listener) => listener,
            Err(error) => {
                failure = Some(format!("cannot listen: {error}"));
                return Exit::Internal;
            }
        };
        let lifetime = Duration::from_secs(args.lifetime_seconds);
        let interval = Duration::from_secs(args.interval_seconds);
        tokio::select! {
            exit = watch(&mut prober, args.dialling.rounds, interval, lifetime) => exit,
            () = listener.serve() => Exit::Internal,
            () = terminated() => Exit::Proven,
        }
    });
    let report = match failure {
        Some(why) => {
            tracing::error!(why, "standing probe failed");
            Report::failed(&args.dialling.pod_uid, &why)
        }
        None => prober.report(),
    };
    termination::finish_report(path, &report, exit)
}

/// Probes at every tick; a last time when the lifetime is over, so that the report is fresh.
async fn watch(prober: &mut Prober, rounds: u32, every: Duration, lifetime: Duration) -> Exit {
    let end = Instant::now() + lifetime;
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let over = tokio::select! {
            _ = ticks.tick() => false,
            () = sleep_until(end) => true,
        };
        for round in 0..rounds {
            if round > 0 {
                sleep(PAUSE).await;
            }
            if prober.round().await.is_open() {
                return Exit::Refused;
            }
        }
        if over {
            return Exit::Proven;
        }
    }
}
