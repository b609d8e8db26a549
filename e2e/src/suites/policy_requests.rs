//! Sends the cases of the admission policies to a real API server: makes what a case begins with, asks, and judges the answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use kube::Client;
use sde_crds::names::GROUP;
use serde_json::{Value, json};

use super::asking::{Answer, ask};
use super::error::{Result, SuiteError, check};
use super::policy_cases::{Case, Expect, Operation, Resource, User};
use crate::controlplane::install::controller_user;

/// Sends cases, each about objects of its own.
pub struct Court {
    admin: Client,
    /// `crds/examples/`, by kind: valid objects to lay a case's fields over.
    examples: BTreeMap<String, Value>,
    number: AtomicU32,
}

/// Where the object of a case is.
struct Place<'a> {
    resource: &'a Resource,
    namespace: Option<String>,
    name: String,
}

impl Place<'_> {
    fn collection(&self) -> String {
        let Resource {
            group,
            version,
            resource,
            ..
        } = self.resource;
        let group = match group.as_str() {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match &self.namespace {
            Some(namespace) => format!("{group}/namespaces/{namespace}/{resource}"),
            None => format!("{group}/{resource}"),
        }
    }

    fn object(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    /// The object's path, or that of the case's subresource.
    fn asked(&self) -> String {
        match &self.resource.subresource {
            Some(subresource) => format!("{}/{subresource}", self.object()),
            None => self.object(),
        }
    }
}

impl Court {
    /// A court on a control plane whose [`ALL_RIGHTS`] has them.
    pub fn new(admin: Client, examples: BTreeMap<String, Value>) -> Self {
        Self {
            admin,
            examples,
            number: AtomicU32::new(0),
        }
    }

    /// Makes what the case begins with, sends its request and compares the answer with what the policy is to decide.
    ///
    /// # Errors
    /// [`SuiteError::Check`] with the answer when it is another one, or when what the case begins with cannot be made.
    pub async fn try_case(&self, policy: &str, case: &Case) -> Result<()> {
        let place = self.set(case).await?;
        let answer = self.send(case, &place).await?;
        judge(policy, case, &answer)
    }

    /// Whoever the policies let make things makes them, so that no policy is switched off meanwhile.
    async fn set<'a>(&self, case: &'a Case) -> Result<Place<'a>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let name = format!("case-{number}");
        let namespace = match &case.namespace_object {
            Some(given) => Some(self.namespace(&name, given).await?),
            None => None,
        };
        let place = Place {
            resource: &case.resource,
            namespace,
            name,
        };
        let connected = case.operation == Operation::Connect;
        let evicted = case.resource.subresource.as_deref() == Some("eviction");
        let Some(old) = case
            .old_object
            .clone()
            .or_else(|| (connected || evicted).then(|| json!({})))
        else {
            return Ok(place);
        };
        let mut object = merged(self.base(case)?, &old);
        object["metadata"]["name"] = json!(place.name);
        if connected {
            object["spec"]["nodeName"] = json!(NO_NODE);
        }
        let status = object.as_object_mut().and_then(|map| map.remove("status"));
        let maker = match case.resource.resource.as_str() {
            "projects" => person(&object["spec"]["submittedBy"]),
            "projectapprovals" => person(&object["spec"]["approver"]),
            _ => controller(),
        };
        let mut made = self
            .make(Method::POST, &place.collection(), &object, &maker)
            .await?;
        if let Some(status) = status {
            let reporter = match case.resource.resource.as_str() {
                "pods" => node(),
                _ => controller(),
            };
            made["status"] = merged(made["status"].take(), &status);
            let path = format!("{}/status", place.object());
            self.make(Method::PUT, &path, &made, &reporter).await?;
        }
        Ok(place)
    }

    async fn namespace(&self, name: &str, given: &Value) -> Result<String> {
        let mut object = merged(json!({"apiVersion": "v1", "kind": "Namespace"}), given);
        object["metadata"]["name"] = json!(name);
        self.make(Method::POST, "/api/v1/namespaces", &object, &controller())
            .await?;
        // No pod is admitted before its ServiceAccount is there, and a case must not wait for the controller that makes it.
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let path = format!("/api/v1/namespaces/{name}/serviceaccounts");
        let made = ask(&self.admin, Method::POST, &path, Some(&account), None).await?;
        check(made.accepted() || made.status == 409, &made)?;
        Ok(name.to_owned())
    }

    async fn make(
        &self,
        method: Method,
        path: &str,
        object: &Value,
        maker: &User,
    ) -> Result<Value> {
        let answer = ask(&self.admin, method, path, Some(object), Some(maker)).await?;
        if answer.accepted() {
            return Ok(answer.body);
        }
        Err(SuiteError::Check(format!(
            "what the case begins with was refused to {}: {answer}",
            maker.username
        )))
    }

    async fn send(&self, case: &Case, place: &Place<'_>) -> Result<Answer> {
        let subresource = case.resource.subresource.as_deref().unwrap_or_default();
        let (method, path, body) = match case.operation {
            Operation::Create if subresource == "eviction" => {
                let mut eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction"});
                merge(&mut eviction, case.object.as_ref().unwrap_or(&Value::Null));
                eviction["metadata"]["name"] = json!(place.name);
                eviction["deleteOptions"]["dryRun"] = json!(["All"]);
                (Method::POST, dry(&place.asked()), Some(eviction))
            }
            Operation::Create => {
                let object = case.object.as_ref().unwrap_or(&Value::Null);
                let mut object = merged(self.base(case)?, object);
                object["metadata"]["name"] = json!(place.name);
                (Method::POST, dry(&place.collection()), Some(object))
            }
            Operation::Update => return self.update(case, place).await,
            Operation::Delete => {
                let options =
                    json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]});
                let given = case.options.as_ref().unwrap_or(&Value::Null);
                (Method::DELETE, place.object(), Some(merged(options, given)))
            }
            // Nothing to run dry: there is no node behind the pod.
            Operation::Connect => {
                let (method, query) = match subresource {
                    "exec" => (Method::POST, "?command=id&stdout=true"),
                    "attach" => (Method::POST, "?stdout=true"),
                    "portforward" => (Method::POST, "?ports=8888"),
                    _ => (Method::GET, ""),
                };
                (method, format!("{}{query}", place.asked()), None)
            }
        };
        let user = Some(&case.user_info);
        ask(&self.admin, method, &path, body.as_ref(), user).await
    }

    /// Sends the case's change, again when a controller wrote to the object after it was read.
    async fn update(&self, case: &Case, place: &Place<'_>) -> Result<Answer> {
        let path = dry(&place.asked());
        let user = Some(&case.user_info);
        let mut tries = 10;
        loop {
            let changed = self.changed(case, place).await?;
            let answer = ask(&self.admin, Method::PUT, &path, Some(&changed), user).await?;
            tries -= 1;
            if answer.status != 409 || tries == 0 {
                return Ok(answer);
            }
        }
    }

    /// The live object with the case's fields. Maps of metadata, and the spec, are the case's own: what it leaves out is removed.
    async fn changed(&self, case: &Case, place: &Place<'_>) -> Result<Value> {
        let live = ask(&self.admin, Method::GET, &place.object(), None, None).await?;
        check(live.accepted(), &live)?;
        let given = case.object.clone().unwrap_or_default();
        let mut object = merged(live.body, &given);
        for field in ["labels", "annotations", "finalizers"] {
            object["metadata"][field] = given["metadata"][field].clone();
        }
        if case.resource.resource == "namespaces" {
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(place.name);
        }
        if !given["spec"].is_null() {
            object["spec"] = merged(self.base(case)?["spec"].take(), &given["spec"]);
        }
        object["metadata"]["name"] = json!(place.name);
        Ok(object)
    }

    /// A valid object of the case's kind, without metadata.
    fn base(&self, case: &Case) -> Result<Value> {
        let example = |kind: &str| {
            let mut object = self.examples.get(kind).cloned().unwrap_or_default();
            object["metadata"] = json!({});
            object
        };
        Ok(match case.resource.resource.as_str() {
            "projects" => example("Project"),
            "projectapprovals" => example("ProjectApproval"),
            "destructionrecords" => example("DestructionRecord"),
            "namespaces" => json!({"apiVersion": "v1", "kind": "Namespace"}),
            "resourcequotas" => json!({"apiVersion": "v1", "kind": "ResourceQuota"}),
            "limitranges" => json!({"apiVersion": "v1", "kind": "LimitRange"}),
            "networkpolicies" => {
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"})
            }
            "pods" => json!({"apiVersion": "v1", "kind": "Pod", "spec": {
                "initContainers": [{"name": "probe", "image": "x"}],
                "containers": [{"name": "notebook", "image": "x", "resources": {"limits": {"cpu": "1"}}}],
            }}),
            other => {
                return Err(SuiteError::Check(format!("no valid {other} is known")));
            }
        })
    }
}

/// The node of pods that somebody connects to. An API server that says it does not know it has let the request through.
const NO_NODE: &str = "no-such-node";

fn judge(policy: &str, case: &Case, answer: &Answer) -> Result<()> {
    let message = answer.message();
    let refused = message.contains("ValidatingAdmissionPolicy '");
    let right = match (case.expect, &case.message) {
        (Expect::Allow, _) if case.operation == Operation::Connect => {
            !refused && message.contains(NO_NODE)
        }
        (Expect::Allow, _) => answer.accepted(),
        (Expect::Deny, Some(words)) => {
            let by_policy = answer.status == 403
                && message.contains(&format!("ValidatingAdmissionPolicy '{policy}'"));
            // A rule in the CRD that says the same comes first.
            let by_schema = answer.status == 422 && case.resource.group == GROUP;
            (by_policy || by_schema) && message.contains(words)
        }
        (Expect::Deny, None) => false,
    };
    let wanted = case.message.as_deref().unwrap_or_default();
    check(
        right,
        format_args!(
            "{}: expected {:?} {wanted:?}, got {answer}",
            case.name, case.expect
        ),
    )
}

fn dry(path: &str) -> String {
    format!("{path}?dryRun=All")
}

fn user(name: &str, groups: &[&str]) -> User {
    User {
        username: name.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

fn controller() -> User {
    user(
        &controller_user(),
        &["system:serviceaccounts", "system:authenticated"],
    )
}

fn node() -> User {
    user(
        "system:node:worker",
        &["system:nodes", "system:authenticated"],
    )
}

fn person(name: &Value) -> User {
    user(name.as_str().unwrap_or_default(), &["system:authenticated"])
}

/// `base` with the fields of `over`; maps are merged, everything else is replaced.
fn merged(mut base: Value, over: &Value) -> Value {
    merge(&mut base, over);
    base
}

fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}
