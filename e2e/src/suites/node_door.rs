//! The door on a real cluster: reviewers see what was sealed, its requester collects it once for each time they ask, and both counts
//! of what was handed out agree with what arrived.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sde_core::airlock::viewing::typed;
use sde_evidence::Receipt;
use sde_ticket::Act;
use serde_json::{Value, json};

use super::error::{Result, SuiteError, check, check_equal};
use super::node_request::Request;
use crate::node::Site;
use crate::node::acts::PATIENCE;
use crate::node::door::Door;
use crate::node::story::{get, wait_for};

/// How long a ticket of a test is good for, in seconds.
pub(super) const LIFE: u64 = 300;

pub(super) fn serves(request: &Value, kind: &str) -> bool {
    let serving = request["status"]["serving"].as_array();
    serving.into_iter().flatten().any(|s| s["kind"] == kind)
}

/// A reviewer sees the file that was sealed, as text; a ticket of the requester's to look is none that a portal signs, and one for
/// another pod opens nothing.
pub(super) fn looked_at(door: &Door<'_>, request: &Request<'_>, script: &str) -> Result<()> {
    let seen = request.when("a viewer", |r| serves(r, "View"))?;
    let ticket = door.ticket(&seen, Act::View, "checker-a", LIFE)?;
    let uid = seen["metadata"]["uid"].as_str().unwrap_or_default();
    let first = format!("/view/{uid}/files/0/");
    let told = door.visit(Act::View, &ticket, &first)?;
    let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
    check_equal("answer to the list", &told["status"], &json!(200))?;
    check(
        text("list").contains("windows.py"),
        format_args!("the list does not name the file: {told}"),
    )?;
    check(
        text("list").contains("You have still to open"),
        format_args!("a code is shown before any file: {told}"),
    )?;
    let line = script.lines().next().unwrap_or_default();
    check(
        text("first").contains(line),
        format_args!("the file's text is not shown: {told}"),
    )?;
    check(
        text("policy").contains("default-src 'none'"),
        format_args!("no Content-Security-Policy: {told}"),
    )?;
    let mut elsewhere = seen.clone();
    for serving in elsewhere["status"]["serving"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        serving["pod"] = json!("00000000-0000-4000-8000-000000000000");
    }
    let ticket = door.ticket(&elsewhere, Act::View, "checker-a", LIFE)?;
    let told = door.visit(Act::View, &ticket, &first)?;
    check(
        told["status"] != 200 && !told.to_string().contains("windows.py"),
        format_args!("a ticket for another pod opens this one: {told}"),
    )
}

/// Somebody opens every file through the door.
pub(super) fn opened(door: &Door<'_>, request: &Request<'_>, who: &str) -> Result<Value> {
    let shown = request.when("a viewer", |r| serves(r, "View"))?;
    let ticket = door.ticket(&shown, Act::View, who, LIFE)?;
    let uid = shown["metadata"]["uid"].as_str().unwrap_or_default();
    Ok(door.visit(Act::View, &ticket, &format!("/view/{uid}/files/0/"))?)
}

/// The viewing code that somebody is shown who has.
pub(super) fn code(told: &Value, who: &str) -> Result<String> {
    let code = told["code"].as_str().and_then(typed);
    check(
        code.is_some(),
        format_args!("{who} has opened every file and is shown no code: {told}"),
    )?;
    Ok(code.unwrap_or_default())
}

/// Files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What its requester collected, counted twice, and its receipts, which verify; the same ticket gives nothing more, and neither does one
/// in somebody else's name.
pub(super) fn collected(
    site: &Site,
    door: &Door<'_>,
    request: &Request<'_>,
) -> Result<(Files, Vec<Receipt>)> {
    request.patch(&json!({"collect": 1}))?;
    let ready = request.when("ready to be collected", |r| serves(r, "Deliver"))?;
    let other = door.ticket(&ready, Act::Collect, "u-19ab", LIFE)?;
    let told = door.visit(Act::Collect, &other, "")?;
    check(
        told["status"] != 200,
        format_args!("somebody else collected it: {told}"),
    )?;
    let ticket = door.ticket(&ready, Act::Collect, request.requester(), LIFE)?;
    let got = door.visit(Act::Collect, &ticket, "")?;
    check_equal("answer", &got["status"], &json!(200))?;
    let noted = request.when("collected", |r| {
        r["status"]["receipts"]
            .as_array()
            .is_some_and(|r| r.len() == 2)
    })?;
    let delivery = &noted["status"]["deliveries"][0];
    check_equal("outcome", &delivery["outcome"], &json!("Complete"))?;
    for count in ["bytes", "doorBytes"] {
        check_equal(count, &delivery[count], &got["bytes"])?;
    }
    let hash = json!(format!(
        "sha256:{}",
        got["sha256"].as_str().unwrap_or_default()
    ));
    for sum in ["sha256", "doorSha256"] {
        check_equal(sum, &delivery[sum], &hash)?;
    }
    let again = door.visit(Act::Collect, &ticket, "")?;
    check(
        again["status"] != 200,
        format_args!("one ticket collected twice: {again}"),
    )?;
    let gone = |r: &Value| !serves(r, "Deliver");
    request.when("no longer served", gone)?;
    Ok((unpacked(&got)?, receipts(site, &noted)?))
}

/// The files of what was collected.
fn unpacked(got: &Value) -> Result<Files> {
    let wrong = |e: &dyn std::fmt::Display| SuiteError::Check(format!("no archive: {e}"));
    let encoded = got["archive"].as_str().unwrap_or_default();
    let bytes = STANDARD.decode(encoded).map_err(|e| wrong(&e))?;
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut files = Files::new();
    for entry in archive.entries().map_err(|e| wrong(&e))? {
        let mut entry = entry.map_err(|e| wrong(&e))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|e| wrong(&e))?;
        files.insert(name, content);
    }
    Ok(files)
}

/// Each receipt is verified with the key that the Project's status told from the start.
fn receipts(site: &Site, request: &Value) -> Result<Vec<Receipt>> {
    let namespace = request["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default();
    let name = namespace.replacen("sde-project-", "", 1);
    let project = wait_for(site, ("project", &name, None), "its key", PATIENCE, |p| {
        p["status"]["attestationKey"].is_object()
    })?;
    let key = project["status"]["attestationKey"]["publicKey"].as_str();
    let names = request["status"]["receipts"].as_array();
    let mut all = Vec::new();
    for receipt in names.into_iter().flatten().filter_map(Value::as_str) {
        let found = get(site, "airlockreceipt", receipt, None)?;
        let bundle = found["spec"]["bundle"].as_str().unwrap_or_default();
        let verified = sde_evidence::verify_receipt(bundle.as_bytes(), key.unwrap_or_default());
        let said = verified.map_err(|e| SuiteError::Check(format!("{receipt}: {e}")))?;
        let said = said.statement.predicate;
        check_equal("project of a receipt", &said.request.project, &name)?;
        all.push(said);
    }
    Ok(all)
}
