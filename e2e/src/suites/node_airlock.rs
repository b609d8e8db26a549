//! An export on a real cluster: a notebook's folder, sealed, scanned, reviewed by two, verified; and what does not get through.

use serde_json::{Value, json};

use super::error::{Result, check, check_equal};
use crate::node::Site;
use crate::node::acts::{self, PATIENCE, namespace};
use crate::node::attestation::Exported;
use crate::node::notebook::{Cell, talk};
use crate::node::story::{self, RESEARCHER, Source, condition, get, wait_for};

const CHECKERS: [&str; 2] = ["checker-a", "checker-b"];
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

    released(site, &project, &notebook)?;
    changed_on_the_node(site, &project)?;
    linked(site, &project)?;
    ended(site, &project)
}

/// Sealed while the notebook runs; what is changed in the folder after that changes nothing.
fn released(site: &Site, project: &str, notebook: &Notebook<'_>) -> Result<()> {
    let request = Request::ask(site, project, "tables", "tables")?;
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
    request.approve()?;
    let released = request.phase("Released")?;
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
fn changed_on_the_node(site: &Site, project: &str) -> Result<()> {
    let request = Request::ask(site, project, "changed", "tables")?;
    request.confirm()?;
    request.approve()?;
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
    let request = Request::ask(site, project, "linked", "link")?;
    let failed = request.phase("Failed")?;
    check_equal(
        "cause",
        &failed["status"]["failure"]["cause"],
        &json!("FolderRefused"),
    )?;
    request.patch(&json!({"withdrawn": true}))
}

/// Closing waits for what was released until a custodian lets go of it; then nothing is left, on the node neither.
fn ended(site: &Site, project: &str) -> Result<()> {
    let request = Request::of(site, project, "tables");
    let (node, path) = (request.node()?, request.path()?);
    let there = || site.cluster.exec_on_node(&node, &["ls", &path]);
    there()?;
    acts::ask_to_close(site, project)?;
    acts::project_when(site, project, "waiting for the airlock", |p| {
        condition(p, "Closing")["reason"] == "T1AwaitAirlock"
    })?;
    let waive = json!({"role": "Custodian", "decision": "Waive"});
    request.review("custodian-a", &waive)?;
    acts::approve_closure(site, project)?;
    let closed = acts::closed(site, project)?;
    check(
        get(site, "namespace", &format!("sde-airlock-{project}"), None)?.is_null(),
        "the airlock's namespace is still there",
    )?;
    check(there().is_err(), format_args!("{path} is still on {node}"))?;
    let folder = site.folder.join("suites").join(project);
    let verdict = Exported::of(site, project, &closed, &folder)?.verify()?;
    check(
        verdict.accepted(),
        format_args!("the attestation does not verify: {verdict:?}"),
    )
}

struct Notebook<'a> {
    site: &'a Site,
    project: String,
    url: String,
    token: String,
}

impl<'a> Notebook<'a> {
    fn open(site: &'a Site, project: &str) -> Result<Self> {
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

    fn says(&self, name: &'static str, code: &str) -> Result<()> {
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

struct Request<'a> {
    site: &'a Site,
    namespace: String,
    name: String,
}

impl<'a> Request<'a> {
    fn of(site: &'a Site, project: &str, name: &str) -> Self {
        Self {
            site,
            namespace: namespace(project),
            name: name.to_owned(),
        }
    }

    fn ask(site: &'a Site, project: &str, name: &str, folder: &str) -> Result<Self> {
        let request = Self::of(site, project, name);
        let object = json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest",
            "metadata": {"name": name, "namespace": request.namespace},
            "spec": {
                "requester": RESEARCHER, "direction": "Export", "folder": folder, "justification": "The script of the article",
                "seal": true, "withdrawn": false,
                "outputs": [{"name": "script", "files": [0], "statistic": "Code", "suppression": {"method": "NotApplicable"}, "intendedUse": "Software"}],
            },
        });
        site.apply_as(RESEARCHER, &object)?;
        Ok(request)
    }

    fn when(&self, wanted: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let what = (
            "airlockrequest",
            self.name.as_str(),
            Some(self.namespace.as_str()),
        );
        Ok(wait_for(self.site, what, wanted, PATIENCE, holds)?)
    }

    fn phase(&self, phase: &str) -> Result<Value> {
        self.when(phase, |r| r["status"]["phase"] == phase)
    }

    fn patch(&self, spec: &Value) -> Result<()> {
        let patch = json!({"spec": spec}).to_string();
        let args = [
            "patch",
            "airlockrequest",
            &self.name,
            "--namespace",
            &self.namespace,
            "--type",
            "merge",
            "--patch",
            &patch,
        ];
        self.site.kubectl(RESEARCHER, &args)?;
        Ok(())
    }

    fn confirm(&self) -> Result<()> {
        let sealed = self.when("sealed", |r| r["status"]["content"].is_object())?;
        self.patch(&json!({"confirmedDigest": sealed["status"]["content"]["digest"]}))
    }

    fn approve(&self) -> Result<()> {
        let seen = self.phase("InReview")?;
        let rules = seen["status"]["findings"]["rules"].as_array();
        let held = rules
            .into_iter()
            .flatten()
            .filter(|r| r["severity"] != "Warn");
        let answers: Vec<Value> = held
            .map(|r| json!({"rule": r["rule"], "answer": "Looked at in full"}))
            .collect();
        check(
            answers.is_empty(),
            format_args!("honest code is held: {}", seen["status"]["findings"]),
        )?;
        CHECKERS
            .iter()
            .try_for_each(|checker| self.review(checker, &json!({})))
    }

    fn review(&self, reviewer: &str, with: &Value) -> Result<()> {
        let seen = get(
            self.site,
            "airlockrequest",
            &self.name,
            Some(&self.namespace),
        )?;
        let findings = &seen["status"]["findings"];
        let mut review = json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockReview",
            "metadata": {"name": format!("{}-{reviewer}", self.name), "namespace": self.namespace},
            "spec": {
                "request": self.name, "requestUID": seen["metadata"]["uid"], "requester": RESEARCHER, "reviewer": reviewer,
                "role": "OutputChecker", "decision": "Approve", "conflictOfInterest": "None", "reason": "SafeAsDeclared",
                "contentDigest": seen["status"]["content"]["digest"], "findingsDigest": findings["digest"],
                "policyDigest": findings["policyDigest"],
            },
        });
        for (key, value) in with.as_object().into_iter().flatten() {
            review["spec"][key] = value.clone();
        }
        self.site.create_as(reviewer, &review)?;
        Ok(())
    }

    fn volume(&self) -> Result<Value> {
        let request = get(
            self.site,
            "airlockrequest",
            &self.name,
            Some(&self.namespace),
        )?;
        let uid = request["metadata"]["uid"].as_str().unwrap_or_default();
        let label = format!("sde-operator.dev/airlock-request-uid={uid}");
        let args = ["get", "pv", "--selector", &label, "--output", "json"];
        let list: Value =
            serde_json::from_str(&self.site.cluster.kubectl(args)?).unwrap_or_default();
        Ok(list["items"][0].clone())
    }

    /// Where local-path-provisioner keeps the chamber.
    fn path(&self) -> Result<String> {
        let spec = &self.volume()?["spec"];
        let path = spec["hostPath"]["path"]
            .as_str()
            .or(spec["local"]["path"].as_str());
        check(
            path.is_some(),
            format_args!("not a folder of a node: {spec}"),
        )?;
        Ok(path.unwrap_or_default().to_owned())
    }

    fn node(&self) -> Result<String> {
        Ok(self
            .site
            .cluster
            .nodes()?
            .first()
            .cloned()
            .unwrap_or_default())
    }

    /// The one file, as the node has it.
    fn bytes(&self) -> Result<String> {
        let file = format!("{}/content/000", self.path()?);
        Ok(self
            .site
            .cluster
            .exec_on_node(&self.node()?, &["cat", &file])?)
    }
}
