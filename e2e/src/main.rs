//! `cargo e2e`: clusters, demo, suites and benchmarks of sde-operator.
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sde_e2e::bench::{airlock, workspace};
use sde_e2e::cluster::error::Error;
use sde_e2e::cluster::{
    Backend, Cluster, NodeImage, Topology, UpOptions, command, down, options, runc_bounded,
};
use sde_e2e::demo;
use sde_e2e::suites::all::{self, Suite};
use sde_e2e::suites::control_plane;
use sde_e2e::suites::error::{Result, SuiteError};

/// Real clusters, the demo, the test suites and the benchmarks of sde-operator.
#[derive(Debug, Parser)]
#[command(name = "cargo e2e", bin_name = "cargo e2e")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a cluster, or find the healthy one of that name again.
    Up {
        #[command(flatten)]
        cluster: ClusterArgs,
    },
    /// Delete a cluster; after the last one also the network and the Docker daemon the harness has started.
    Down {
        /// The cluster's name.
        #[arg(long, default_value = options::DEFAULT_NAME)]
        name: String,
        /// Delete every cluster of the harness.
        #[arg(long)]
        all: bool,
        /// Delete every cluster and the caches; the next `up` builds everything again (about 20 minutes).
        #[arg(long)]
        purge: bool,
    },
    /// Show a project's whole life on a real cluster with real data, narrated.
    Demo {
        #[command(flatten)]
        cluster: ClusterArgs,
        /// Leave the cluster running, to look around.
        #[arg(long)]
        keep: bool,
    },
    /// Run the test suites: all, or those named.
    Test {
        /// Suites.
        #[arg(value_enum)]
        suites: Vec<Suite>,
        /// Only tests whose name contains this.
        #[arg(long)]
        filter: Option<String>,
        /// Leave the clusters running.
        #[arg(long)]
        keep: bool,
        /// Every fault at every write (a quarter of an hour more).
        #[arg(long)]
        thorough: bool,
    },
    /// Measure.
    Bench {
        /// What.
        #[command(subcommand)]
        bench: Bench,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Projects opened on the control-plane lane, beside a bare client that sends the same writes.
    Open {
        /// How many projects.
        #[arg(long, default_value_t = 50)]
        projects: usize,
    },
    /// What the airlock finds in real tools' output, disguised and honest, and how fast.
    Airlock,
    /// Workspace created to notebook answering, by stage, on kind.
    Workspace {
        /// How many times.
        #[arg(long, default_value_t = 10)]
        runs: usize,
    },
}

#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// The cluster's name; several can stand side by side.
    #[arg(long, default_value = options::DEFAULT_NAME)]
    name: String,
    /// The nodes' pod networks.
    #[arg(long, value_enum, default_value_t = Topology::Cilium)]
    topology: Topology,
    /// stock (kind's own, from a registry), built (made here from pinned Go modules), or any image reference.
    #[arg(long, default_value = "built")]
    node_image: NodeImage,
    /// kind, or the cluster that kubectl talks to now (never created or deleted).
    #[arg(long, value_enum, default_value_t = Backend::Kind)]
    cluster: Backend,
}

impl From<ClusterArgs> for UpOptions {
    fn from(args: ClusterArgs) -> Self {
        Self {
            name: args.name,
            topology: args.topology,
            node_image: args.node_image,
            backend: args.cluster,
            ..Self::default()
        }
    }
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let called = std::env::current_exe().unwrap_or_default();
    if called
        .file_name()
        .is_some_and(|name| name == runc_bounded::NAME)
    {
        eprintln!("{}", runc_bounded::become_runc(&args[1..]));
        return ExitCode::FAILURE;
    }
    match run(Cli::parse_from(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(SuiteError::Harness(Error::Interrupted)) => {
            eprintln!("error: {}", Error::Interrupted);
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(cli: Cli) -> Result<()> {
    tokio::spawn(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        let terminated = async {
            match &mut terminate {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
        eprintln!("  stopping; what this run has started is taken down");
        command::interrupt();
    });
    match cli.command {
        Command::Up { cluster } => {
            let cluster = tokio::task::block_in_place(|| Cluster::up(&cluster.into()))?;
            eprintln!(
                "cluster `{}` is ready; to use it with kubectl:",
                cluster.name()
            );
            println!("export KUBECONFIG={}", cluster.kubeconfig().display());
            Ok(())
        }
        Command::Down { name, all, purge } => tokio::task::block_in_place(|| match (all, purge) {
            (_, true) => Ok(down::purge()?),
            (true, false) => Ok(down::all()?),
            (false, false) => Ok(down::one(&name)?),
        }),
        Command::Demo { cluster, keep } => tokio::task::block_in_place(|| {
            let options: UpOptions = cluster.into();
            let told = demo::run(&options);
            if !keep && options.backend == Backend::Kind {
                down::one(&options.name)?;
            }
            Ok(told?)
        }),
        Command::Test {
            suites,
            filter,
            keep,
            thorough,
        } => {
            let options = all::Options {
                filter,
                keep,
                thorough,
            };
            all::run(&suites, &options).await
        }
        Command::Bench {
            bench: Bench::Open { projects },
        } => {
            println!("{}", control_plane::bench_open(projects).await?);
            Ok(())
        }
        Command::Bench {
            bench: Bench::Airlock,
        } => tokio::task::block_in_place(airlock::run),
        Command::Bench {
            bench: Bench::Workspace { runs },
        } => tokio::task::block_in_place(|| workspace::run(runs)),
    }
}
