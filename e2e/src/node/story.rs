//! The objects of a project's life, as its people write them, and waiting for what becomes of them.

use std::time::{Duration, Instant};

use jiff::ToSpan as _;
use serde_json::{Value, json};

use crate::cluster::error::{Error, Result};
use crate::node::Site;
use crate::node::people::HUB;

/// The person who works in a notebook.
pub const RESEARCHER: &str = "u-7c1e";
/// The second person of a project.
pub const COLLEAGUE: &str = "u-19ab";

/// Where a Dataset's bytes come from in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An image volume.
    Image,
    /// A folder of the node.
    HostPath,
}

/// The 1000 Genomes excerpt as a Dataset that `project` may be granted.
pub fn dataset(site: &Site, name: &str, project: &str, source: Source) -> Value {
    let source = match source {
        Source::Image => json!({"image": {"reference": site.data.reference}}),
        Source::HostPath => json!({"hostPath": {"path": crate::node::site::NODE_DATA}}),
    };
    json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Dataset", "metadata": {"name": name},
        "spec": {
            "title": "1000 Genomes excerpt, chromosome 20, 629 people", "release": "2010-11-23", "class": "Genotype", "size": "1Gi",
            "custodian": {"organisation": "example-biobank", "contact": "data-access@example.org"},
            "manifestDigest": site.manifest_digest, "duo": ["DUO:0000004"], "deidentification": "public reference data",
            "source": source, "grantableTo": [project],
        },
    })
}

/// A Project with two people that reads one Dataset.
pub fn project(name: &str, dataset: &str) -> Value {
    let person = |user: &str, roles: Value| {
        json!({"user": user, "organisation": "example-university", "roles": roles, "accessFrom": ["GB"],
            "training": {"course": "mrc-rdgc", "expires": day(300)}})
    };
    json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Project", "metadata": {"name": name},
        "spec": {
            "title": "Variant density on chromosome 20", "submittedBy": "custodian-a", "tier": "sensitive",
            "custodian": {"organisation": "example-biobank", "contact": "data-access@example.org"},
            "purpose": {
                "statement": "How many variants the excerpt holds and how they are spread.",
                "publicBenefit": "Shows that an analysis can be done without any byte leaving.",
                "ethics": {"required": true, "reference": "26/XX/0001", "expires": day(300)},
            },
            "organisations": [{"name": "example-university", "sector": "Academic", "country": "GB", "approval": {"reference": "ORG-17", "expires": day(300)}}],
            "people": [person(RESEARCHER, json!(["Lead", "Researcher"])), person(COLLEAGUE, json!(["Researcher"]))],
            "datasets": [{"name": "genotypes", "dataset": dataset, "minimisation": "One chromosome's excerpt"}],
            "environments": ["jupyterlab-genomics"],
            "compute": {"cpu": "1", "memory": "2Gi", "storage": "2Gi", "maxWorkspaces": 2},
            "schedule": {"starts": day(-1), "expires": day(200)},
            "closure": {"mode": "Delete"}, "lifecycle": "Active",
        },
    })
}

/// A Workspace of a person.
pub fn workspace(project: &str, user: &str) -> Value {
    json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Workspace",
        "metadata": {"name": user, "namespace": format!("sde-project-{project}")},
        "spec": {"user": user, "environment": "jupyterlab-genomics", "running": true},
    })
}

/// Today and so many days, as in a Project.
pub fn day(days: i64) -> String {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    today.checked_add(days.days()).unwrap_or(today).to_string()
}

/// An object as the administrator sees it; null when there is none.
///
/// # Errors
/// When the API server cannot be asked.
pub fn get(site: &Site, kind: &str, name: &str, namespace: Option<&str>) -> Result<Value> {
    let mut args = vec!["get", kind, name, "--output", "json", "--ignore-not-found"];
    if let Some(namespace) = namespace {
        args.extend(["--namespace", namespace]);
    }
    let text = site.cluster.kubectl(args)?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text)
        .map_err(|e| Error::malformed(std::path::Path::new(name), e.to_string()))
}

/// Waits until an object is as wanted and returns it.
///
/// # Errors
/// When it is not in time; the error holds the object's last Ready message.
pub fn wait_for(
    site: &Site,
    what: (&str, &str, Option<&str>),
    wanted: &str,
    limit: Duration,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let (kind, name, namespace) = what;
    let began = Instant::now();
    loop {
        let object = get(site, kind, name, namespace)?;
        if holds(&object) {
            return Ok(object);
        }
        if began.elapsed() > limit {
            let ready = condition(&object, "Ready");
            let phase = &object["status"]["phase"];
            let why = format!(
                "{kind} {name} is not {wanted} after {} s: phase {phase}, {ready}",
                limit.as_secs()
            );
            return Err(Error::malformed(std::path::Path::new(name), why));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A condition of an object; null when it is not set.
pub fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .find(|c| c["type"] == kind)
        .cloned()
        .unwrap_or_default()
}

/// The notebook token of a running Workspace, read as the hub.
///
/// # Errors
/// When the hub may not, or it is not there.
pub fn token(site: &Site, project: &str, pod: &str) -> Result<String> {
    let namespace = format!("sde-project-{project}");
    let encoded = site.kubectl(
        HUB,
        &[
            "get",
            "secret",
            pod,
            "--namespace",
            &namespace,
            "--output",
            "jsonpath={.data.token}",
        ],
    )?;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded.trim());
    let text = bytes.ok().and_then(|b| String::from_utf8(b).ok());
    text.ok_or_else(|| {
        Error::malformed(std::path::Path::new(pod), "the token Secret holds no text")
    })
}
