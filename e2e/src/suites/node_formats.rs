//! Real tools' output on a real cluster: what bcftools, plink, samtools and others write of single people is held or blocked by a rule for
//! what it is, as it is and disguised, and honest results of the same tools reach review with nothing held. Every format in every
//! disguise, with rates, is `bench airlock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sde_core::airlock::report::MAX_FILES;
use sde_core::labels::home_claim;
use serde_json::{Value, json};

use super::error::{Result, SuiteError, check, check_equal};
use super::node_closing::ended;
use super::node_request::{Request, code};
use crate::bench::airlock_known::{Known, known};
use crate::bench::airlock_make::{Cases, Disguised, make};
use crate::cluster::{error::Error, paths};
use crate::node::Site;
use crate::node::acts::{self, namespace};
use crate::node::story::{RESEARCHER, Source, get};

/// Where the files are on the node before the researcher has them.
const NODE_COPY: &str = "/var/sde-data/outbox";
const AS_IT_IS: &str = "as it is";

pub(super) fn formats(site: &Site) -> Result<()> {
    let scratch = site.folder.join("suites/formats");
    paths::remove_dir(&scratch)?;
    let (made, outbox) = (scratch.join("made"), scratch.join("outbox"));
    paths::create_dir(&made)?;
    let cases = make(&made)?;
    let plain = laid(&outbox.join("plain"), &chosen(&cases, |_| 0)?)?;
    let disguised = laid(&outbox.join("disguised"), &chosen(&cases, |n| n)?)?;
    let results = honest(&outbox.join("honest"), &cases)?;
    let project = acts::submit(site, "formats", Source::Image, |p| {
        p["spec"]["people"][0]["roles"] = json!(["Lead", "Researcher", "Egress"]);
    })?;
    acts::approve(site, &project)?;
    acts::active(site, &project)?;
    if !site.people.kubeconfig(RESEARCHER).exists() {
        site.people.enrol(&site.cluster, RESEARCHER, None)?;
    }
    let workspace = acts::run(site, &project, RESEARCHER)?;
    put(site, &project, &workspace, &outbox)?;
    // A node of two cores has no room for it beside the pods of three requests.
    let stop = json!({"spec": {"running": false}}).to_string();
    site.kubectl(
        RESEARCHER,
        &[
            "patch",
            "workspace",
            RESEARCHER,
            "--namespace",
            &namespace(&project),
            "--type",
            "merge",
            "--patch",
            &stop,
        ],
    )?;
    let request = Request::ask(site, &project, "honest", "honest", results)?;
    request.confirm()?;
    nothing_is_held(&request.phase("InReview")?)?;
    for (folder, cases) in [("plain", plain), ("disguised", disguised)] {
        let files: usize = cases.iter().map(|c| c.files.len()).sum();
        let all = (0..files).collect::<Vec<_>>();
        let request = Request::ask(site, &project, folder, folder, code(&all))?;
        request.confirm()?;
        request.phase("Blocked")?;
        each_is_held(site, &request, &cases)?;
    }
    ended(site, &project, &request, None).map(|_| ())
}

/// Of each format one case, of those that are not known to pass, as many as a request takes: as it is, or the disguise whose turn it is.
fn chosen(cases: &Cases, turn: impl Fn(usize) -> usize) -> Result<Vec<&Disguised>> {
    let known = known()?;
    let listed = |case: &&Disguised| {
        let same = |k: &Known| k.what == case.format && k.disguise == case.disguise;
        known.iter().any(same)
    };
    let formats: BTreeSet<&String> = cases.individual.iter().map(|c| &c.format).collect();
    let mut left = usize::try_from(MAX_FILES).unwrap_or_default();
    let mut all = Vec::new();
    for (n, format) in formats.into_iter().enumerate() {
        let of_format = cases.individual.iter().filter(|c| c.format == *format);
        let of_format: Vec<&Disguised> = of_format.filter(|c| !listed(c)).collect();
        let disguise = (turn(n) % of_format.len().max(1)).min(of_format.len());
        if let Some(case) = of_format.get(disguise).filter(|c| c.files.len() <= left) {
            left -= case.files.len();
            all.push(*case);
        }
    }
    Ok(all)
}

/// The files of some cases in a folder, under names that say nothing and in their order.
fn laid<'a>(folder: &Path, cases: &[&'a Disguised]) -> Result<Vec<&'a Disguised>> {
    paths::create_dir(folder)?;
    let files = cases.iter().flat_map(|c| &c.files);
    for (n, file) in files.enumerate() {
        copy(file, &folder.join(format!("{n:03}")))?;
    }
    check(
        cases.len() > 40,
        format_args!("only {} formats", cases.len()),
    )?;
    Ok(cases.to_vec())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .map_err(|e| Error::io("cannot copy", from)(e).into())
}

/// Honest results under their own names; what their researcher says of them.
fn honest(folder: &Path, cases: &Cases) -> Result<Value> {
    paths::create_dir(folder)?;
    let name = |file: &PathBuf| file.file_name().map(|n| n.to_string_lossy().into_owned());
    // Files are numbered in the order of their names' bytes.
    let named = cases
        .honest
        .iter()
        .filter_map(|c| Some((name(&c.file)?, &c.file)));
    let named: BTreeMap<String, &PathBuf> = named.collect();
    check_equal("honest results", &named.len(), &cases.honest.len())?;
    let (mut figures, mut others, mut counts) = (Vec::new(), Vec::new(), None);
    for (n, (name, file)) in named.iter().enumerate() {
        copy(file, &folder.join(name))?;
        if name.ends_with(".png") {
            figures.push(n);
        } else {
            others.push(n);
        }
        counts = counts.or((name == "counts.csv").then_some(n));
    }
    let said = json!({
        "population": {"description": "All who were recruited", "size": cases.population},
        "suppression": {"method": "Rounded", "base": 5}, "code": format!("git:{}", "a".repeat(40)), "intendedUse": "Publication",
    });
    let output = |name: &str, files: &[usize], statistic: &str| {
        let mut output = said.clone();
        (output["name"], output["files"]) = (json!(name), json!(files));
        output["statistic"] = json!(statistic);
        output
    };
    let mut figures = output("figures", &figures, "Figure");
    figures["countsFile"] = json!(counts);
    Ok(json!([figures, output("results", &others, "Association")]))
}

/// The researcher's tools have written all this into the outbox.
fn put(site: &Site, project: &str, workspace: &Value, outbox: &Path) -> Result<()> {
    let here = namespace(project);
    let claim = get(site, "pvc", &home_claim(RESEARCHER), Some(&here))?;
    let volume = claim["spec"]["volumeName"].as_str().unwrap_or_default();
    let spec = &get(site, "pv", volume, None)?["spec"];
    let home = spec["hostPath"]["path"]
        .as_str()
        .or(spec["local"]["path"].as_str());
    let home = home.ok_or_else(|| SuiteError::Check(format!("no folder of a node: {spec}")))?;
    let pod = workspace["status"]["pod"]["name"]
        .as_str()
        .unwrap_or_default();
    let pod = get(site, "pod", pod, Some(&here))?;
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    site.cluster.exec_on_node(node, &["rm", "-rf", NODE_COPY])?;
    site.cluster.copy_to_node(node, outbox, NODE_COPY)?;
    let give = format!(
        "rm -rf '{home}/outbox' && mv {NODE_COPY} '{home}/outbox' && chown -R 1000:1000 '{home}/outbox'"
    );
    site.cluster.exec_on_node(node, &["sh", "-c", &give])?;
    Ok(())
}

/// Neither its content nor what is said of it holds it, nor what stands out.
fn nothing_is_held(request: &Value) -> Result<()> {
    let status = &request["status"];
    let rules = status["findings"]["rules"].as_array().into_iter().flatten();
    let held: Vec<&Value> = rules
        .filter(|r| !matches!(r["severity"].as_str(), Some("Info" | "Warn")))
        .collect();
    check(
        held.is_empty() && status["reason"] == "InReview",
        format_args!("honest results are held: {held:?}, {}", status["reviews"]),
    )
}

/// Every file of every case is held or blocked, and each case by a rule for what it is.
fn each_is_held(site: &Site, request: &Request<'_>, cases: &[&Disguised]) -> Result<()> {
    let (node, path) = (request.node()?, request.path()?);
    let report = format!("{path}/report/findings.json");
    let report = site.cluster.exec_on_node(&node, &["cat", &report])?;
    let report: Value = serde_json::from_str(&report)
        .map_err(|e| SuiteError::Check(format!("the scan's report: {e}")))?;
    let mut files = report["files"].as_array().into_iter().flatten();
    let mut wrong = Vec::new();
    for case in cases {
        let found: Vec<Vec<&str>> = files
            .by_ref()
            .take(case.files.len())
            .map(|file| holding(file))
            .collect();
        let held = found.len() == case.files.len() && found.iter().all(|rules| !rules.is_empty());
        if !held || !case.right(found.iter().flatten().copied()) {
            wrong.push(format!(
                "{}, {}: {found:?}, wanted {:?}",
                case.format, case.disguise, case.rules
            ));
        }
    }
    check(wrong.is_empty(), wrong.join("\n"))?;
    check(
        files.next().is_none(),
        "the report has more files than were asked for",
    )?;
    let disguises: BTreeSet<&str> = cases.iter().map(|c| c.disguise.as_str()).collect();
    check(
        disguises == BTreeSet::from([AS_IT_IS]) || disguises.len() > 10,
        format_args!("only the disguises {disguises:?}"),
    )
}

/// Rules that hold or block a file.
fn holding(file: &Value) -> Vec<&str> {
    let findings = file["findings"].as_array().into_iter().flatten();
    let holds = |f: &&Value| {
        matches!(
            f["severity"].as_str(),
            Some("Hold" | "HoldSenior" | "Block")
        )
    };
    findings
        .filter(holds)
        .filter_map(|f| f["rule"].as_str())
        .collect()
}
