//! `cargo e2e demo`: a project's whole life on a real cluster with real data, narrated with timings.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::cluster::UpOptions;
use crate::cluster::error::{Error, Result};
use crate::node::acts;
use crate::node::attestation::Exported;
use crate::node::session;
use crate::node::site::Site;
use crate::node::story::{self, RESEARCHER, Source, condition};

const DATASET: &str = "genomes-1000-excerpt";

struct Narrator {
    began: Instant,
    step: u32,
}

impl Narrator {
    fn say(&mut self, text: &str) {
        self.step += 1;
        println!(
            "\n[{:>5.1} s] {}. {text}",
            self.began.elapsed().as_secs_f32(),
            self.step
        );
    }

    fn show(&self, text: &str) {
        for line in text.trim_end().lines() {
            println!("            {line}");
        }
    }
}

/// Runs the demo. The evidence stays under target/e2e/<cluster>/demo.
///
/// # Errors
/// When anything is not as told.
pub fn run(options: &UpOptions) -> Result<()> {
    let mut tell = Narrator {
        began: Instant::now(),
        step: 0,
    };
    tell.say("A kind cluster with Cilium, our images, the chart, a policy, and people with certificates of their own");
    let site = Site::up(options)?;
    let project = format!(
        "demo-{}",
        &format!("{:x}", jiff::Timestamp::now().as_second())[3..]
    );
    open(&site, &project, &mut tell)?;
    work(&site, &project, &mut tell)?;
    close(&site, &project, &mut tell)?;
    println!(
        "\nThe demo ended well after {:.1} s.",
        tell.began.elapsed().as_secs_f32()
    );
    Ok(())
}

fn open(site: &Site, project: &str, tell: &mut Narrator) -> Result<()> {
    tell.say("custodian-a registers 1kg.vcf.gz (1000 Genomes, 629 people) as a Dataset, by the digest of its manifest");
    // One Dataset a project: a release never changes, and another run of the demo may be granted it too.
    let dataset = format!("{DATASET}-{}", &project[5..]);
    site.apply_as(
        "custodian-a",
        &story::dataset(site, &dataset, project, Source::Image),
    )?;
    tell.show(&site.kubectl("custodian-a", &["get", "datasets", &dataset])?);

    tell.say(
        "custodian-a submits a Project with two people; it waits, since nobody approves their own",
    );
    site.apply_as("custodian-a", &story::project(project, &dataset))?;
    acts::project_when(site, project, "waiting for approval", |p| {
        condition(p, "Approved")["status"] == "False"
    })?;
    tell.show(&site.sde("custodian-a", &["status", project])?);
    let refused = site.sde(
        "custodian-a",
        &["approve", project, "--role", "DataAccess", "--yes"],
    );
    tell.show(&format!(
        "custodian-a tries to approve: {}",
        refused_words(refused)?
    ));

    tell.say("approver-a approves data access, approver-b the public benefit, each of exactly these bytes");
    acts::approve(site, project)?;
    let began = Instant::now();
    let active = acts::active(site, project)?;
    tell.show(&format!("Active after {:.1} s: namespace locked, lock proven from inside, data checked byte by byte.", began.elapsed().as_secs_f32()));
    tell.show(&format!(
        "What the standing probe tried: {}",
        targets(&active["status"]["proof"])
    ));
    Ok(())
}

fn refused_words(result: Result<String>) -> Result<String> {
    match result {
        Ok(said) => Err(Error::malformed(
            Path::new("approve"),
            format!("the submitter could approve: {said}"),
        )),
        Err(error) => Ok(error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()),
    }
}

fn targets(proof: &Value) -> String {
    let of = |t: &Value| {
        format!(
            "{} {}",
            t["name"].as_str().unwrap_or_default(),
            t["verdict"].as_str().unwrap_or_default()
        )
    };
    proof["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(of)
        .collect::<Vec<_>>()
        .join(", ")
}

fn work(site: &Site, project: &str, tell: &mut Narrator) -> Result<()> {
    tell.say("The hub opens a Workspace for a researcher; its own pod must prove the lock before anything mounts data");
    let began = Instant::now();
    let running = acts::run(site, project, RESEARCHER)?;
    tell.show(&format!(
        "The notebook answers after {:.1} s.",
        began.elapsed().as_secs_f32()
    ));
    tell.show(&format!(
        "What its probe tried: {}",
        targets(&running["status"]["proof"])
    ));
    tell.show(&site.kubectl(
        "auditor",
        &["get", "projects,workspaces,datasets", "--all-namespaces"],
    )?);

    tell.say("A client with the proxy's label works in the notebook: Jupyter's REST and WebSocket API, no exec, no port-forward");
    let answers = session::work(site, project, "demo-proxy", &running)?;
    for answer in &answers {
        let said = if answer.text.is_empty() {
            answer.error.clone().unwrap_or_default()
        } else {
            answer.text.clone()
        };
        tell.show(&format!("{:<34} {said}", answer.name));
    }
    session::judge(&answers)
}

fn close(site: &Site, project: &str, tell: &mut Narrator) -> Result<()> {
    tell.say(
        "custodian-a closes the project: pods die first, then everything that holds data is listed",
    );
    acts::ask_to_close(site, project)?;
    acts::awaiting_closure(site, project)?;
    tell.show(&site.sde("custodian-a", &["status", project])?);

    tell.say("Two people approve the destruction of exactly that inventory");
    acts::approve_closure(site, project)?;
    let began = Instant::now();
    let closed = acts::closed(site, project)?;
    tell.show(&format!(
        "Closed after {:.1} s.",
        began.elapsed().as_secs_f32()
    ));

    tell.say("The destruction attestation, verified by kubectl sde, offline, with the key that was in the status from the start");
    let folder = site.folder.join("demo").join(project);
    let exported = Exported::of(site, project, &closed, &folder)?;
    let verdict = exported.verify()?;
    let refused = |who: &str| Error::malformed(&folder, format!("{who} refuses the attestation"));
    tell.show(&verdict.ours.ok_or_else(|| refused("kubectl sde verify"))?);
    tell.say("The same by openssl, jq and sha256sum alone, with none of our code");
    tell.show(&verdict.stock.ok_or_else(|| refused("verify.sh"))?);

    tell.say("One changed byte, and both refuse");
    let changed = exported.verify_changed()?;
    if changed.ours.is_some() || changed.stock.is_some() {
        return Err(Error::malformed(&folder, "a changed byte was not noticed"));
    }
    tell.show("kubectl sde verify: refused. openssl, jq, sha256sum: refused.");
    tell.show(&format!(
        "The evidence is in {}",
        exported.folder().display()
    ));
    Ok(())
}
