//! `sde-agent`: runs beside data, without credentials. Each subcommand has its own file.

mod airlock;
mod counted;
mod dial;
mod door;
mod exit;
mod gate;
mod kernel;
mod listener;
mod manifest;
mod memory;
mod page;
mod probe;
mod prober;
mod sentinel;
mod serve;
mod standing;
mod termination;
mod tree;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;

const EXIT_CODES: &str = "Exit codes:
  0  proven, confirmed, equal, with a result, or ended as asked
  1  refused: something is open, not confirmed, not equal, without a result, or not proven before the deadline
  2  bad arguments or environment
  3  internal error: a panic, no socket, or the report could not be written";

/// Runs beside data in a secure data environment, without credentials.
#[derive(Debug, Parser)]
#[command(name = "sde-agent", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try to get out of this pod, and report; exit 0 only when nothing let us out.
    #[command(after_help = EXIT_CODES)]
    Probe(probe::Args),
    /// Wait until the controller has confirmed the probe of this very pod.
    #[command(after_help = EXIT_CODES)]
    Gate(gate::Args),
    /// Answer anyone over TCP and UDP and remember who spoke: the probes' positive control.
    #[command(after_help = EXIT_CODES)]
    Sentinel(sentinel::Args),
    /// Repeat the probe on a schedule, and listen so that workspaces can try this pod as a neighbour.
    #[command(after_help = EXIT_CODES)]
    Standing(standing::Args),
    /// Hash a dataset's files and compare with the digest its custodian registered.
    #[command(after_help = EXIT_CODES)]
    Manifest(manifest::Args),
    /// Seal, scan, verify, show or deliver one chamber of the airlock, as SDE_AIRLOCK_JOB says.
    #[command(after_help = EXIT_CODES)]
    AirlockJob(airlock::Args),
    /// Stand between people's browsers and the jobs of the airlock that serve: bytes for tickets.
    #[command(after_help = EXIT_CODES)]
    Door(door::Args),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SDE_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    match Cli::try_parse() {
        Ok(cli) => dispatch(cli.command).into(),
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            let _ = error.print();
            termination::report_bad_arguments(&error);
            Exit::BadArguments.into()
        }
    }
}

fn dispatch(command: Command) -> Exit {
    match command {
        Command::Probe(args) => {
            let on_panic = args.dialling.failure();
            guarded(|| probe::run(&args), on_panic)
        }
        Command::Standing(args) => {
            let on_panic = args.dialling.failure();
            guarded(|| standing::run(&args), on_panic)
        }
        Command::Manifest(args) => {
            let on_panic = args.failure();
            guarded(|| manifest::run(args), on_panic)
        }
        Command::AirlockJob(args) => {
            let on_panic = args.failure();
            guarded(|| airlock::run(args), on_panic)
        }
        Command::Gate(args) => gate::run(&args),
        Command::Sentinel(args) => sentinel::run(&args),
        Command::Door(args) => door::run(&args),
    }
}

/// Runs a subcommand whose report must be written even when it panics.
fn guarded(run: impl FnOnce() -> Exit, on_panic: impl FnOnce(&str)) -> Exit {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        on_panic("the agent panicked; see the container's log");
        Exit::Internal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_panic_is_reported() {
        let mut said = String::new();
        let exit = guarded(|| panic!("on purpose"), |why| said.push_str(why));
        assert_eq!((exit, said.contains("panicked")), (Exit::Internal, true));
        assert_eq!(
            guarded(|| Exit::Proven, |_| panic!("not called")),
            Exit::Proven
        );
    }
}
