//! Kills and errors at every write of a project's life: it always converges, attests truly, and leaves no orphan.
//!
//! A life without faults is recorded first: its writes are the points. Then, for each point and each fault, a fresh project lives the
//! same life with that one fault at that one write. Several lives run at once on one control plane; a killed controller is started again
//! at once, and the lives beside the killed one must get over it too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;

use super::error::{Result, check};
use super::lab::Lab;
use super::life::Life;
use super::runner::{Runner, SuiteReport};
use crate::controlplane::audit::{creations, events_since, position};
use crate::controlplane::fault_proxy::{Fault, Point, Rule, Shape, Write};
use crate::controlplane::install::controller_user;

/// Lives at once. More would not be faster on two cores.
const AT_ONCE: usize = 6;

/// The faults of each point.
const FAULTS: [Fault; 8] = [
    Fault::KillBefore,
    Fault::KillAfter,
    Fault::Answer(409),
    Fault::Answer(429),
    Fault::Answer(500),
    Fault::Answer(503),
    Fault::Hang,
    Fault::ApplyThenDrop,
];

/// One write of a life: its shape, and which of that shape it is.
type PointOfLife = (Shape, usize);

/// Runs the suite. Each fault is one test over all points.
///
/// # Errors
/// When the life without faults fails: then there is nothing to compare with.
pub async fn run(lab: &Lab, filter: Option<String>) -> Result<SuiteReport> {
    let mut runner = Runner::new(filter);
    let began = Instant::now();
    let reference = Reference::record(lab).await?;
    println!("a life without faults: {} writes, {} objects created, {:.1} s", reference.writes.len(), reference.created.len(), began.elapsed().as_secs_f32());
    for write in &reference.writes {
        tracing::info!(%write, "write of the life without faults");
    }
    for (index, fault) in FAULTS.into_iter().enumerate() {
        let name = format!("faults: {fault}, at each of {} writes", reference.writes.len());
        runner.test(&name, sweep(lab, &reference, index, fault)).await;
    }
    Ok(runner.finish())
}

/// What a life does when nothing fails.
struct Reference {
    writes: Vec<Write>,
    points: Vec<PointOfLife>,
    created: BTreeMap<String, usize>,
}

impl Reference {
    /// Lives twice: what the first does once for the whole cluster is no part of a life.
    async fn record(lab: &Lab) -> Result<Self> {
        live(lab, "lifezero", None).await?;
        let name = "lifeone";
        let start = position(&lab.plane.audit_log())?;
        let writes = live(lab, name, None).await?;
        let mut seen = BTreeMap::new();
        let points = writes.iter().map(|write| {
            let count: &mut usize = seen.entry(write.shape.clone()).or_default();
            *count += 1;
            (write.shape.clone(), *count)
        });
        let points = points.collect();
        let created = created_for(lab, start, &[name])?.remove(name).unwrap_or_default();
        Ok(Self { writes, points, created })
    }
}

/// One life with at most one fault; returns the controller's writes.
async fn live(lab: &Lab, name: &str, rule: Option<Rule>) -> Result<Vec<Write>> {
    let life = Life::new(lab, name);
    lab.proxy.arm(name, rule);
    let lived = async {
        life.open().await?;
        life.close().await
    };
    let result = lived.await;
    let writes = lab.proxy.disarm(name);
    result?;
    Ok(writes)
}

/// The same fault at every point, each in a life of its own.
async fn sweep(lab: &Lab, reference: &Reference, index: usize, fault: Fault) -> Result<()> {
    let start = position(&lab.plane.audit_log())?;
    let done = Arc::new(AtomicBool::new(false));
    let revivals = AtomicUsize::new(0);
    let names: Vec<String> = (0..reference.points.len()).map(|point| format!("f{index}p{point:03}")).collect();
    let lives = async {
        let runs = reference.points.iter().zip(&names).map(async |((shape, nth), name)| {
            let rule = Rule { point: Point::NthOf(shape.clone(), *nth), fault };
            let result = live(lab, name, Some(rule)).await;
            (format!("{shape} ({nth})"), result)
        });
        let results: Vec<_> = futures::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
        done.store(true, Ordering::Relaxed);
        results
    };
    let (results, kept_alive) = tokio::join!(lives, keep_alive(lab, &done, &revivals));
    kept_alive?;

    let mut failures = Vec::new();
    let mut unreached = Vec::new();
    for (point, result) in results {
        match result {
            Err(error) => failures.push(format!("{point}: {error}")),
            Ok(writes) if !writes.iter().any(|write| write.fault.is_some()) => unreached.push(point),
            Ok(_) => {}
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let created = created_for(lab, start, &names)?;
    for name in names {
        if created.get(name) != Some(&reference.created) && failures.is_empty() {
            failures.push(difference(name, created.get(name), &reference.created));
        }
    }
    check(failures.is_empty(), format_args!("{} of {} lives failed:\n{}", failures.len(), reference.points.len(), failures.join("\n")))?;
    // Status and Events are coalesced by timing, so a late one may not come at all in another life; everything else must.
    let must: Vec<&String> = unreached.iter().filter(|point| !point.contains("/status") && !point.contains("/events")).collect();
    check(must.is_empty(), format_args!("points that were never reached: {must:?}"))?;
    if !unreached.is_empty() {
        println!("    {} of {} points are status or Events that timing coalesced", unreached.len(), reference.points.len());
    }
    let kills = matches!(fault, Fault::KillBefore | Fault::KillAfter);
    let reached = reference.points.len() - unreached.len();
    check(!kills || revivals.load(Ordering::Relaxed) > 0 || reached == 0, "the controller was never killed")
}

/// Starts the controller again whenever it was killed, until all lives are over.
async fn keep_alive(lab: &Lab, done: &AtomicBool, revivals: &AtomicUsize) -> Result<()> {
    while !done.load(Ordering::Relaxed) {
        if lab.revive()? {
            revivals.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// How often the controller created each object of each project, by the API server's audit log. Events are no objects of a project.
fn created_for(lab: &Lab, start: u64, names: &[&str]) -> Result<BTreeMap<String, BTreeMap<String, usize>>> {
    let user = controller_user();
    let mut events = events_since(&lab.plane.audit_log(), start)?;
    events.retain(|event| event.user.username == user);
    let mut by_name: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (object, count) in creations(&events) {
        if object.contains("/events/") {
            continue;
        }
        let Some(name) = names.iter().find(|name| object.contains(**name)) else { continue };
        let shape = Shape::of(&http::Method::POST, &object, name).to_string();
        *by_name.entry((*name).to_owned()).or_default().entry(shape).or_default() += count;
    }
    Ok(by_name)
}

/// What a life created otherwise than the reference.
fn difference(name: &str, found: Option<&BTreeMap<String, usize>>, wanted: &BTreeMap<String, usize>) -> String {
    let nothing = BTreeMap::new();
    let found = found.unwrap_or(&nothing);
    let keys: std::collections::BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    let differing = keys.into_iter().filter(|key| found.get(*key) != wanted.get(*key));
    let list: Vec<String> = differing.map(|key| format!("{key}: {} times, reference {}", found.get(key).unwrap_or(&0), wanted.get(key).unwrap_or(&0))).collect();
    format!("{name} created other objects than the reference: {}", list.join("; "))
}
