//! An import on a real cluster: files brought through the door, in spite of a killed door and a killed job, sealed, looked at, and read in
//! a notebook; bytes that root changed are not released; and closing takes what came in with it.

use sde_ticket::Act;
use serde_json::{Value, json};

use super::error::{Result, check, check_equal};
use super::node_closing::ended;
use super::node_door::{LIFE, serves};
use super::node_export::Notebook;
use super::node_request::Request;
use crate::node::Site;
use crate::node::acts::{self, namespace};
use crate::node::door::Door;
use crate::node::story::{RESEARCHER, Source, condition};

/// What the researcher brings: a program, and how to use it.
const PROGRAM: (&str, &str) = (
    "counts.py",
    "import sys\n\nprint(sum(1 for line in open(sys.argv[1]) if not line.startswith('#')))\n",
);
const GUIDE: (&str, &str) = (
    "doc/guide.md",
    "# Counting\n\nGive it the name of a table.\n",
);

pub(super) fn import(site: &Site) -> Result<()> {
    let project = acts::submit(site, "import", Source::Image, |_| {})?;
    acts::approve(site, &project)?;
    acts::active(site, &project)?;
    if !site.people.kubeconfig(RESEARCHER).exists() {
        site.people.enrol(&site.cluster, RESEARCHER, None)?;
    }
    let door = Door::open(site)?;
    let request = brought(site, &project, &door)?;
    request.approve(&door)?;
    // Nothing comes in without a receipt, which is made once it is released.
    request.when("its receipt", |r| {
        let receipts = r["status"]["receipts"].as_array();
        r["status"]["phase"] == "Released" && receipts.is_some_and(|r| r.len() == 1)
    })?;
    in_the_project(site, &project, &request)?;
    changed_on_the_node(site, &project, &door)?;
    refused_and_asked_again(site, &project, &door)?;
    let notebook = Notebook::open(site, &project)?;
    notebook.says(
        "reads what came in",
        &format!(
            "root = '/inbox/tool'\nassert open(root + '/counts.py').read() == {:?}\nassert open(root + '/doc/guide.md').read() == {:?}\nassert sorted(os.listdir(root)) == ['counts.py', 'doc'], os.listdir(root)\nprint('ok')",
            PROGRAM.1, GUIDE.1
        ),
    )?;
    notebook.says(
        "cannot write there",
        "for path in ['/inbox/tool/counts.py', '/inbox/tool/new']:\n    try:\n        open(path, 'a').write('x')\n        raise SystemExit(path + ' was written')\n    except OSError:\n        pass\nprint('ok')",
    )?;
    destroyed(site, &project)
}

/// A draft whose files arrive in two visits, between which door and job are killed; sealed, with both.
fn brought<'a>(site: &'a Site, project: &str, door: &Door<'_>) -> Result<Request<'a>> {
    let request = Request::bring(site, project, "tool", &[0, 1])?;
    request.patch(&json!({"upload": 1}))?;
    let ready = request.when("ready to take files", |r| serves(r, "Receive"))?;
    let uid = uid(&ready);
    let other = door.ticket(&ready, Act::Upload, "u-19ab", LIFE)?;
    let told = door.upload(&other, &uid, &[PROGRAM])?;
    check(
        told["sent"] != 200,
        format_args!("somebody else's ticket brought a file: {told}"),
    )?;
    let ticket = door.ticket(&ready, Act::Upload, RESEARCHER, LIFE)?;
    let told = door.upload(&ticket, &uid, &[PROGRAM])?;
    check(
        told["sent"] == 200
            && told["list"]
                .as_str()
                .unwrap_or_default()
                .contains(PROGRAM.0),
        format_args!("the file is not there after its upload: {told}"),
    )?;
    let node = request.node()?;
    for process in ["sde-agent door", "sde-agent airlock-job"] {
        site.cluster
            .exec_on_node(&node, &["pkill", "--signal", "KILL", "--full", process])?;
    }
    request.when("the job's end", |r| {
        condition(r, "Ready")["reason"] == "UploadOver"
    })?;
    request.patch(&json!({"upload": 2}))?;
    let ready = request.when("ready again", |r| serves(r, "Receive"))?;
    let ticket = door.ticket(&ready, Act::Upload, RESEARCHER, LIFE)?;
    let told = door.upload(&ticket, &uid, &[GUIDE])?;
    let list = told["list"].as_str().unwrap_or_default();
    check(
        list.contains(PROGRAM.0) && list.contains("guide.md"),
        format_args!("what was brought before the kill is gone: {told}"),
    )?;
    request.patch(&json!({"seal": true}))?;
    let sealed = request.when("sealed", |r| r["status"]["content"].is_object())?;
    check_equal("files", &sealed["status"]["content"]["files"], &json!(2))?;
    check_equal(
        "bytes",
        &sealed["status"]["content"]["bytes"],
        &json!(PROGRAM.1.len() + GUIDE.1.len()),
    )?;
    request.confirm()?;
    Ok(request)
}

/// A request whose files arrive in one visit and are sealed.
pub(super) fn uploaded<'a>(
    site: &'a Site,
    project: &str,
    name: &str,
    door: &Door<'_>,
    files: &[(&str, &str)],
) -> Result<Request<'a>> {
    let numbers: Vec<usize> = (0..files.len()).collect();
    let request = Request::bring(site, project, name, &numbers)?;
    request.patch(&json!({"upload": 1}))?;
    let ready = request.when("ready to take files", |r| serves(r, "Receive"))?;
    let ticket = door.ticket(&ready, Act::Upload, RESEARCHER, LIFE)?;
    let told = door.upload(&ticket, &uid(&ready), files)?;
    check(
        told["sent"] == 200,
        format_args!("files are not taken: {told}"),
    )?;
    request.patch(&json!({"seal": true}))?;
    Ok(request)
}

fn uid(request: &Value) -> String {
    let uid = request["metadata"]["uid"].as_str();
    uid.unwrap_or_default().to_owned()
}

/// The chamber is bound in the project, and has left the airlock's side.
fn in_the_project(site: &Site, project: &str, request: &Request<'_>) -> Result<()> {
    let volume = request.volume()?;
    check_equal(
        "side of the volume",
        &volume["spec"]["claimRef"]["namespace"],
        &json!(namespace(project)),
    )?;
    let aside = format!("sde-airlock-{project}");
    let args = ["get", "pvc", "--namespace", &aside, "--output", "name"];
    let claims = site.cluster.kubectl(args)?;
    check(
        !claims.contains("chamber-"),
        format_args!("the chamber has a claim on both sides: {claims}"),
    )
}

/// Root on the node writes into what is to be the inbox, after the second approval and before the hashes are recomputed.
fn changed_on_the_node(site: &Site, project: &str, door: &Door<'_>) -> Result<()> {
    let request = uploaded(site, project, "changed", door, &[PROGRAM])?;
    request.confirm()?;
    request.approve(door)?;
    let (node, path) = (request.node()?, request.path()?);
    let change = format!("printf x >> {path}/inbox/{}", PROGRAM.0);
    site.cluster.exec_on_node(&node, &["sh", "-c", &change])?;
    let failed = request.phase("Failed")?;
    check_equal(
        "cause",
        &failed["status"]["failure"]["cause"],
        &json!("ContentChanged"),
    )?;
    request.patch(&json!({"withdrawn": true}))
}

/// What one reviewer has refused is known again, whatever it is called, and what lay beside it would not be.
fn refused_and_asked_again(site: &Site, project: &str, door: &Door<'_>) -> Result<()> {
    let stands_out = |request: &Request<'_>| -> Result<Option<Value>> {
        request.confirm()?;
        let seen = request.phase("InReview")?;
        let mut signals = seen["status"]["signals"].as_array().into_iter().flatten();
        Ok(signals.find(|s| s["rule"] == "AL-G011").cloned())
    };
    let refused = uploaded(site, project, "refused", door, &[GUIDE])?;
    check_equal("before it was refused", &stands_out(&refused)?, &None)?;
    let reject = json!({"decision": "Reject", "reason": "UnsafeImport", "advice": "Bring it from its publisher"});
    refused.review("checker-a", &reject)?;
    refused.phase("Rejected")?;
    let files = [PROGRAM, ("renamed.md", GUIDE.1)];
    let again = uploaded(site, project, "again", door, &files)?;
    let known = json!({"rule": "AL-G011", "severity": "HoldSenior", "unit": "Files", "observed": 1, "usual": 0});
    check_equal("asked again", &stands_out(&again)?, &Some(known))?;
    again.patch(&json!({"withdrawn": true}))
}

/// Closing ends the notebook, destroys the chambers, and says so.
fn destroyed(site: &Site, project: &str) -> Result<()> {
    let request = Request::of(site, project, "tool");
    let held = ended(site, project, &request, None)?.closed;
    check_equal(
        "what the airlock held",
        &held["status"]["closing"]["airlock"],
        &json!({"requests": 4, "chambersDestroyed": 4}),
    )
}
