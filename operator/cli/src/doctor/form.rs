//! In which form the admission policies refuse: the same dry runs as the controller's, and, for who may read the API server's
//! metrics, whether the files on its disk are those of this version.

use jiff::Timestamp;
use kube::Client;
use sde_core::policy_form::{Answer, Asker, Request, Round, Server, attempts, find};
use sde_crds::policy::PolicyForm;
use sde_crds::project_status::FoundForm;
use sde_policies::embedded::POLICIES;
use sde_policies::generate;

use super::api::INSTALL;
use super::check::Check;
use super::facts::{Fact, Facts};
use crate::error::explain;

const SECTION: &str = "policies";
const PLACE: &str = "Put policies/static/*.yaml on the disk of every API server, as docs/src/policies.md says (Two forms).";
/// Gauge of k8s.io/apiserver (`pkg/admission/plugin/manifest/metrics`, alpha): SHA-256 over the files, each with a zero byte after it.
const LOADED: &str = "apiserver_manifest_admission_config_controller_last_config_info{";

/// What the API server that answered does and says of itself.
#[derive(Debug, Clone)]
pub struct FormFacts {
    /// What it did with requests that policies must refuse.
    pub round: Round,
    /// Hash of the policy files that it loaded from its disk; none when it loads none.
    pub loaded: Fact<Option<String>>,
}

/// Asks.
pub async fn gather(client: &Client, namespace: &str) -> FormFacts {
    let mut findings = Vec::new();
    for attempt in attempts(namespace, Asker::Person) {
        let control = send(client, &attempt.control).await;
        let refused = send(client, &attempt.refused).await;
        let finding = find(&attempt, &refused, &control);
        findings.push((attempt.policy, finding));
    }
    let round = Round {
        at: Timestamp::now(),
        servers: vec![Server {
            address: "the API server that answered".to_owned(),
            findings,
        }],
        failures: 0,
    };
    let metrics = match http::Request::get("/metrics").body(Vec::new()) {
        Ok(request) => client.request_text(request).await,
        Err(error) => Err(kube::Error::HttpError(error)),
    };
    FormFacts {
        round,
        loaded: metrics.map(|text| loaded(&text)).map_err(|e| explain(&e)),
    }
}

async fn send(client: &Client, request: &Request) -> Answer {
    let answer = match request.http() {
        Ok(built) => client.request::<serde_json::Value>(built).await,
        Err(error) => return Answer::None(error.to_string()),
    };
    match answer {
        Ok(_) => Answer::Accepted,
        Err(kube::Error::Api(status))
            if let Some(refusal) = Answer::refusal(status.code, &status.message) =>
        {
            refusal
        }
        Err(error) => Answer::None(explain(&error)),
    }
}

/// The hash that the metrics tell.
pub fn loaded(metrics: &str) -> Option<String> {
    let plugin = r#"plugin="ValidatingAdmissionPolicy""#;
    let line = metrics
        .lines()
        .find(|line| line.starts_with(LOADED) && line.contains(plugin))?;
    let (_, rest) = line.split_once(r#",hash=""#)?;
    let (hash, _) = rest.split_once('"')?;
    (!hash.is_empty()).then(|| hash.to_owned())
}

/// The hash of the files of this version, and of no others beside them.
pub fn expected(namespace: &str) -> String {
    sde_evidence::sha256(&generate::loaded(namespace)).to_string()
}

/// The checks.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let FormFacts { round, loaded } = &facts.form;
    let tiers = demanding(facts);
    match round.form() {
        Ok(FoundForm::Static) => vec![
            Check::ok(
                SECTION,
                "refuse from the API server's own disk: nobody takes them away through the API",
            ),
            files(loaded, &expected(&facts.namespace)),
        ],
        Ok(FoundForm::Api) if tiers.is_empty() => vec![Check::ok(
            SECTION,
            "refuse as objects of the API: whoever may delete those takes them away; no tier asks for more",
        )],
        Ok(FoundForm::Api) => vec![Check::fail(
            SECTION,
            format!(
                "refuse as objects of the API alone; nothing opens of the tiers that ask for the static form: {tiers}"
            ),
            format!("{PLACE} Or give those tiers policyForm: Any."),
        )],
        Ok(FoundForm::Missing) => {
            let (policies, _) = round.found(FoundForm::Missing);
            let found = format!(
                "not refused, although a policy must: see {}",
                policies.join(", ")
            );
            vec![Check::fail(SECTION, found, INSTALL)]
        }
        Err(why) if tiers.is_empty() => vec![Check::warn(
            SECTION,
            format!("it could not be tried what they refuse: {why}"),
            MAY,
        )],
        Err(why) => vec![Check::fail(
            SECTION,
            format!(
                "it could not be tried whether the static form is in force, which tiers ask for ({tiers}): {why}"
            ),
            MAY,
        )],
    }
}

const MAY: &str = "Run this as somebody who may create Secrets in the operator's namespace, PersistentVolumes and ClusterRoles: they are dry runs, nothing is made.";

/// Tiers that ask for the static form.
fn demanding(facts: &Facts) -> String {
    let policy = facts.policy.iter().flatten();
    let tiers = policy.flat_map(|p| &p.spec.tiers);
    tiers
        .filter(|t| t.policy_form == Some(PolicyForm::Static))
        .map(|t| t.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn files(loaded: &Fact<Option<String>>, expected: &str) -> Check {
    let of = POLICIES.len();
    match loaded {
        Ok(Some(hash)) if hash == expected => Check::ok(
            SECTION,
            format!("the files on its disk are the {of} of this version and no others"),
        ),
        Ok(found) => Check::warn(
            SECTION,
            format!(
                "the files on its disk are not just the {of} of this version: one is missing, changed or more ({}, not {expected})",
                found.as_deref().unwrap_or("the metrics tell no hash")
            ),
            format!(
                "{PLACE} Policies of your own in the same folder change the hash too: compare by hand then."
            ),
        ),
        Err(why) => Check::warn(
            SECTION,
            format!("it cannot be read whether all {of} are on its disk: {why}"),
            "Run this as somebody who may get /metrics of the API server.",
        ),
    }
}
