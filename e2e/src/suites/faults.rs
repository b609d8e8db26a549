//! Kills and errors at every write of a project's life: it always converges, attests truly, and leaves no orphan. Kills at every
//! write of an export, an import and a transfer: it is released once, and as without them.
//!
//! A life without faults is recorded first: its writes are the points. Then, for each point and each fault, a fresh project lives the
//! same life with that one fault at that one write. Several lives run at once on one control plane; a killed controller is started again
//! at once, and the lives beside the killed one must get over it too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::StreamExt as _;

use super::error::{Result, check};
use super::faults_courses::Course;
use super::lab::Lab;
use super::runner::{Runner, SuiteReport};
use crate::controlplane::fault_proxy::{Fault, Point, Rule, Shape, Write};

/// Errors, of which each disturbs one life only, and how many such lives at once: most of a life is waiting for the namespace
/// controller, which gives every namespace five seconds.
const ERRORS: [Fault; 7] = [
    Fault::Answer(403),
    Fault::Answer(409),
    Fault::Answer(429),
    Fault::Answer(500),
    Fault::Answer(503),
    Fault::Hang,
    Fault::ApplyThenDrop,
];
const ERRORS_AT_ONCE: usize = 16;

/// Kills, of which each disturbs every life at once.
const KILLS: [Fault; 2] = [Fault::KillBefore, Fault::KillAfter];
const KILLS_AT_ONCE: usize = 10;

/// Without `--thorough` each fault is put at every fourth write, another fourth for each fault: every write still meets two of them.
const STRIDE: usize = 4;

/// One write of a life: its shape, and which of that shape it is.
type PointOfLife = (Shape, usize);

/// Runs the suite. Each fault is one test over all points.
///
/// # Errors
/// When the life without faults fails: then there is nothing to compare with.
pub async fn run(lab: &Lab, filter: Option<String>, thorough: bool) -> Result<SuiteReport> {
    let stride = if thorough { 1 } else { STRIDE };
    let mut runner = Runner::new(filter);
    let began = Instant::now();
    let reference = Reference::record(lab, Course::Project).await?;
    println!(
        "a life without faults: {} writes, {} objects created, {:.1} s",
        reference.writes.len(),
        reference.created.len(),
        began.elapsed().as_secs_f32() / 2.0
    );
    phase(
        lab,
        &reference,
        &ERRORS,
        ERRORS_AT_ONCE,
        stride,
        &mut runner,
    )
    .await?;
    phase(lab, &reference, &KILLS, KILLS_AT_ONCE, stride, &mut runner).await?;
    Ok(runner.finish())
}

/// Kills at writes of exports, imports and transfers, for the suite of the airlock.
///
/// # Errors
/// As [`run`].
pub(super) async fn of_requests(lab: &Lab, thorough: bool, runner: &mut Runner) -> Result<()> {
    let stride = if thorough { 1 } else { STRIDE };
    for course in [Course::Export, Course::Import, Course::Transfer] {
        if !KILLS
            .iter()
            .any(|kill| runner.wants(&course.test_name(*kill)))
        {
            continue;
        }
        let reference = Reference::record(lab, course).await?;
        println!("{}: {} writes", course.what(), reference.writes.len());
        phase(lab, &reference, &KILLS, KILLS_AT_ONCE, stride, runner).await?;
    }
    Ok(())
}

/// What a life does when nothing fails.
struct Reference {
    course: Course,
    writes: Vec<Write>,
    points: Vec<PointOfLife>,
    created: BTreeMap<String, usize>,
}

impl Reference {
    /// Lives twice: what the first does once for the whole cluster is no part of a life.
    async fn record(lab: &Lab, course: Course) -> Result<Self> {
        let (zero, name) = course.references();
        // Of the faults before it, the last may have killed the controller when all else was over.
        let (first, _) = lab.supervised(course.live(lab, zero, None)).await?;
        first?;
        let writes = course.live(lab, name, None).await?;
        for write in &writes {
            tracing::info!(%write, "write of the life without faults");
        }
        let mut seen = BTreeMap::new();
        let points = writes.iter().map(|write| {
            let count: &mut usize = seen.entry(write.shape.clone()).or_default();
            *count += 1;
            (write.shape.clone(), *count)
        });
        let points = points.collect();
        let created = created_for(lab, name);
        Ok(Self {
            course,
            writes,
            points,
            created,
        })
    }
}

/// A life with one fault, and what came of it.
struct Lived {
    name: String,
    fault: Fault,
    point: PointOfLife,
    result: Result<Vec<Write>>,
}

/// Every fault of `faults` at every point, each in a life of its own, `at_once` at once; notes one test a fault.
async fn phase(
    lab: &Lab,
    reference: &Reference,
    faults: &[Fault],
    at_once: usize,
    stride: usize,
    runner: &mut Runner,
) -> Result<()> {
    let began = Instant::now();
    let plans = faults
        .iter()
        .filter(|fault| runner.wants(&reference.course.test_name(**fault)))
        .flat_map(|fault| {
            let points = reference.points.iter().enumerate();
            let chosen =
                points.filter(move |(number, _)| number % stride == fault_letter(*fault) % stride);
            chosen.map(|(number, point)| {
                (
                    format!(
                        "{}{:x}p{number:03}",
                        reference.course.letter(),
                        fault_letter(*fault)
                    ),
                    *fault,
                    point.clone(),
                )
            })
        });
    let runs = plans.map(async |(name, fault, point)| {
        let rule = Rule {
            point: Point::NthOf(point.0.clone(), point.1),
            fault,
        };
        let result = reference.course.live(lab, &name, Some(rule)).await;
        if let Err(error) = &result {
            tracing::warn!(name, %fault, point = %point.0, nth = point.1, %error, "a life failed");
        }
        Lived {
            name,
            fault,
            point,
            result,
        }
    });
    let lives = futures::stream::iter(runs)
        .buffer_unordered(at_once)
        .collect::<Vec<Lived>>();
    let (lived, revivals) = lab.supervised(lives).await?;
    for fault in faults {
        let of_fault: Vec<&Lived> = lived.iter().filter(|life| life.fault == *fault).collect();
        if of_fault.is_empty() {
            continue;
        }
        runner.note(
            &reference.course.test_name(*fault),
            began.elapsed(),
            judge(lab, &of_fault, reference),
        );
    }
    if revivals > 0 {
        println!("    the controller was killed and started again {revivals} times");
    }
    Ok(())
}

/// Something short and unique for project names.
fn fault_letter(fault: Fault) -> usize {
    ERRORS
        .iter()
        .chain(&KILLS)
        .position(|other| *other == fault)
        .unwrap_or_default()
}

/// Whether all lives with one fault went as they must.
fn judge(lab: &Lab, lived: &[&Lived], reference: &Reference) -> Result<()> {
    let mut failures = Vec::new();
    let mut unreached = 0;
    for life in lived {
        let created = created_for(lab, &life.name);
        let at = format!("{}: {} ({})", life.name, life.point.0, life.point.1);
        match &life.result {
            Err(error) => failures.push(format!(
                "{at}: {error}\n{}",
                lab.operator.controller().log_tail(6, &life.name)
            )),
            Ok(_) if created != reference.created => failures.push(format!(
                "{at}: {}",
                difference(&created, &reference.created)
            )),
            Ok(writes) if writes.iter().all(|write| write.fault.is_none()) => {
                unreached += 1;
                // How often a status or an Event is written again is a matter of timing; that it is written is not.
                if life.point.1 == 1 {
                    failures.push(format!("{at}: was never written"));
                }
            }
            Ok(_) => {}
        }
    }
    if unreached > 0 {
        println!(
            "    {unreached} of {} repeated writes were not needed in the life that had a fault for them",
            lived.len()
        );
    }
    check(
        failures.is_empty(),
        format_args!(
            "{} of {} lives failed:\n{}",
            failures.len(),
            lived.len(),
            failures.join("\n")
        ),
    )
}

/// How many objects the controller made for a project, by shape, as the witness saw them.
fn created_for(lab: &Lab, name: &str) -> BTreeMap<String, usize> {
    let mut by_shape = BTreeMap::new();
    for (object, count) in lab.recorder.created(name) {
        *by_shape
            .entry(Shape::of(&http::Method::POST, &object, name).to_string())
            .or_default() += count;
    }
    by_shape
}

/// What a life created otherwise than the reference.
fn difference(found: &BTreeMap<String, usize>, wanted: &BTreeMap<String, usize>) -> String {
    let keys: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    let differing = keys
        .into_iter()
        .filter(|key| found.get(*key) != wanted.get(*key));
    let list: Vec<String> = differing
        .map(|key| {
            format!(
                "{key}: {} times, reference {}",
                found.get(key).unwrap_or(&0),
                wanted.get(key).unwrap_or(&0)
            )
        })
        .collect();
    format!("created otherwise than without faults: {}", list.join("; "))
}
