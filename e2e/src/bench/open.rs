//! `bench open`: how near opening projects comes to what this API server can take.
//!
//! The controller opens N projects; then a bare client with the same ServiceAccount sends the very same requests again, for other
//! projects, at several concurrencies. The ratio of the two is what the
//! controller's thinking, ordering and waiting cost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use kube::{Api, ResourceExt as _};
use sde_crds::Project;

use super::replay::{Replayed, Tape, replay};
use crate::controlplane::install::{CONTROLLER_ACCOUNT, SYSTEM_NAMESPACE, account_token};
use crate::suites::error::Result;
use crate::suites::lab::Lab;
use crate::suites::life::Life;

/// Concurrencies of the bare client.
const CONCURRENCIES: [usize; 5] = [1, 4, 8, 16, 32];

/// Projects that people submit and approve at once.
const OPENED_AT_ONCE: usize = 32;

/// What was measured.
#[derive(Debug, Clone)]
pub struct OpenReport {
    /// Projects opened.
    pub projects: usize,
    /// Writes of the controller, all projects together.
    pub writes: usize,
    /// Distinct objects that it wrote, all projects together: the floor for the writes.
    pub objects: usize,
    /// From the first submission to the last project Active.
    pub took: Duration,
    /// The bare client, by concurrency.
    pub bare: Vec<Replayed>,
    /// The controller's resident memory before and after, bytes.
    pub resident: (u64, u64),
}

impl OpenReport {
    /// The controller's writes per second.
    pub fn writes_per_second(&self) -> f64 {
        self.writes as f64 / self.took.as_secs_f64()
    }

    /// The best run of the bare client.
    pub fn best(&self) -> Option<Replayed> {
        self.bare
            .iter()
            .copied()
            .max_by(|a, b| a.rate.total_cmp(&b.rate))
    }
}

impl std::fmt::Display for OpenReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.projects as f64;
        writeln!(f, "projects opened        {}", self.projects)?;
        writeln!(
            f,
            "writes a project       {:.1} (distinct objects and subresources written: {:.1})",
            self.writes as f64 / n,
            self.objects as f64 / n
        )?;
        writeln!(
            f,
            "projects a second      {:.2}",
            n / self.took.as_secs_f64()
        )?;
        writeln!(f, "writes a second        {:.0}", self.writes_per_second())?;
        for Replayed {
            concurrency,
            rate,
            refused,
        } in &self.bare
        {
            writeln!(
                f,
                "bare client, {concurrency:>2} at once {rate:.0} writes a second ({refused} refused)"
            )?;
        }
        if let Some(best) = self.best() {
            writeln!(
                f,
                "ratio                  {:.2} (to the bare client's best, {} at once)",
                self.writes_per_second() / best.rate,
                best.concurrency
            )?;
        }
        let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
        writeln!(
            f,
            "controller memory      {:.1} MiB before, {:.1} MiB after",
            mib(self.resident.0),
            mib(self.resident.1)
        )?;
        write!(
            f,
            "what holds it back: the order of the stages (each waits for the one before), the probe of each project, and a look at\n\
             the API server before an object is first made, so that nothing of somebody else's is taken over"
        )
    }
}

/// Opens `projects` projects, without Workspaces, then lets the bare client send the same again. The controller is killed in between and
/// stays so: it would act on the bare client's projects.
///
/// # Errors
/// When a project does not open or the API server refuses.
pub async fn run(lab: &Lab, projects: usize) -> Result<OpenReport> {
    Life::new(lab, "warmup").without_workspace().open().await?;
    let before = lab
        .operator
        .controller()
        .resident_bytes()
        .unwrap_or_default();
    let names: Vec<String> = (0..projects)
        .map(|number| format!("bench{number:04}"))
        .collect();
    names.iter().for_each(|name| lab.proxy.record(name));
    let lives: Vec<Life<'_>> = names
        .iter()
        .map(|name| Life::new(lab, name).without_workspace())
        .collect();
    let began = Instant::now();
    futures::stream::iter(&lives)
        .map(Life::open)
        .buffer_unordered(OPENED_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    let took = began.elapsed();
    let after = lab
        .operator
        .controller()
        .resident_bytes()
        .unwrap_or_default();
    lab.operator.controller().kill();

    let all: Api<Project> = Api::all(lab.plane.admin());
    let mut tapes = Vec::with_capacity(projects);
    let mut objects = 0;
    for name in names {
        let requests = lab.proxy.tape(&name);
        let written = lab.proxy.disarm(&name);
        objects += written
            .iter()
            .map(|write| write.path.as_str())
            .collect::<BTreeSet<_>>()
            .len();
        let uid = all.get(&name).await?.uid().unwrap_or_default();
        tapes.push(Tape {
            project: name,
            uid,
            requests,
        });
    }
    let writes = tapes.iter().map(|tape| tape.requests.len()).sum();
    let token = account_token(&lab.plane.admin(), SYSTEM_NAMESPACE, CONTROLLER_ACCOUNT).await?;
    let client = lab.plane.client_with_token(&token)?;
    let mut bare = Vec::new();
    for concurrency in CONCURRENCIES {
        bare.push(replay(lab, &client, &tapes, concurrency).await?);
    }
    Ok(OpenReport {
        projects,
        writes,
        objects,
        took,
        bare,
        resident: (before, after),
    })
}
