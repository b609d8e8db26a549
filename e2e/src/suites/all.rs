//! `cargo e2e test`: every suite, and the count at the end. cargo's own tests come first, as they take every core; then the suites
//! that compute run in turn, beside those that mostly wait: the airlock's on kind, which takes as long as the others together, and those.

use std::thread::JoinHandle;

use tokio::runtime::Handle;

use crate::cluster::command::{self, Run};
use crate::cluster::error::Error;
use crate::cluster::{down, packages};
use crate::images::ours::build_ours;

use super::error::{Result, SuiteError};
use super::runner::{Runner, SuiteReport};
use super::{access_rights, control_plane, enforcement, node, node_airlock, redteam};

/// A suite, by the name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// No cluster: formatting, lints, unit, golden, property and model tests.
    Pure,
    /// Control plane: the lane's own parts.
    Lane,
    /// Control plane: what the chart's admission policies decide.
    Policies,
    /// Control plane: bad input and trouble.
    Trouble,
    /// Control plane: who may do what.
    Access,
    /// Control plane: what is to leave, and kills at every write of it.
    Airlock,
    /// Control plane: people's pages, used in a browser.
    Portal,
    /// Control plane: silence when nothing changes.
    Steady,
    /// Control plane: kills and errors at every write.
    Faults,
    /// kind with Cilium.
    Node,
    /// kind with Cilium: what goes through the airlock.
    NodeAirlock,
    /// kind with a network plugin that ignores policies.
    Ptp,
    /// kind with one node of each.
    Mixed,
    /// kind with a worker and the policies on disk too: every attack of the catalogue.
    Redteam,
}

impl Suite {
    /// What runs when none is named, in the order of each queue: the quickest first, and silence last, when nothing is built beside it
    /// any more. The red team runs when it is named: docs/src/red-team.md.
    pub const ALL: [Self; 13] = [
        Self::Pure,
        Self::Lane,
        Self::Policies,
        Self::Trouble,
        Self::Access,
        Self::Airlock,
        Self::Portal,
        Self::Faults,
        Self::NodeAirlock,
        Self::Node,
        Self::Ptp,
        Self::Mixed,
        Self::Steady,
    ];
}

/// How suites are run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only tests whose name contains this.
    pub filter: Option<String>,
    /// Leave the clusters running.
    pub keep: bool,
    /// Every fault at every write; otherwise a part of them, which covers every write.
    pub thorough: bool,
}

/// Runs suites. The clusters it makes are deleted, also on failure, unless they are to be kept.
///
/// # Errors
/// When a suite cannot be run at all, the user asks to stop, or a test failed.
pub async fn run(suites: &[Suite], options: &Options) -> Result<()> {
    let chosen = if suites.is_empty() {
        &Suite::ALL[..]
    } else {
        suites
    };
    let of = |wanted| -> Vec<Suite> {
        let all = chosen.iter().copied();
        all.filter(|suite| queue(*suite) == wanted).collect()
    };
    let mut report = in_turn(&of(Queue::First), options).await?;
    if chosen.iter().any(|suite| cluster(*suite).is_some()) {
        // All need them, and the same build twice at once would only make one wait for the other.
        tokio::task::block_in_place(build_ours)?;
    }
    let beside =
        [Queue::Airlock, Queue::Waiting].map(|queue| on_a_thread(of(queue), options.clone()));
    let processes = in_turn(&of(Queue::Computing), options).await;
    let beside = beside.map(|thread| {
        let ended = tokio::task::block_in_place(|| thread.map(JoinHandle::join));
        ended.map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    report.add(processes?);
    for suites in beside {
        report.add(suites??);
    }
    if options.filter.is_none() && uses_every_right(chosen) {
        report.add(rights().await);
    }
    for name in &report.failed {
        println!("failed: {name}");
    }
    println!("{report}");
    if report.failed.is_empty() {
        Ok(())
    } else {
        Err(SuiteError::Check(format!(
            "{} tests failed",
            report.failed.len()
        )))
    }
}

/// The same on a thread of its own, since what suites with clusters wait for blocks it. Its stack is as large as the main thread's, on
/// which the others run.
fn on_a_thread(suites: Vec<Suite>, options: Options) -> Result<JoinHandle<Result<SuiteReport>>> {
    let runtime = Handle::current();
    let thread = std::thread::Builder::new()
        .name("clusters".to_owned())
        .stack_size(8 << 20)
        .spawn(move || runtime.block_on(in_turn(&suites, &options)));
    thread.map_err(|error| {
        let what = format!("no thread for the suites with clusters: {error}");
        Error::host(what, "See `ulimit -u`.").into()
    })
}

/// Runs suites one after the other and deletes their clusters.
async fn in_turn(suites: &[Suite], options: &Options) -> Result<SuiteReport> {
    let mut report = SuiteReport::default();
    for suite in suites {
        eprintln!("suite {suite:?}");
        let result = one(*suite, options).await;
        if let (Some(cluster), false) = (cluster(*suite), options.keep) {
            tokio::task::block_in_place(|| down::one(cluster))?;
        }
        match result {
            Ok(found) => report.add(found),
            Err(SuiteError::Harness(Error::Interrupted)) => return Err(Error::Interrupted.into()),
            Err(error) => {
                println!("suite {suite:?} could not run\n    {error}");
                report.failed.push(format!("{suite:?}"));
            }
        }
        if command::interrupted() {
            return Err(Error::Interrupted.into());
        }
    }
    Ok(report)
}

/// Whether these suites together do all that the controller ever does without nodes.
fn uses_every_right(chosen: &[Suite]) -> bool {
    let needed = [
        Suite::Trouble,
        Suite::Access,
        Suite::Airlock,
        Suite::Portal,
        Suite::Steady,
        Suite::Faults,
    ];
    needed.iter().all(|suite| chosen.contains(suite))
}

/// What the controller is granted and what it used in all of them.
async fn rights() -> SuiteReport {
    let mut runner = Runner::new(None);
    runner
        .test(
            "access: over all suites, what is used is granted and what is granted is used",
            async { access_rights::used_is_granted() },
        )
        .await;
    runner.finish()
}

/// Suites of one queue run in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    /// Before all others.
    First,
    /// They keep the machine busy.
    Computing,
    /// The airlock on kind.
    Airlock,
    /// They wait: for pods, or for silence.
    Waiting,
}

fn queue(suite: Suite) -> Queue {
    match suite {
        Suite::Pure => Queue::First,
        Suite::NodeAirlock => Queue::Airlock,
        Suite::Node | Suite::Ptp | Suite::Mixed | Suite::Redteam | Suite::Steady => Queue::Waiting,
        Suite::Lane
        | Suite::Policies
        | Suite::Trouble
        | Suite::Access
        | Suite::Airlock
        | Suite::Portal
        | Suite::Faults => Queue::Computing,
    }
}

fn cluster(suite: Suite) -> Option<&'static str> {
    match suite {
        Suite::Node => Some("sde-test"),
        Suite::NodeAirlock => Some("sde-test-airlock"),
        Suite::Ptp => Some("sde-test-ptp"),
        Suite::Mixed => Some("sde-test-mixed"),
        Suite::Redteam => Some("sde-test-redteam"),
        Suite::Pure
        | Suite::Lane
        | Suite::Policies
        | Suite::Trouble
        | Suite::Access
        | Suite::Airlock
        | Suite::Portal
        | Suite::Steady
        | Suite::Faults => None,
    }
}

async fn one(suite: Suite, options: &Options) -> Result<SuiteReport> {
    let name = cluster(suite).unwrap_or_default();
    let filter = options.filter.clone();
    let processes = match suite {
        Suite::Pure => return pure(filter).await,
        Suite::Node => return node::run(name, filter).await,
        Suite::NodeAirlock => return node_airlock::run(name, filter).await,
        Suite::Ptp => return enforcement::ptp(name, filter).await,
        Suite::Mixed => return enforcement::mixed(name, filter).await,
        Suite::Redteam => return redteam::run(name, filter).await,
        Suite::Lane => control_plane::Suite::Lane,
        Suite::Policies => control_plane::Suite::Policies,
        Suite::Trouble => control_plane::Suite::Trouble,
        Suite::Access => control_plane::Suite::Access,
        Suite::Airlock => control_plane::Suite::Airlock,
        Suite::Portal => control_plane::Suite::Portal,
        Suite::Steady => control_plane::Suite::Steady,
        Suite::Faults => control_plane::Suite::Faults,
    };
    control_plane::run(processes, filter, options.thorough).await
}

/// What cargo itself runs, each shown as it is.
async fn pure(filter: Option<String>) -> Result<SuiteReport> {
    // What the tests themselves call: stock verifiers, and network namespaces with a firewall in them.
    packages::ensure(&[
        packages::file("/usr/bin/jq", "jq"),
        packages::file("/usr/bin/openssl", "openssl"),
        packages::file("/usr/sbin/ip", "iproute2"),
        packages::file("/usr/sbin/iptables", "iptables"),
    ])?;
    let mut runner = Runner::new(filter);
    runner
        .test("pure: formatting", async {
            cargo(&["fmt", "--all", "--check"])
        })
        .await;
    runner
        .test("pure: lints", async {
            cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "--deny",
                "warnings",
            ])
        })
        .await;
    runner
        .test("pure: cargo test", async {
            cargo(&["test", "--workspace", "--locked", "--quiet"])
        })
        .await;
    Ok(runner.finish())
}

fn cargo(args: &[&str]) -> Result<()> {
    let run = Run::cargo().args(args);
    let (status, output) = tokio::task::block_in_place(|| run.finish())?;
    if args.first() == Some(&"test") {
        output
            .stdout
            .lines()
            .filter(|line| line.starts_with("test result"))
            .for_each(|line| println!("{line}"));
    }
    super::error::check(
        status.success(),
        format_args!("{}\n{}", output.stdout, output.stderr),
    )
}
