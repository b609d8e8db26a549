//! An export on a real cluster: a notebook's folder, sealed, scanned, reviewed by two, verified, collected in a browser and in a terminal;
//! and what does not get through.

use serde_json::json;

use super::error::{Result, check, check_equal};
use super::node_closing::ended;
use super::node_door;
use super::node_download::downloaded;
use super::node_request::{Request, code};
use crate::node::Site;
use crate::node::acts::{self, namespace};
use crate::node::door::Door;
use crate::node::notebook::{Cell, talk};
use crate::node::story::{self, RESEARCHER, Source, condition};

/// What the researcher wants out: a script.
const SCRIPT: &str =
    "# Variants in windows of a megabase.\nfor window in range(0, 64):\n    print(window)\n";

pub(super) fn export(site: &Site) -> Result<()> {
    let project = acts::submit(site, "export", Source::Image, |p| {
        p["spec"]["people"][0]["roles"] = json!(["Lead", "Researcher", "Egress"]);
    })?;
    acts::approve(site, &project)?;
    acts::active(site, &project)?;
    if !site.people.kubeconfig(RESEARCHER).exists() {
        site.people.enrol(&site.cluster, RESEARCHER, None)?;
    }
    let notebook = Notebook::open(site, &project)?;
    notebook.says(
        "writes what is to leave",
        &format!(
            "import os\nos.makedirs('outbox/tables', exist_ok=True)\nopen('outbox/tables/windows.py', 'w').write({SCRIPT:?})\nos.symlink('/data/genotypes', 'outbox/link')\nprint('ok')"
        ),
    )?;

    let door = Door::open(site)?;
    released(site, &project, &notebook, &door)?;
    changed_on_the_node(site, &project, &door)?;
    linked(site, &project)?;
    let request = Request::of(site, &project, "tables");
    ended(site, &project, &request, Some("custodian-a")).map(|_| ())
}

/// Sealed while the notebook runs; what is changed in the folder after that changes nothing.
fn released(site: &Site, project: &str, notebook: &Notebook<'_>, door: &Door<'_>) -> Result<()> {
    let request = Request::ask(site, project, "tables", "tables", code(&[0]))?;
    let sealed = request.when("sealed", |r| r["status"]["content"].is_object())?;
    check_equal("files", &sealed["status"]["content"]["files"], &json!(1))?;
    check_equal(
        "bytes",
        &sealed["status"]["content"]["bytes"],
        &json!(SCRIPT.len()),
    )?;
    notebook.says(
        "changes it after sealing",
        "open('outbox/tables/windows.py', 'w').write('import secrets')\nprint('ok')",
    )?;
    request.confirm()?;
    node_door::looked_at(door, &request, SCRIPT)?;
    request.approve(door)?;
    let released = request.phase("Released")?;
    let (arrived, _) = node_door::collected(site, door, &request)?;
    let wanted = [("windows.py".to_owned(), SCRIPT.as_bytes().to_vec())];
    check_equal("what arrived", &arrived, &wanted.into())?;
    downloaded(site, door, (project, &request), ("windows.py", SCRIPT))?;
    for digest in ["contentDigest", "findingsDigest"] {
        check(
            released["status"]["approval"][digest].is_string(),
            format_args!("released without {digest}: {released}"),
        )?;
    }
    check_equal("what is kept", &request.bytes()?.trim(), &SCRIPT.trim())?;
    let aside = format!("sde-airlock-{project}");
    let volume = request.volume()?;
    check_equal(
        "side of the volume",
        &volume["spec"]["claimRef"]["namespace"],
        &json!(aside),
    )?;
    let claims = site.cluster.kubectl([
        "get",
        "pvc",
        "--namespace",
        &namespace(project),
        "--output",
        "name",
    ])?;
    check(
        !claims.contains("chamber-"),
        format_args!("the chamber has a claim on both sides: {claims}"),
    )
}

/// Root on the node writes into the chamber after the second approval and before the hashes are recomputed.
fn changed_on_the_node(site: &Site, project: &str, door: &Door<'_>) -> Result<()> {
    let request = Request::ask(site, project, "changed", "tables", code(&[0]))?;
    request.confirm()?;
    request.approve(door)?;
    let path = request.path()?;
    let (node, file) = (request.node()?, format!("{path}/content/000"));
    let change = format!("printf x >> {file}");
    site.cluster.exec_on_node(&node, &["sh", "-c", &change])?;
    let failed = request.phase("Failed")?;
    check_equal(
        "cause",
        &failed["status"]["failure"]["cause"],
        &json!("ContentChanged"),
    )?;
    check(
        failed["status"]["expiresAt"].is_string()
            && condition(&failed, "Ready")["status"] == "False",
        format_args!("what failed is ready: {failed}"),
    )?;
    request.patch(&json!({"withdrawn": true}))
}

/// A folder that is a link is not followed, and the request does not wait for ever.
fn linked(site: &Site, project: &str) -> Result<()> {
    let request = Request::ask(site, project, "linked", "link", code(&[0]))?;
    let failed = request.phase("Failed")?;
    check_equal(
        "cause",
        &failed["status"]["failure"]["cause"],
        &json!("FolderRefused"),
    )?;
    request.patch(&json!({"withdrawn": true}))
}

pub(super) struct Notebook<'a> {
    site: &'a Site,
    project: String,
    url: String,
    token: String,
}

impl<'a> Notebook<'a> {
    pub(super) fn open(site: &'a Site, project: &str) -> Result<Self> {
        let workspace = acts::run(site, project, RESEARCHER)?;
        let pod = &workspace["status"]["pod"];
        let of = |field: &str| pod[field].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            site,
            project: project.to_owned(),
            token: story::token(site, project, &of("name"))?,
            url: of("url"),
        })
    }

    pub(super) fn says(&self, name: &'static str, code: &str) -> Result<()> {
        let cell = Cell {
            name,
            code: format!("import os\nos.chdir('/home/researcher')\n{code}"),
        };
        let answers = talk(self.site, &self.project, &self.url, &self.token, &[cell])?;
        let ok = answers.iter().all(|a| a.text == "ok" && a.error.is_none());
        check(
            ok && answers.len() == 1,
            format_args!("{name}: {answers:?}"),
        )
    }
}
