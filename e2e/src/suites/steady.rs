//! Steady state: when nothing changes, the controller asks the API server for nothing but its lease and its watches.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};

use super::error::{Result, check};
use super::lab::Lab;
use super::life::Life;
use super::runner::{Runner, SuiteReport};
use crate::controlplane::audit::{AuditEvent, events_since, noise, position};
use crate::controlplane::install::controller_user;

/// Active projects, each with a running Workspace.
const PROJECTS: usize = 50;
/// How long is listened.
const WINDOW: Duration = Duration::from_secs(60);
/// After the last project is open, until what is asynchronous (Events, quota usage) has settled.
const SETTLE: Duration = Duration::from_secs(5);

/// Opens the projects and listens.
///
/// # Errors
/// Never by itself; what fails is in the report.
pub async fn run(lab: &Lab, filter: Option<String>) -> Result<SuiteReport> {
    let mut runner = Runner::new(filter);
    let name = format!(
        "steady: {PROJECTS} projects, no request in {} s but lease and watches",
        WINDOW.as_secs()
    );
    runner.test(&name, silence(lab)).await;
    Ok(runner.finish())
}

async fn silence(lab: &Lab) -> Result<()> {
    let lives: Vec<Life<'_>> = (0..PROJECTS)
        .map(|number| Life::new(lab, &format!("steady{number:03}")))
        .collect();
    futures::stream::iter(&lives)
        .map(Life::open)
        .buffer_unordered(8)
        .try_collect::<Vec<()>>()
        .await?;
    tokio::time::sleep(SETTLE).await;
    let start = position(&lab.plane.audit_log())?;
    tokio::time::sleep(WINDOW).await;
    let events = events_since(&lab.plane.audit_log(), start)?;
    let user = controller_user();
    // Positive control: the log shows the controller alive, renewing its lease.
    let lease = events
        .iter()
        .filter(|event| {
            event.user.username == user
                && event
                    .object_ref
                    .as_ref()
                    .is_some_and(|object| object.resource == "leases")
        })
        .count();
    check(
        lease > 0,
        "the audit log shows no lease renewal: the controller is not alive, or the log is not written",
    )?;
    let noise = noise(&events, &user);
    let shown: Vec<String> = noise
        .iter()
        .take(10)
        .map(|event| AuditEvent::summary(event))
        .collect();
    check(
        noise.is_empty(),
        format_args!(
            "{} requests beside lease and watches, such as:\n{}",
            noise.len(),
            shown.join("\n")
        ),
    )?;
    println!("    {lease} lease renewals, nothing else");
    Ok(())
}
