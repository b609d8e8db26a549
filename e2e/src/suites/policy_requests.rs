//! Sends the cases of the admission policies to a real API server: makes what a case begins with, asks, and judges the answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use kube::Client;
use sde_crds::names::{AIRLOCK_NAMESPACE_PREFIX, GROUP, PROJECT_LABEL};
use sde_policies::cases::{Case, Expect, Operation, Resource, User};
use serde_json::{Value, json};

use super::asking::{Answer, ask};
use super::error::{Result, SuiteError, check};
use super::policy_objects::{self, ACCOUNT_CONTROLLER, IMAGE, account, controller};
use crate::controlplane::install::SYSTEM_NAMESPACE;

/// Sends cases, each about objects of its own where names allow it.
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
    /// A court on a control plane whose [`super::asking::ALL_RIGHTS`] has them.
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
        if case.resource.resource == "clusterroles" && case.old_object.is_some() {
            // Its name is part of the case, so the next one needs it free.
            ask(&self.admin, Method::DELETE, &place.object(), None, None).await?;
        }
        judge(policy, case, &answer)
    }

    /// Whoever the policies let make things makes them, so that no policy is switched off meanwhile.
    async fn set<'a>(&self, case: &'a Case) -> Result<Place<'a>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let fresh = format!("case-{number}");
        let namespace = match &case.namespace_object {
            Some(given) => Some(self.namespace(&fresh, given).await?),
            None => None,
        };
        let connected = case.operation == Operation::Connect;
        let subresource = case.resource.subresource.as_deref().unwrap_or_default();
        let object = case.object.as_ref().or(case.old_object.as_ref());
        let given = object.and_then(|object| object["metadata"]["name"].as_str());
        let name = match given {
            _ if case.resource.resource == "nodes" => NO_NODE,
            // Names that are read, and those in a namespace that no other case has.
            Some(name) if namespace.is_some() || case.resource.resource == "clusterroles" => name,
            _ => &fresh,
        };
        let place = Place {
            resource: &case.resource,
            namespace,
            name: name.to_owned(),
        };
        let enters_pod = connected && case.resource.resource == "pods";
        let implied = enters_pod || matches!(subresource, "eviction" | "binding");
        let Some(old) = case
            .old_object
            .clone()
            .or_else(|| implied.then(|| json!({})))
        else {
            return Ok(place);
        };
        let mut object = self.complete(case, &old, &place)?;
        if enters_pod {
            object["spec"]["nodeName"] = json!(NO_NODE);
        }
        let status = object.as_object_mut().and_then(|map| map.remove("status"));
        let maker = policy_objects::maker(&case.resource.resource, &object);
        // A request is confirmed after it was sealed: the API server compares the digest with the status.
        let spec = object["spec"].as_object_mut();
        let confirmed = spec.and_then(|spec| spec.remove("confirmedDigest"));
        let kept = Self::kept(case, &mut object);
        let mut made = self.old(&place, &object, &maker).await?;
        if let Some(finalizers) = kept {
            made["metadata"]["finalizers"] = finalizers;
            made = self
                .make(Method::PUT, &place.object(), &made, &controller())
                .await?;
        }
        if let Some(status) = status {
            let reporter = policy_objects::reporter(&case.resource.resource);
            made["status"] = merged(made["status"].take(), &status);
            let path = format!("{}/status", place.object());
            made = self.make(Method::PUT, &path, &made, &reporter).await?;
        }
        if let Some(confirmed) = confirmed {
            made["spec"]["confirmedDigest"] = confirmed;
            self.make(Method::PUT, &place.object(), &made, &maker)
                .await?;
        }
        Ok(place)
    }

    /// Finalizers of a request, which is made without: the controller sets them later.
    fn kept(case: &Case, object: &mut Value) -> Option<Value> {
        if case.resource.resource != "airlockrequests" {
            return None;
        }
        object["metadata"].as_object_mut()?.remove("finalizers")
    }

    /// Makes what is there before. In our own namespace an earlier case may have made it.
    async fn old(&self, place: &Place<'_>, object: &Value, maker: &User) -> Result<Value> {
        if object["kind"] == "Pod" && !object["spec"]["nodeName"].is_null() {
            // No new pod names its node: the policies have it bound.
            let mut unplaced = object.clone();
            let node = unplaced["spec"]["nodeName"].take();
            self.make(Method::POST, &place.collection(), &unplaced, maker)
                .await?;
            let target = json!({"apiVersion": "v1", "kind": "Node", "name": node});
            let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": place.name}, "target": target});
            let path = format!("{}/binding", place.object());
            let scheduler = account(crate::controlplane::identity::SCHEDULER);
            self.make(Method::POST, &path, &binding, &scheduler).await?;
            let bound = ask(&self.admin, Method::GET, &place.object(), None, None).await?;
            check(bound.accepted(), &bound)?;
            return Ok(bound.body);
        }
        let path = place.collection();
        let answer = ask(&self.admin, Method::POST, &path, Some(object), Some(maker)).await?;
        match answer.status {
            409 => {
                let there = ask(&self.admin, Method::GET, &place.object(), None, None).await?;
                check(there.accepted(), &there)?;
                Ok(there.body)
            }
            _ => made(answer, maker),
        }
    }

    async fn namespace(&self, name: &str, given: &Value) -> Result<String> {
        if given["metadata"]["name"] == SYSTEM_NAMESPACE {
            self.accounts(SYSTEM_NAMESPACE).await?;
            return Ok(SYSTEM_NAMESPACE.to_owned());
        }
        let mut object = merged(json!({"apiVersion": "v1", "kind": "Namespace"}), given);
        let given = given["metadata"]["name"].as_str().unwrap_or_default();
        // Policies know a project's airlock by its name.
        let name = match given.starts_with(AIRLOCK_NAMESPACE_PREFIX) {
            true => format!("{AIRLOCK_NAMESPACE_PREFIX}{name}"),
            false => name.to_owned(),
        };
        object["metadata"]["name"] = json!(name);
        let metadata = &mut object["metadata"];
        if !metadata["labels"][PROJECT_LABEL].is_null() && metadata["annotations"].is_null() {
            metadata["annotations"] = json!({"sde-operator.dev/images": IMAGE});
        }
        self.make(Method::POST, "/api/v1/namespaces", &object, &controller())
            .await?;
        self.accounts(&name).await?;
        Ok(name)
    }

    /// No pod is admitted before its ServiceAccount is there, and a case must not wait for the controller that makes one of them.
    async fn accounts(&self, namespace: &str) -> Result<()> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        for (name, maker) in [
            ("default", account(ACCOUNT_CONTROLLER)),
            ("workspace", controller()),
        ] {
            let object =
                json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
            let made = ask(
                &self.admin,
                Method::POST,
                &path,
                Some(&object),
                Some(&maker),
            )
            .await?;
            check(made.accepted() || made.status == 409, &made)?;
        }
        Ok(())
    }

    async fn make(
        &self,
        method: Method,
        path: &str,
        object: &Value,
        maker: &User,
    ) -> Result<Value> {
        let answer = ask(&self.admin, method, path, Some(object), Some(maker)).await?;
        made(answer, maker)
    }

    async fn send(&self, case: &Case, place: &Place<'_>) -> Result<Answer> {
        let subresource = case.resource.subresource.as_deref().unwrap_or_default();
        let given = case.object.as_ref().unwrap_or(&Value::Null);
        let (method, path, body) = match case.operation {
            Operation::Create if !subresource.is_empty() => {
                let mut body = match subresource {
                    "eviction" => {
                        json!({"apiVersion": "policy/v1", "kind": "Eviction", "deleteOptions": {"dryRun": ["All"]}})
                    }
                    "binding" => json!({"apiVersion": "v1", "kind": "Binding"}),
                    _ => json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}),
                };
                merge(&mut body, given);
                body["metadata"]["name"] = json!(place.name);
                (Method::POST, dry(&place.asked()), Some(body))
            }
            Operation::Create => {
                let object = self.complete(case, given, place)?;
                (Method::POST, dry(&place.collection()), Some(object))
            }
            Operation::Update => return self.update(case, place).await,
            Operation::Delete => {
                let options =
                    json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]});
                let given = case.options.as_ref().unwrap_or(&Value::Null);
                (Method::DELETE, place.object(), Some(merged(options, given)))
            }
            // Nothing to run dry: there is no node behind the pod, or no such node.
            Operation::Connect => {
                let (method, rest) = match subresource {
                    "exec" => (Method::POST, "?command=id&stdout=true".to_owned()),
                    "attach" => (Method::POST, "?stdout=true".to_owned()),
                    "portforward" => (Method::POST, "?ports=8888".to_owned()),
                    _ => (Method::GET, suffix(&given["path"])),
                };
                (method, format!("{}{rest}", place.asked()), None)
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
        // What the API server filled into a pod's spec cannot be left out again.
        if !given["spec"].is_null() && case.resource.resource != "pods" {
            let base = policy_objects::base(&case.resource, &self.examples)?;
            object["spec"] = merged(base["spec"].clone(), &given["spec"]);
        }
        object["metadata"]["name"] = json!(place.name);
        Ok(object)
    }

    /// A valid object with the case's fields, where the case is.
    fn complete(&self, case: &Case, given: &Value, place: &Place<'_>) -> Result<Value> {
        let mut base = policy_objects::base(&case.resource, &self.examples)?;
        if !given["spec"]["containers"].is_null() {
            // A whole pod: what it lacks is what the case is about.
            base["spec"] = json!({});
        }
        let mut object = merged(base, given);
        object["metadata"]["name"] = json!(place.name);
        for about in ["involvedObject", "regarding"] {
            if !object[about].is_null() {
                object[about]["namespace"] = json!(place.namespace);
            }
        }
        Ok(object)
    }
}

fn suffix(path: &Value) -> String {
    path.as_str()
        .map_or_else(String::new, |path| format!("/{path}"))
}

/// The node of pods that somebody connects to. An API server that says it does not know it has let the request through.
const NO_NODE: &str = "no-such-node";

fn made(answer: Answer, maker: &User) -> Result<Value> {
    if answer.accepted() {
        return Ok(answer.body);
    }
    Err(SuiteError::Check(format!(
        "what the case begins with was refused to {}: {answer}",
        maker.username
    )))
}

fn judge(policy: &str, case: &Case, answer: &Answer) -> Result<()> {
    let message = answer.message();
    let refused = message.contains("ValidatingAdmissionPolicy '");
    let right = match (case.expect, &case.message) {
        (Expect::Allow, _) if case.operation == Operation::Connect => {
            !refused && message.contains(NO_NODE)
        }
        // What is refused for being there already was admitted before.
        (Expect::Allow, _) => answer.accepted() || answer.body["reason"] == "AlreadyExists",
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
