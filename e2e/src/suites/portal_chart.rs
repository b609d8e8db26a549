//! What the chart makes of portals and door: taken by the API server as it is, hardened, and reached by whom the values name.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use http::Method;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::asking::ask;
use super::error::{Result, check, check_equal};
use super::lab::Lab;
use crate::cluster::paths;
use crate::controlplane::binaries::Binaries;
use crate::controlplane::error::{io, malformed};
use crate::controlplane::install::SYSTEM_NAMESPACE;
use crate::controlplane::process::run_to_end;

/// What `portal.enabled` and `door.enabled` bring, beside their policies.
const PARTS: [&str; 3] = ["portal-request", "portal-decide", "sde-door"];

/// Everything that the chart renders with these settings added to `ci/portal-values.yaml`, by kind and name.
fn rendered(helm: &Path, settings: &[&str]) -> Result<BTreeMap<(String, String), Value>> {
    let chart = paths::repository().join("charts/sde-operator");
    let mut command = Command::new(helm);
    command
        .args(["template", "sde-operator"])
        .arg(&chart)
        .args(["--namespace", SYSTEM_NAMESPACE])
        .args(["--kube-version", "1.37.0", "--values"])
        .arg(chart.join("ci/portal-values.yaml"));
    for setting in settings {
        command.args(["--set-json", setting]);
    }
    let text = run_to_end(&mut command)?;
    let mut found = BTreeMap::new();
    for document in serde_yaml_ng::Deserializer::from_slice(&text) {
        let object = Value::deserialize(document).map_err(malformed("what helm rendered"))?;
        let part = |at: &Value| at.as_str().unwrap_or_default().to_owned();
        found.insert(
            (part(&object["kind"]), part(&object["metadata"]["name"])),
            object,
        );
    }
    Ok(found)
}

fn of<'a>(all: &'a BTreeMap<(String, String), Value>, kind: &str, name: &str) -> Result<&'a Value> {
    all.get(&(kind.to_owned(), name.to_owned()))
        .ok_or_else(|| malformed("the chart")(format!("renders no {kind} {name}")).into())
}

pub(super) async fn chart(lab: &Lab) -> Result<()> {
    let helm = tokio::task::block_in_place(Binaries::find)?.helm;
    let all = rendered(&helm, &[])?;
    for name in PARTS {
        for (kind, plural) in [
            ("Deployment", "apis/apps/v1/*/deployments"),
            ("Service", "api/v1/*/services"),
            (
                "NetworkPolicy",
                "apis/networking.k8s.io/v1/*/networkpolicies",
            ),
        ] {
            let object = of(&all, kind, name)?;
            let place = plural.replace('*', &format!("namespaces/{SYSTEM_NAMESPACE}"));
            let path = format!("/{place}?dryRun=All&fieldValidation=Strict");
            let admin = lab.plane.admin();
            let answer = ask(&admin, Method::POST, &path, Some(object), None).await?;
            check(
                answer.accepted(),
                format_args!("{kind} {name}: the API server says {answer}"),
            )?;
        }
        let pod = &of(&all, "Deployment", name)?["spec"]["template"]["spec"];
        let token = &pod["automountServiceAccountToken"];
        check_equal(
            &format!("{name} has a token of the API server"),
            &token.as_bool(),
            &Some(name != "sde-door"),
        )?;
        check_equal(
            &format!("{name}: security context"),
            &pod["containers"][0]["securityContext"],
            &json!({"allowPrivilegeEscalation": false, "privileged": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}),
        )?;
    }
    let egress = json!([{
        "to": [{
            "namespaceSelector": {"matchExpressions": [{"key": "sde-operator.dev/project", "operator": "Exists"}]},
            "podSelector": {"matchLabels": {"sde-operator.dev/airlock-door": "true"}},
        }],
        "ports": [{"protocol": "TCP", "port": 8444}],
    }]);
    let door = of(&all, "NetworkPolicy", "sde-door")?;
    check_equal("egress of the door", &door["spec"]["egress"], &egress)?;
    ingress(&helm, &all)?;
    refusals(&helm)
}

/// Whom nobody names, nobody is.
fn ingress(helm: &Path, named: &BTreeMap<(String, String), Value>) -> Result<()> {
    let nobody = rendered(helm, &["portal.ingressFrom=[]", "door.ingressFrom=[]"])?;
    for name in PARTS {
        let rules = |all| -> Result<usize> {
            let spec = &of(all, "NetworkPolicy", name)?["spec"];
            let types = &spec["policyTypes"];
            check_equal("policy types", types, &json!(["Ingress", "Egress"]))?;
            Ok(spec["ingress"].as_array().map_or(0, Vec::len))
        };
        check_equal(
            &format!("{name}: rules when somebody is named"),
            &rules(named)?,
            &1,
        )?;
        check_equal(
            &format!("{name}: rules when nobody is"),
            &rules(&nobody)?,
            &0,
        )?;
    }
    Ok(())
}

/// Values with which nothing would work, or less safely, are refused before anything is installed.
fn refusals(helm: &Path) -> Result<()> {
    for setting in [
        r#"door.url="""#,
        r#"door.url="http://door.example.org""#,
        r#"door.tlsSecretName="""#,
        r#"images.portal="localhost/portal:latest""#,
        r#"images.portal="""#,
        r#"portal.oidc.issuer="http://id.example.org""#,
        "portal.oidc.cidrs=[]",
        r#"portal.decide.publicUrl="https://decide.example.org/path""#,
        r#"portal.request.clientSecretName="""#,
        "portal.ingressFrom=[{}]",
    ] {
        match rendered(helm, &[setting]) {
            Err(error) if error.to_string().contains("values don't meet") => {}
            Err(error) => return Err(error),
            Ok(_) => check(false, format_args!("the chart takes {setting}"))?,
        }
    }
    Ok(())
}

/// The chart passes helm's own linter with these values.
pub(super) fn lint() -> Result<()> {
    let helm = tokio::task::block_in_place(Binaries::find)?.helm;
    let chart = paths::repository().join("charts/sde-operator");
    let values = std::fs::read_dir(chart.join("ci")).map_err(io("charts/sde-operator/ci"))?;
    for file in values {
        let file = file.map_err(io("charts/sde-operator/ci"))?.path();
        run_to_end(
            Command::new(&helm)
                .args(["lint", "--strict", "--kube-version", "1.37.0", "--values"])
                .arg(&file)
                .arg(&chart),
        )?;
    }
    Ok(())
}
