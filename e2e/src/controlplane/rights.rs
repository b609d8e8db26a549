//! What a ServiceAccount may do by RBAC, and what of it its requests use, by the API server's own audit log.
//!
//! `bind` and `escalate` are asked for inside other requests and so are in no log. They are inferred: who wrote a binding used
//! `bind` on its role (the controller names bindings as their roles), who wrote a ClusterRole used `escalate` on it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use kube::api::ListParams;
use kube::{Api, Client};
use serde::{Deserialize, Serialize};

use super::audit::{AuditEvent, AuditObject};
use super::error::{ControlPlaneError, Result, api, io, malformed};
use super::identity::HARNESS;
use crate::cluster::paths;

/// Paths that every authenticated user may read (system:discovery), and that the controller reads when it starts.
const DISCOVERY: [&str; 2] = ["/apis", "/version"];

/// A verb on a resource: of a rule, where nothing named means all, or of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Right {
    /// API group, empty for core.
    pub group: String,
    /// Resource, with its subresource after a slash.
    pub resource: String,
    /// Verb.
    pub verb: String,
    /// Namespace; none for all and for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Object; none for any.
    pub name: Option<String>,
}

impl Right {
    /// Whether this rule allows that request.
    fn allows(&self, request: &Self) -> bool {
        let within = |rule: &Option<String>, asked: &Option<String>| {
            rule.is_none() || rule.as_deref() == asked.as_deref()
        };
        self.group == request.group
            && self.resource == request.resource
            && self.verb == request.verb
            && within(&self.namespace, &request.namespace)
            && within(&self.name, &request.name)
    }

    /// How many things it names: a request uses the rule that says most about it.
    fn narrowness(&self) -> usize {
        usize::from(self.namespace.is_some()) + usize::from(self.name.is_some())
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}

/// What was granted and what of it was used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Every right of every rule bound to the account.
    pub granted: BTreeSet<Right>,
    /// Those that a request used.
    pub used: BTreeSet<Right>,
    /// Requests that no rule allows, whatever was answered.
    pub beyond: BTreeSet<String>,
}

impl Usage {
    /// Compares the rules bound to an account with its requests in a log.
    ///
    /// # Errors
    /// When the rules cannot be read.
    pub async fn of(
        client: &Client,
        namespace: &str,
        account: &str,
        events: &[AuditEvent],
    ) -> Result<Self> {
        let mut usage = Self {
            granted: granted(client, namespace, account).await?,
            ..Self::default()
        };
        let user = format!("system:serviceaccount:{namespace}:{account}");
        let own = |event: &&AuditEvent| event.user.username == user && event.user_agent != HARNESS;
        events
            .iter()
            .filter(own)
            .for_each(|event| usage.note(event));
        Ok(usage)
    }

    fn note(&mut self, event: &AuditEvent) {
        let Some(object) = &event.object_ref else {
            let path = event.request_uri.split('?').next().unwrap_or_default();
            if event.verb != "get" || !DISCOVERY.contains(&path) {
                self.beyond.insert(format!("{} {path}", event.verb));
            }
            return;
        };
        for request in requests(event, object) {
            let rules = self.granted.iter().filter(|rule| rule.allows(&request));
            match rules.max_by_key(|rule| rule.narrowness()).cloned() {
                Some(rule) => self.used.insert(rule),
                None => self.beyond.insert(request.to_string()),
            };
        }
    }

    /// Adds what another suite saw.
    pub fn add(&mut self, other: Self) {
        self.granted.extend(other.granted);
        self.used.extend(other.used);
        self.beyond.extend(other.beyond);
    }

    /// Rights that nothing used.
    pub fn unused(&self) -> impl Iterator<Item = &Right> {
        self.granted.difference(&self.used)
    }

    /// Keeps this for the comparison over all suites.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, suite: &str) -> Result<()> {
        let file = file(suite);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(io(folder.display()))?;
        }
        let text = serde_json::to_string_pretty(self).map_err(malformed(file.display()))?;
        std::fs::write(&file, text).map_err(io(file.display()))
    }

    /// Drops what an earlier run kept, so that it cannot pass for this one's.
    ///
    /// # Errors
    /// When the file is there and cannot be deleted.
    pub fn forget(suite: &str) -> Result<()> {
        let file = file(suite);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(io(file.display())),
        }
    }

    /// What [`Usage::write`] kept.
    ///
    /// # Errors
    /// When the suite left nothing.
    pub fn read(suite: &str) -> Result<Self> {
        let file = file(suite);
        let text = std::fs::read_to_string(&file).map_err(io(file.display()))?;
        serde_json::from_str(&text).map_err(malformed(file.display()))
    }
}

fn file(suite: &str) -> PathBuf {
    paths::repository().join(format!("target/e2e/rbac-used/{suite}.json"))
}

/// The rights that one request needed.
fn requests(event: &AuditEvent, object: &AuditObject) -> Vec<Right> {
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let resource = match object.subresource.as_str() {
        "" => object.resource.clone(),
        subresource => format!("{}/{subresource}", object.resource),
    };
    let itself = Right {
        group: object.api_group.clone(),
        resource,
        verb: event.verb.clone(),
        // A namespace is asked for as a namespaced object of itself.
        namespace: named(&object.namespace).filter(|_| object.resource != "namespaces"),
        name: named(&object.name),
    };
    let status = event.response_status.as_ref().map(|status| status.code);
    let mut all = vec![itself.clone()];
    let and = |verb: &str| Right {
        verb: verb.to_owned(),
        ..itself.clone()
    };
    // A server-side apply that creates needs `create` too, on that name.
    if event.verb == "patch" && status == Some(201) {
        all.push(and("create"));
    }
    let written = event.is_successful_write() && event.verb != "delete";
    match itself.resource.as_str() {
        "clusterroles" if written => all.push(and("escalate")),
        "rolebindings" if written => all.push(Right {
            resource: "clusterroles".to_owned(),
            namespace: None,
            ..and("bind")
        }),
        _ => {}
    }
    all
}

async fn granted(client: &Client, namespace: &str, account: &str) -> Result<BTreeSet<Right>> {
    let all = ListParams::default();
    let is_it = |subjects: &Option<Vec<Subject>>| {
        subjects.iter().flatten().any(|subject| {
            subject.kind == "ServiceAccount"
                && subject.name == account
                && subject.namespace.as_deref() == Some(namespace)
        })
    };
    let mut found = BTreeSet::new();
    let cluster = Api::<ClusterRoleBinding>::all(client.clone());
    for binding in cluster
        .list(&all)
        .await
        .map_err(api("ClusterRoleBindings"))?
    {
        if is_it(&binding.subjects) {
            let rules = rules(client, &binding.role_ref, None).await?;
            found.extend(rules.iter().flat_map(|rule| rights(rule, None)));
        }
    }
    let bindings = Api::<RoleBinding>::all(client.clone());
    for binding in bindings.list(&all).await.map_err(api("RoleBindings"))? {
        if is_it(&binding.subjects) {
            let within = binding.metadata.namespace.as_deref();
            let rules = rules(client, &binding.role_ref, within).await?;
            found.extend(rules.iter().flat_map(|rule| rights(rule, within)));
        }
    }
    if found.is_empty() {
        let what = format!("rules of {namespace}/{account}");
        return Err(malformed(what)("nothing is bound to it"));
    }
    Ok(found)
}

async fn rules(
    client: &Client,
    role: &RoleRef,
    namespace: Option<&str>,
) -> std::result::Result<Vec<PolicyRule>, ControlPlaneError> {
    let failed = || api(format!("{} {}", role.kind, role.name));
    let rules = match (role.kind.as_str(), namespace) {
        ("Role", Some(namespace)) => {
            let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
            roles.get(&role.name).await.map_err(failed())?.rules
        }
        _ => {
            let roles: Api<ClusterRole> = Api::all(client.clone());
            roles.get(&role.name).await.map_err(failed())?.rules
        }
    };
    Ok(rules.unwrap_or_default())
}

/// A rule taken apart: one right for each group, resource, verb and name.
fn rights(rule: &PolicyRule, namespace: Option<&str>) -> Vec<Right> {
    let names: Vec<Option<&String>> = match rule.resource_names.as_deref().unwrap_or_default() {
        [] => vec![None],
        names => names.iter().map(Some).collect(),
    };
    let mut all = Vec::new();
    for group in rule.api_groups.iter().flatten() {
        for resource in rule.resources.iter().flatten() {
            for verb in &rule.verbs {
                all.extend(names.iter().map(|name| Right {
                    group: group.clone(),
                    resource: resource.clone(),
                    verb: verb.clone(),
                    namespace: namespace.map(str::to_owned),
                    name: name.cloned(),
                }));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(verb: &str, namespace: Option<&str>, name: Option<&str>) -> Right {
        Right {
            resource: "secrets".to_owned(),
            verb: verb.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            ..Right::default()
        }
    }

    fn event(verb: &str, resource: &str, name: &str, code: u16) -> AuditEvent {
        let time = "2026-11-22T10:00:00Z";
        serde_json::from_value(serde_json::json!({
            "stage": "ResponseComplete", "verb": verb, "requestURI": "/x", "user": {"username": "u"},
            "objectRef": {"resource": resource, "namespace": "a", "name": name}, "responseStatus": {"code": code},
            "requestReceivedTimestamp": time, "stageTimestamp": time,
        }))
        .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_request_uses_the_narrowest_rule_and_a_request_beyond_all_rules_is_told() {
        let named = right("get", Some("a"), Some("key"));
        let any = right("get", None, None);
        let mut usage = Usage {
            granted: [named.clone(), any.clone()].into(),
            ..Usage::default()
        };
        usage.note(&event("get", "secrets", "key", 200));
        assert_eq!(usage.used, [named.clone()].into());
        assert_eq!(usage.unused().collect::<Vec<_>>(), [&any]);
        usage.note(&event("get", "secrets", "other", 200));
        assert_eq!(usage.unused().count(), 0);
        assert!(usage.beyond.is_empty());
        usage.note(&event("delete", "secrets", "key", 403));
        assert_eq!(usage.beyond, ["delete secrets key in a".to_owned()].into());
    }

    #[test]
    fn an_apply_that_creates_creates_and_who_writes_roles_and_bindings_escalates_and_binds() {
        let verbs = |verb: &str, resource: &str, code: u16| {
            let event = event(verb, resource, "x", code);
            let object = event.object_ref.clone().unwrap_or_default();
            let all = requests(&event, &object);
            all.into_iter().map(|right| right.verb).collect::<Vec<_>>()
        };
        assert_eq!(verbs("patch", "pods", 200), ["patch"]);
        assert_eq!(verbs("patch", "pods", 201), ["patch", "create"]);
        assert_eq!(verbs("patch", "clusterroles", 200), ["patch", "escalate"]);
        assert_eq!(verbs("patch", "clusterroles", 403), ["patch"]);
        assert_eq!(verbs("create", "rolebindings", 201), ["create", "bind"]);
        assert_eq!(verbs("delete", "rolebindings", 200), ["delete"]);
    }
}
