//! What `cargo e2e test` and `cargo e2e bench` call for the control-plane lane: finds and builds programs, starts a lab, runs a suite.

use std::time::Duration;

use super::error::Result;
use super::lab::{Lab, LabOptions};
use super::runner::SuiteReport;
use super::{access, access_rights, airlock, faults, lane, policies, portal, steady, trouble};
use crate::bench::open::{self, OpenReport};
use crate::cluster::command;
use crate::cluster::error::Error;
use crate::controlplane::ControlPlaneOptions;
use crate::controlplane::binaries::Binaries;
use crate::controlplane::rights::Usage;
use crate::images::ours::build_ours;

/// A suite of the control-plane lane. Each runs on a control plane of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// The lane's own parts.
    Lane,
    /// What the chart's admission policies decide.
    Policies,
    /// Bad input and trouble.
    Trouble,
    /// Who may do what.
    Access,
    /// What is to leave.
    Airlock,
    /// People's pages, used in a browser.
    Portal,
    /// Kills and errors at every write.
    Faults,
    /// Silence when nothing changes.
    Steady,
}

impl Suite {
    /// All, quickest first.
    pub const ALL: [Self; 8] = [
        Self::Lane,
        Self::Policies,
        Self::Trouble,
        Self::Access,
        Self::Airlock,
        Self::Portal,
        Self::Steady,
        Self::Faults,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lane => "lane",
            Self::Policies => "policies",
            Self::Trouble => "trouble",
            Self::Access => "access",
            Self::Airlock => "airlock",
            Self::Portal => "portal",
            Self::Faults => "faults",
            Self::Steady => "steady",
        }
    }
}

/// Runs one suite, or those of its tests whose name contains `filter`; prints a line a test.
///
/// # Errors
/// When a program cannot be built or started, or the user asks to stop; a failed test is in the report.
pub async fn run(suite: Suite, filter: Option<String>, thorough: bool) -> Result<SuiteReport> {
    let tests = async {
        match suite {
            Suite::Lane => {
                lane::run(ControlPlaneOptions::new(blocking(Binaries::find)?), filter).await
            }
            Suite::Policies => policies::run(lab_options(10)?, filter).await,
            Suite::Trouble => in_lab(suite, 3, async |lab| trouble::run(lab, filter).await).await,
            Suite::Access => in_lab(suite, 3, async |lab| access::run(lab, filter).await).await,
            Suite::Airlock => {
                in_lab(suite, 10, async |lab| {
                    airlock::run(lab, filter, thorough).await
                })
                .await
            }
            Suite::Portal => in_lab(suite, 10, async |lab| portal::run(lab, filter).await).await,
            // Short, since every time-out of the suite is waited for, but longer than a starved API server takes.
            Suite::Faults => {
                in_lab(suite, 5, async |lab| {
                    faults::run(lab, filter, thorough).await
                })
                .await
            }
            Suite::Steady => in_lab(suite, 10, async |lab| steady::run(lab, filter).await).await,
        }
    };
    until_interrupted(tests).await
}

/// Runs a suite in a lab and keeps what the controller used of its rights meanwhile.
async fn in_lab(
    suite: Suite,
    api_timeout_seconds: u32,
    tests: impl AsyncFnOnce(&Lab) -> Result<SuiteReport>,
) -> Result<SuiteReport> {
    Usage::forget(suite.name())?;
    let lab = lab(api_timeout_seconds).await?;
    let report = tests(&lab).await?;
    access_rights::usage(&lab.plane)
        .await?
        .write(suite.name())?;
    Ok(report)
}

/// Runs `bench open` for so many projects.
///
/// # Errors
/// As [`run`], and when a project does not open.
pub async fn bench_open(projects: usize) -> Result<OpenReport> {
    until_interrupted(async { open::run(&lab(10).await?, projects).await }).await
}

async fn lab(api_timeout_seconds: u32) -> Result<Lab> {
    Lab::start(lab_options(api_timeout_seconds)?).await
}

/// Programs, built when absent.
fn lab_options(api_timeout_seconds: u32) -> Result<LabOptions> {
    let binaries = blocking(Binaries::find)?;
    let ours = blocking(build_ours)?;
    Ok(LabOptions {
        plane: ControlPlaneOptions::new(binaries),
        controller: ours.controller_binary,
        agent: ours.agent_binary,
        portal: ours.portal_binary,
        api_timeout_seconds,
        concurrency: 8,
    })
}

/// Building blocks its thread for minutes; the runtime has others.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Stops when the user asks to; what the work has started goes when it is dropped.
async fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let interrupted = async {
        while !command::interrupted() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        result = work => result,
        () = interrupted => Err(Error::Interrupted.into()),
    }
}
