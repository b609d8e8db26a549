//! SARIF 2.1.0 (OASIS) for code-scanning pages: a rule an attack, a result a finding and form of the policies. What is
//! open and on the residual list is a suppressed failure; what could not be decided is SARIF's own kind `open`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Finding, Report};
use crate::judge::Verdict;
use crate::residuals::{self, Residual};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Forms of the policies that results are about: loaded from disk too, and through the API alone.
const STATIC: &str = "static";
const API: &str = "api";

/// Renders the report.
pub fn page(report: &Report) -> Value {
    let (with_static, api_alone) = residuals::by_finding(&report.residuals);
    let mut rules: Vec<Value> = Vec::new();
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    let mut results = Vec::new();
    for finding in &report.findings {
        let rule = finding.id.split('@').next().unwrap_or(&finding.id);
        let at = *index.entry(rule).or_insert_with(|| {
            rules.push(json!({
                "id": rule,
                "shortDescription": {"text": finding.title},
                "properties": {"tags": finding.maps_to},
            }));
            rules.len() - 1
        });
        let id = finding.id.as_str();
        let forms = [
            (STATIC, Some(finding.verdict), with_static.get(id)),
            (API, finding.api_form, api_alone.get(id)),
        ];
        for (form, verdict, residual) in forms {
            let Some(verdict) = verdict else { continue };
            let residual = residual.and_then(|id| report.residuals.iter().find(|r| r.id == **id));
            let mut result = result(finding, verdict, residual, form);
            result["ruleId"] = json!(rule);
            result["ruleIndex"] = json!(at);
            results.push(result);
        }
    }
    let notifications: Vec<Value> = report
        .problems
        .iter()
        .map(|problem| json!({"level": "error", "message": {"text": problem}}))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "sde-operator red team", "version": report.subject.commit, "rules": rules}},
            "invocations": [{
                "executionSuccessful": report.problems.is_empty(),
                "startTimeUtc": report.began,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": {"subject": report.subject, "measures": report.measures},
        }],
    })
}

fn result(finding: &Finding, verdict: Verdict, residual: Option<&Residual>, form: &str) -> Value {
    let (kind, level) = match verdict {
        Verdict::Open => ("fail", "error"),
        Verdict::Blocked => ("pass", "none"),
        Verdict::NotApplicable => ("notApplicable", "none"),
        Verdict::Inconclusive => ("open", "none"),
    };
    let what = format!("{}: {}, by {}.", verdict.name(), finding.title, finding.who);
    let text = if form == API {
        format!("{what} Policies loaded through the API alone, their bindings deleted.")
    } else {
        let Finding {
            attempt,
            control,
            witness,
            ..
        } = finding;
        format!("{what} Attempt: {attempt}. Control: {control}. Witness: {witness}.")
    };
    let file = format!("operator/redteam/src/catalogue/{:?}.yaml", finding.group).to_lowercase();
    let mut result = json!({
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%"}}}],
        "partialFingerprints": {"finding/v1": format!("{}/{form}", finding.id)},
    });
    if let (Verdict::Open, Some(residual)) = (verdict, residual) {
        let why = format!("{} {}: {}", residual.id, residual.title, residual.reason);
        result["suppressions"] =
            json!([{"kind": "external", "status": "accepted", "justification": why}]);
    }
    result
}
