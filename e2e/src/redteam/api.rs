//! Through the API server: each request of the catalogue by each of its identities with credentials of its own, the control of
//! each, and what the audit log says of both.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kube::config::Kubeconfig;
use sde_redteam::ask::{Answered, Asker};
use sde_redteam::attacked::Place;
use sde_redteam::catalogue::{self, Group};
use sde_redteam::court::{ADMIN, Attempt, Court};
use sde_redteam::judge::{Counted, Told, Verdict};
use sde_redteam::report::Finding;
use serde_json::{Value, json};

use super::audit::{self, Entry};
use super::range::{Range, STRANGER};
use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use crate::controlplane::install::SYSTEM_NAMESPACE;
use crate::node::people::HUB;
use crate::node::story::RESEARCHER;

/// The court of a range: everybody with credentials of their own.
///
/// # Errors
/// When the API server or a kubeconfig cannot be read.
pub async fn court(range: &Range) -> Result<Court> {
    let mut askers = BTreeMap::new();
    let admin = asks_once(range.cluster().kubeconfig()).await?;
    for (identity, user) in [
        ("member", RESEARCHER),
        ("stranger", STRANGER),
        ("hub", HUB),
        ("custodian-a", "custodian-a"),
        ("approver-a", "approver-a"),
        ("approver-b", "approver-b"),
    ] {
        askers.insert(
            identity,
            asks_once(&range.site.people.kubeconfig(user)).await?,
        );
    }
    let place = Place {
        project: range.subject.project.clone(),
        namespace: range.subject.namespace(),
        workspace: range.subject.user.clone(),
        system: SYSTEM_NAMESPACE.to_owned(),
        person: RESEARCHER.to_owned(),
    };
    Ok(Court::open(admin, &place, askers).await?)
}

/// A client that does not ask again: what is judged is the answer, also one that says the server is busy.
async fn asks_once(kubeconfig: &Path) -> Result<Asker> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &Default::default()).await?;
    config.default_retry = false;
    let client = kube::Client::try_from(config).map_err(|error| Error::Kube(Box::new(error)))?;
    Ok(Asker { client, user: None })
}

/// Runs every attack of the group.
///
/// # Errors
/// When the catalogue or the audit log cannot be read.
pub async fn run(range: &Range, court: &Court) -> Result<Vec<Finding>> {
    let mut tried: Vec<Attempt> = Vec::new();
    for attack in catalogue::group(Group::Api)? {
        command::pause(Duration::ZERO)?;
        tried.extend(court.try_one(&attack).await);
    }
    let log = audit::entries(range.cluster(), &range.addresses.control_plane.0)?;
    Ok(tried.iter().map(|attempt| judged(&log, attempt)).collect())
}

fn judged(log: &BTreeMap<String, Entry>, attempt: &Attempt) -> Finding {
    let witness = recorded(log, &attempt.answered, &attempt.control);
    match counted(log, &attempt.answered, &attempt.control) {
        Ok(counted) => attempt.finding(counted.as_ref(), witness),
        Err(()) => {
            let finding = attempt.finding(None, witness);
            let verdict = finding.verdict.max(Verdict::Inconclusive);
            Finding { verdict, ..finding }
        }
    }
}

/// What the administrator's attacks come to now, by finding; for another form of the policies.
///
/// # Errors
/// When the catalogue cannot be read.
pub async fn again(court: &Court) -> Result<BTreeMap<String, Verdict>> {
    let mut verdicts = BTreeMap::new();
    for mut attack in catalogue::group(Group::Api)? {
        command::pause(Duration::ZERO)?;
        attack.who.retain(|who| who == ADMIN);
        for attempt in court.try_one(&attack).await {
            let finding = attempt.finding(None, String::new());
            verdicts.insert(finding.id, finding.verdict);
        }
    }
    Ok(verdicts)
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
