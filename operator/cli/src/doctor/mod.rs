//! `kubectl sde doctor`: is this cluster fit?
//!
//! `facts` reads the cluster and `form` tries what its policies refuse; `form`, `api`, `platform`, `nodes` and `network` judge the facts, pure; `probe` proves the lock
//! with throwaway pods; `check` is what they say and how it is shown.

mod api;
mod check;
mod facts;
mod form;
mod network;
mod nodes;
mod platform;
mod probe;

#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use kube::Client;
use serde_json::json;

use crate::args::DoctorArgs;
use crate::error::{CliError, Done};
use crate::out::{self, Format};
use crate::text::Paint;

use check::{Check, Level};
use facts::Facts;

/// Checks, prints, and says no when a check fails.
pub async fn run(
    client: &Client,
    namespace: &str,
    args: &DoctorArgs,
    paint: Paint,
) -> Result<Done, CliError> {
    let facts = facts::gather(client, namespace).await?;
    let mut checks = checks(&facts, Timestamp::now());
    if args.probe {
        checks.extend(probe::run(client, &facts).await);
    }
    let fit = !checks.iter().any(|c| c.level == Level::Fail);
    match args.output.output {
        Format::Json => out::print_json(&json!({"fit": fit, "checks": checks}))?,
        Format::Text => out::print(&check::render(&checks, paint, out::width()))?,
    }
    Ok(if fit { Done::Yes } else { Done::No })
}

/// Every check that needs no pod.
fn checks(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let mut all = api::checks(facts);
    all.extend(form::checks(facts));
    all.extend(platform::checks(facts));
    all.extend(nodes::checks(facts));
    all.extend(network::checks(facts, now));
    all
}
