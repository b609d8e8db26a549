//! Through the API server: each request of the catalogue by each of its identities, and the control of each.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::Kubeconfig;
use serde_json::{Value, json};

use super::audit::{self, Entry};
use super::catalogue::{self, Attack, Group, Request};
use super::judge::{Counted, Told, Verdict, judge};
use super::range::{CONTROL, Range, STRANGER};
use super::report::Finding;
use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use crate::node::people::{HUB, certificate_request};
use crate::node::site::NODE_DATA;
use crate::node::story::RESEARCHER;

/// The controller's user name.
pub const CONTROLLER: &str = "system:serviceaccount:sde-system:sde-controller";
/// The cluster's administrator, among the identities of the catalogue.
pub const ADMIN: &str = "admin";

/// The longest the API server may take to answer; it gives a node 30 s to be reached.
const LIMIT: Duration = Duration::from_secs(40);

/// What the placeholders of a request stand for.
type Words = BTreeMap<&'static str, String>;

/// Clients by identity, and the placeholders of attack and control.
pub struct Court {
    clients: BTreeMap<String, kube::Client>,
    attack: Words,
    control: Words,
}

/// The answer to a request.
#[derive(Debug, Clone)]
struct Answered {
    told: Told,
    audit: Option<String>,
}

impl Court {
    /// Reads the names of what is attacked.
    ///
    /// # Errors
    /// When the API server or a kubeconfig cannot be read.
    pub async fn open(range: &Range) -> Result<Self> {
        let mut clients = BTreeMap::new();
        let admin = asks_once(range.cluster().kubeconfig()).await?;
        clients.insert(ADMIN.to_owned(), admin);
        for (identity, user) in [
            ("member", RESEARCHER),
            ("stranger", STRANGER),
            ("hub", HUB),
            ("custodian-a", "custodian-a"),
            ("approver-a", "approver-a"),
            ("approver-b", "approver-b"),
        ] {
            let client = asks_once(&range.site.people.kubeconfig(user)).await?;
            clients.insert(identity.to_owned(), client);
        }
        Ok(Self {
            clients,
            attack: attacked(range)?,
            control: controls(range)?,
        })
    }

    /// Runs every attack of the group.
    ///
    /// # Errors
    /// When the catalogue or the audit log cannot be read.
    pub async fn run(&self, range: &Range) -> Result<Vec<Finding>> {
        let mut tried = Vec::new();
        for attack in catalogue::group(Group::Api)? {
            command::pause(Duration::ZERO)?;
            let control = self.control(&attack).await;
            for who in &attack.who {
                let answered = match &attack.request {
                    Some(request) => self.ask(who, request, &self.attack).await,
                    None => failed("the catalogue has no request"),
                };
                tried.push((attack.clone(), who.clone(), answered, control.clone()));
            }
        }
        let log = audit::entries(range.cluster(), &range.addresses.control_plane.0)?;
        Ok(tried
            .into_iter()
            .map(|(attack, who, answered, control)| {
                let counted = counted(&log, &answered, &control);
                let verdict = match &counted {
                    Ok(counted) => judge(&answered.told, &control.told, counted.as_ref()),
                    Err(_) => judge(&answered.told, &control.told, None).max(Verdict::Inconclusive),
                };
                Finding {
                    id: format!("{}@{who}", attack.id),
                    who,
                    verdict,
                    witness: recorded(&log, &answered, &control),
                    ..Finding::of(
                        Group::Api,
                        &attack,
                        answered.told.line(),
                        control.told.line(),
                    )
                }
            })
            .collect())
    }

    /// What the administrator's attacks come to now, by finding; for another form of the policies.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn again(&self) -> Result<BTreeMap<String, Verdict>> {
        let mut verdicts = BTreeMap::new();
        for attack in catalogue::group(Group::Api)? {
            command::pause(Duration::ZERO)?;
            let (Some(request), true) = (&attack.request, attack.who.iter().any(|w| w == ADMIN))
            else {
                continue;
            };
            let control = self.control(&attack).await;
            let answered = self.ask(ADMIN, request, &self.attack).await;
            verdicts.insert(
                format!("{}@{ADMIN}", attack.id),
                judge(&answered.told, &control.told, None),
            );
        }
        Ok(verdicts)
    }

    async fn control(&self, attack: &Attack) -> Answered {
        match (&attack.control_request, &attack.request) {
            (Some(control), _) => {
                // Such a control names the real project where it needs it.
                self.ask(&control.who, &control.request, &self.attack).await
            }
            (None, Some(request)) => self.ask(ADMIN, request, &self.control).await,
            (None, None) => failed("the catalogue has no request"),
        }
    }

    async fn ask(&self, who: &str, request: &Request, words: &Words) -> Answered {
        let Some(client) = self.clients.get(who) else {
            return failed("nobody of that name");
        };
        match tokio::time::timeout(LIMIT, send(client, request, words)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => failed(&error.to_string()),
            Err(_) => failed(&format!("no answer in {} s", LIMIT.as_secs())),
        }
    }
}

/// A client that does not ask again: what is judged is the answer, also one that says the server is busy.
async fn asks_once(kubeconfig: &Path) -> Result<kube::Client> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &Default::default()).await?;
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|error| Error::Kube(Box::new(error)))
}

fn failed(why: &str) -> Answered {
    Answered {
        told: Told::Failed(why.to_owned()),
        audit: None,
    }
}

async fn send(
    client: &kube::Client,
    request: &Request,
    words: &Words,
) -> std::result::Result<Answered, kube::Error> {
    let connect = request.method == "CONNECT";
    let writes = !connect && request.method != "GET";
    let mut path = filled(&request.path, words);
    // A review answers and stores nothing; it knows no dry run.
    if writes && !path.contains("selfsubjectreviews") {
        path += if path.contains('?') { "&" } else { "?" };
        path += "dryRun=All";
    }
    let method = if connect { "GET" } else { &request.method };
    // The API server takes the id that it is given, and an answer that switches protocols does not carry one.
    let audit = format!("redteam-{:032x}", rand::random::<u128>());
    let mut builder = http::Request::builder()
        .method(method)
        .uri(&path)
        .header("Audit-ID", &audit);
    if connect {
        let protocol = if path.contains("/portforward") {
            "SPDY/3.1+portforward.k8s.io"
        } else {
            "v5.channel.k8s.io"
        };
        for (name, value) in [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "cmVkdGVhbS1yZWR0ZWFtIQ=="),
            ("Sec-WebSocket-Protocol", protocol),
        ] {
            builder = builder.header(name, value);
        }
    }
    if let Some(user) = &request.impersonate {
        builder = builder.header("Impersonate-User", filled(user, words));
    }
    let kind = match (method, &request.body) {
        ("PATCH", Value::Array(_)) => "application/json-patch+json",
        ("PATCH", _) => "application/merge-patch+json",
        _ => "application/json",
    };
    let body = match &request.body {
        Value::Null => Vec::new(),
        body => {
            builder = builder.header(http::header::CONTENT_TYPE, kind);
            filled(&body.to_string(), words).into_bytes()
        }
    };
    let request = builder
        .body(Body::from(body))
        .map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    let status = response.status();
    let audit = Some(audit);
    if status == http::StatusCode::SWITCHING_PROTOCOLS {
        let told = Told::Reached("HTTP 101: connected".to_owned());
        return Ok(Answered { told, audit });
    }
    let bytes = response
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(Answered {
        told: told(status.as_u16(), &text),
        audit,
    })
}

/// An HTTP answer as an outcome: only what the API server's authorisation, admission or validation refused is refused.
fn told(status: u16, body: &str) -> Told {
    let said = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|status| status["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| body.chars().take(120).collect());
    let said: String = said.chars().take(400).collect();
    match status {
        200..=299 => Told::Reached(format!("HTTP {status}")),
        403 | 422 => Told::Refused(format!("HTTP {status}: {said}")),
        // Admission let it through: then the pod's network refused, or the pod has its node for good.
        502..=504 if said.contains("error trying to reach service") => {
            Told::Refused(format!("HTTP {status}: {said}"))
        }
        409 if said.contains("is already assigned to node") => {
            Told::Refused(format!("HTTP {status}: {said}"))
        }
        404 if said.contains("could not find the requested resource")
            || said.contains("404 page not found") =>
        {
            Told::Absent(format!("the API server does not serve it: {said}"))
        }
        _ => Told::Failed(format!("HTTP {status}: {said}")),
    }
}

fn filled(text: &str, words: &Words) -> String {
    words.iter().fold(text.to_owned(), |text, (name, word)| {
        text.replace(&format!("{{{name}}}"), word)
    })
}

fn counted(
    log: &BTreeMap<String, Entry>,
    attack: &Answered,
    control: &Answered,
) -> std::result::Result<Option<Counted>, ()> {
    let entry = |of: &Answered| of.audit.as_ref().and_then(|id| log.get(id)).ok_or(());
    let worked = |code: u64| u64::from(code == 101 || (200..300).contains(&code));
    // What is not served is not audited in every case, and was proven by the answer itself.
    if matches!(attack.told, Told::Absent(_)) {
        return Ok(None);
    }
    Ok(Some(Counted {
        by: "audit log".to_owned(),
        attack: worked(entry(attack)?.code),
        control: worked(entry(control)?.code),
    }))
}

fn recorded(log: &BTreeMap<String, Entry>, attack: &Answered, control: &Answered) -> String {
    let line = |of: &Answered| match of.audit.as_ref().and_then(|id| log.get(id)) {
        Some(entry) => format!("{} for {}", entry.code, entry.user),
        None => "no entry".to_owned(),
    };
    format!(
        "audit log: attack {}; control {}",
        line(attack),
        line(control)
    )
}

fn attacked(range: &Range) -> Result<Words> {
    let (cluster, subject) = (range.cluster(), &range.subject);
    let namespace = subject.namespace();
    let read = |args: &[&str]| cluster.kubectl(["get"].iter().chain(args));
    let project = |path: &str| {
        let path = format!("jsonpath={path}");
        read(&["project", &subject.project, "--output", &path])
    };
    let first = |kind: &str, of: &str| {
        read(&[
            kind,
            "--namespace",
            of,
            "--output",
            "jsonpath={.items[0].metadata.name}",
        ])
    };
    let volume = read(&[
        "persistentvolumes",
        "--output",
        &format!(
            "jsonpath={{range .items[?(@.spec.claimRef.namespace==\"{namespace}\")]}}{{.metadata.name}} {{.spec.accessModes[0]}}{{\"\\n\"}}{{end}}"
        ),
    ])?;
    let volume = |mode: &str| {
        volume
            .lines()
            .find(|line| line.ends_with(mode))
            .and_then(|line| line.split(' ').next())
            .unwrap_or_default()
            .to_owned()
    };
    let controller = "app.kubernetes.io/component=controller";
    let approval = format!(
        "jsonpath={{.items[?(@.spec.project==\"{}\")].metadata.name}}",
        subject.project
    );
    let mut words = common(range)?;
    words.extend([
        ("ns", namespace.clone()),
        ("pod", subject.pod.clone()),
        (
            "poduid",
            read(&[
                "pod",
                &subject.pod,
                "--namespace",
                &namespace,
                "--output",
                "jsonpath={.metadata.uid}",
            ])?,
        ),
        ("container", "notebook".to_owned()),
        (
            "claim",
            read(&[
                "pod",
                &subject.pod,
                "--namespace",
                &namespace,
                "--output",
                "jsonpath={.spec.volumes[?(@.name==\"home\")].persistentVolumeClaim.claimName}",
            ])?,
        ),
        ("volume", volume("ReadOnlyMany")),
        ("grantvolume", volume("ReadOnlyMany")),
        ("project", subject.project.clone()),
        ("projectuid", project("{.metadata.uid}")?),
        ("specdigest", project("{.status.specDigest}")?),
        (
            "approval",
            read(&["projectapprovals", "--output", &approval])?
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
        ("policy", "default-deny".to_owned()),
        ("quota", first("resourcequotas", &namespace)?),
        ("system", "sde-system".to_owned()),
        ("controller", "sde-controller".to_owned()),
        ("controlleruser", CONTROLLER.to_owned()),
        ("key", "sde-attestation-key".to_owned()),
        ("path", NODE_DATA.to_owned()),
        ("falselabel", "sde-operator.dev/project".to_owned()),
        ("person", RESEARCHER.to_owned()),
        ("csr", request(CONTROLLER)?),
        (
            "admission",
            "project-namespace-lock.sde-operator.dev".to_owned(),
        ),
        (
            "systempod",
            read(&[
                "pods",
                "--selector",
                controller,
                "--namespace",
                "sde-system",
                "--output",
                "jsonpath={.items[0].metadata.name}",
            ])?,
        ),
        ("systemdeployment", "sde-sentinel".to_owned()),
        ("systemcontainer", "sentinel".to_owned()),
        ("systempolicy", "sde-default-deny".to_owned()),
    ]);
    Ok(words)
}

fn controls(range: &Range) -> Result<Words> {
    let mut words = common(range)?;
    let harmless = "redteam-harmless".to_owned();
    words.extend([
        ("ns", CONTROL.to_owned()),
        ("pod", "plain".to_owned()),
        ("poduid", "none".to_owned()),
        ("container", "main".to_owned()),
        ("claim", "plain".to_owned()),
        ("volume", harmless.clone()),
        ("grantvolume", harmless.clone()),
        ("policy", "unused".to_owned()),
        ("quota", "project".to_owned()),
        ("system", CONTROL.to_owned()),
        ("controller", "workspace".to_owned()),
        ("controlleruser", "redteam-nobody".to_owned()),
        ("key", "plain".to_owned()),
        ("path", "/var/redteam-none".to_owned()),
        ("falselabel", "redteam.example/project".to_owned()),
        ("person", "redteam-nobody".to_owned()),
        ("csr", request("redteam-nobody")?),
        ("admission", harmless),
        ("systempod", "plain".to_owned()),
        ("systemdeployment", "copy".to_owned()),
        ("systemcontainer", "main".to_owned()),
        ("systempolicy", "unused".to_owned()),
    ]);
    Ok(words)
}

fn common(range: &Range) -> Result<Words> {
    Ok([
        ("image", range.site.environment.reference.clone()),
        ("node", range.addresses.worker.0.clone()),
        ("elsewhere", CONTROL.to_owned()),
    ]
    .into())
}

/// A certificate signing request for a name, as the API takes it.
fn request(name: &str) -> Result<String> {
    let scratch = tempfile::tempdir().map_err(Error::io("cannot make", "a folder".as_ref()))?;
    let pem = certificate_request(
        name,
        &scratch.path().join("key"),
        &scratch.path().join("csr"),
    )?;
    Ok(base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        pem,
    ))
}

/// What must be the same after the group as before: names and uids of what attacks could have made or taken away.
///
/// # Errors
/// When the API server cannot be asked.
pub fn inventory(range: &Range) -> Result<Value> {
    let kinds = "networkpolicies,resourcequotas,limitranges,rolebindings,serviceaccounts,services,secrets,persistentvolumeclaims";
    let path = "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.uid} {end}";
    let mut all = Vec::new();
    for namespace in [range.subject.namespace(), range.stranger.namespace()] {
        let of = ["get", kinds, "--namespace", &namespace, "--output", path];
        all.push(range.cluster().kubectl(of)?);
    }
    for kind in [
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "projectapprovals",
        "persistentvolumes",
    ] {
        all.push(range.cluster().kubectl(["get", kind, "--output", path])?);
    }
    Ok(json!(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_are_refused() {
        assert!(matches!(told(201, "{}"), Told::Reached(_)));
        assert!(matches!(
            told(403, r#"{"message": "denied request"}"#),
            Told::Refused(_)
        ));
        assert!(matches!(
            told(409, r#"{"message": "exists"}"#),
            Told::Failed(_)
        ));
        let bound = r#"{"message": "pod u is already assigned to node \"worker\""}"#;
        assert!(matches!(told(409, bound), Told::Refused(_)));
        let silent = "error trying to reach service: dial tcp 10.244.1.99:8888: i/o timeout";
        assert!(matches!(told(503, silent), Told::Refused(_)));
        assert!(matches!(told(503, "overloaded"), Told::Failed(_)));
        assert!(matches!(
            told(
                404,
                r#"{"message": "the server could not find the requested resource"}"#
            ),
            Told::Absent(_)
        ));
        assert!(matches!(
            told(404, r#"{"message": "pods \"x\" not found"}"#),
            Told::Failed(_)
        ));
    }

    #[test]
    fn placeholders_are_filled_and_json_is_left_alone() {
        let words: Words = [("ns", "n".to_owned())].into();
        assert_eq!(filled(r#"/{ns}/{"a":{}}"#, &words), r#"/n/{"a":{}}"#);
    }
}
