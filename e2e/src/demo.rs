//! `cargo e2e demo`: a project's whole life on a real cluster with real data, narrated with timings.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::{UpOptions, internet, paths};
use crate::node::notebook::{Answer, Cell, talk};
use crate::node::site::Site;
use crate::node::story::{self, RESEARCHER, Source, condition, wait_for};

const DATASET: &str = "genomes-1000-excerpt";
/// How long one thing may take before the demo gives up and says what it waits for.
const PATIENCE: Duration = Duration::from_secs(120);

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
    wait_for(
        site,
        ("project", project, None),
        "waiting for approval",
        PATIENCE,
        |p| condition(p, "Approved")["status"] == "False",
    )?;
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
    site.sde(
        "approver-a",
        &["approve", project, "--role", "DataAccess", "--yes"],
    )?;
    site.sde(
        "approver-b",
        &["approve", project, "--role", "PublicBenefit", "--yes"],
    )?;
    let began = Instant::now();
    let active = wait_for(site, ("project", project, None), "Active", PATIENCE, |p| {
        p["status"]["phase"] == "Active"
    })?;
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
    site.open_as_hub(&story::workspace(project, RESEARCHER))?;
    let namespace = format!("sde-project-{project}");
    let what = ("workspace", RESEARCHER, Some(namespace.as_str()));
    let running = wait_for(site, what, "Running", PATIENCE, |w| {
        w["status"]["phase"] == "Running"
    })?;
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
    let pod = running["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    let url = running["status"]["pod"]["url"].as_str().unwrap_or_default();
    let answers = talk(
        site,
        "demo-proxy",
        url,
        &story::token(site, project, pod)?,
        &cells(site)?,
    )?;
    for answer in &answers {
        let said = if answer.text.is_empty() {
            answer.error.clone().unwrap_or_default()
        } else {
            answer.text.clone()
        };
        tell.show(&format!("{:<34} {said}", answer.name));
    }
    judge(&answers)
}

/// What a researcher would do, and what someone who wants to carry data out would try.
pub fn cells(site: &Site) -> Result<Vec<Cell>> {
    let sentinel = site.cluster.kubectl([
        "get",
        "pod",
        "--namespace",
        "sde-system",
        "--selector",
        "app.kubernetes.io/component=sentinel",
        "--output",
        "jsonpath={.items[0].status.podIP}",
    ])?;
    let node = site.cluster.nodes()?.first().cloned().unwrap_or_default();
    let api = site.cluster.node_ip(&node)?;
    let dial = |address: &str, port: u16| {
        format!(
            "import socket\ntry:\n    socket.create_connection(('{address}', {port}), 3)\n    print('REACHED')\nexcept OSError as error:\n    print('blocked:', error)"
        )
    };
    let cell = |name, code: &str| Cell {
        name,
        code: code.to_owned(),
    };
    Ok(vec![
        cell(
            "variants counted by bcftools",
            "import subprocess\nprint(subprocess.run('bcftools view -H /data/genotypes/1kg.vcf.gz | wc -l', shell=True, capture_output=True, text=True).stdout)",
        ),
        cell(
            "people in the file",
            "print(subprocess.run('bcftools query -l /data/genotypes/1kg.vcf.gz | wc -l', shell=True, capture_output=True, text=True).stdout)",
        ),
        cell(
            "writes to the home volume",
            "open('/home/researcher/result.txt', 'w').write('ok')\nprint(open('/home/researcher/result.txt').read())",
        ),
        cell(
            "writes to the data",
            "open('/data/genotypes/1kg.vcf.gz', 'r+b').write(b'x')\nprint('WRITTEN')",
        ),
        cell(
            "makes a file beside the data",
            "open('/data/genotypes/new', 'w').write('x')\nprint('WRITTEN')",
        ),
        cell("dials the sentinel", &dial(sentinel.trim(), 7777)),
        cell("dials an outside address", &dial(internet::ADDRESS, 7777)),
        cell("dials the API server", &dial(&api, 6443)),
        cell(
            "asks DNS",
            "import socket\ntry:\n    print('RESOLVED', socket.gethostbyname('kubernetes.default.svc.cluster.local'))\nexcept OSError as error:\n    print('blocked:', error)",
        ),
        cell(
            "looks for an API token",
            "import os\nprint('FOUND' if os.path.exists('/var/run/secrets/kubernetes.io/serviceaccount/token') else 'none')",
        ),
    ])
}

/// Fails unless the honest work was done and everything else was refused.
///
/// # Errors
/// Names the first cell that went otherwise.
pub fn judge(answers: &[Answer]) -> Result<()> {
    let wrong = |answer: &Answer, why: &str| {
        Err(Error::malformed(
            Path::new(&answer.name),
            format!("{why}: {answer:?}"),
        ))
    };
    if answers.len() != 10 {
        return Err(Error::malformed(
            Path::new("notebook"),
            format!("{} of 10 cells answered", answers.len()),
        ));
    }
    for answer in answers {
        let number = answer.text.parse::<u32>().unwrap_or(0);
        let refused = !["REACHED", "WRITTEN", "RESOLVED", "FOUND"]
            .iter()
            .any(|bad| answer.text.contains(bad));
        let good = match answer.name.as_str() {
            "variants counted by bcftools" => number > 0,
            "people in the file" => number == 629,
            "writes to the home volume" => answer.text == "ok",
            "writes to the data" | "makes a file beside the data" => {
                refused
                    && answer
                        .error
                        .as_ref()
                        .is_some_and(|e| e.contains("Read-only") || e.contains("denied"))
            }
            "looks for an API token" => answer.text == "none",
            _ => refused && answer.text.starts_with("blocked"),
        };
        if !good {
            return wrong(answer, "not as it must be");
        }
    }
    Ok(())
}

fn close(site: &Site, project: &str, tell: &mut Narrator) -> Result<()> {
    tell.say(
        "custodian-a closes the project: pods die first, then everything that holds data is listed",
    );
    site.sde("custodian-a", &["close", project, "--yes"])?;
    let waiting = |p: &Value| condition(p, "Closing")["reason"] == "T0AwaitApprovals";
    wait_for(
        site,
        ("project", project, None),
        "waiting for closure approvals",
        PATIENCE,
        waiting,
    )?;
    tell.show(&site.sde("custodian-a", &["status", project])?);

    tell.say("Two people approve the destruction of exactly that inventory");
    site.sde(
        "approver-a",
        &["approve", project, "--role", "Closure", "--yes"],
    )?;
    site.sde(
        "approver-b",
        &["approve", project, "--role", "Closure", "--yes"],
    )?;
    let began = Instant::now();
    let closed = wait_for(site, ("project", project, None), "Closed", PATIENCE, |p| {
        p["status"]["phase"] == "Closed"
    })?;
    tell.show(&format!(
        "Closed after {:.1} s.",
        began.elapsed().as_secs_f32()
    ));

    tell.say("The destruction attestation, verified by kubectl sde, offline, with the key that was in the status from the start");
    let folder = site.folder.join("demo").join(project);
    let files = ["evidence.json", "bundle.sigstore.json"]
        .map(|f| folder.join(f).to_string_lossy().into_owned());
    let out = folder.to_string_lossy().into_owned();
    site.sde("auditor", &["attestation", "export", project, "-o", &out])?;
    let key = folder.join("key-from-the-status.pem");
    let pem = closed["status"]["attestationKey"]["publicKey"]
        .as_str()
        .unwrap_or_default();
    std::fs::write(&key, pem).map_err(Error::io("cannot write", &key))?;
    let key = key.to_string_lossy().into_owned();
    let said = Run::new(&site.cli)
        .args([
            "verify",
            "--key",
            &key,
            "--bundle",
            &files[1],
            "--evidence",
            &files[0],
        ])
        .text()?;
    tell.show(&said);

    tell.say("The same by openssl, jq and sha256sum alone, with none of our code");
    let script = paths::repository().join("e2e/verify/verify.sh");
    tell.show(
        &Run::new("bash")
            .arg(&script)
            .args([&key, &files[1], &files[0]])
            .text()?,
    );

    tell.say("One changed byte, and both refuse");
    let changed = folder.join("changed-evidence.json");
    let mut bytes = std::fs::read(&files[0]).map_err(Error::io("cannot read", &folder))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&changed, bytes).map_err(Error::io("cannot write", &changed))?;
    let changed = changed.to_string_lossy().into_owned();
    let ours = Run::new(&site.cli)
        .args([
            "verify",
            "--key",
            &key,
            "--bundle",
            &files[1],
            "--evidence",
            &changed,
        ])
        .succeeds()?;
    let stock = Run::new("bash")
        .arg(&script)
        .args([&key, &files[1], &changed])
        .succeeds()?;
    if ours || stock {
        return Err(Error::malformed(&folder, "a changed byte was not noticed"));
    }
    tell.show("kubectl sde verify: refused. openssl, jq, sha256sum: refused.");
    tell.show(&format!("The evidence is in {}", folder.display()));
    let left = json!({"namespace": story::get(site, "namespace", &format!("sde-project-{project}"), None)?});
    if !left["namespace"].is_null() {
        return Err(Error::malformed(&folder, "the namespace is still there"));
    }
    Ok(())
}
