//! Decides a case by the policy alone, with kube-cel. What kube-cel does otherwise than the API server is said in `policies/README.md`;
//! an expression that it cannot parse, or that calls what it does not have, is an error and never a decision.

use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicySpec;
use kube_cel::KubeCelExt as _;
use kube_cel::cel::objects::Key;
use kube_cel::cel::{Context, ExecutionError, Program, Value};
use serde_json::{Value as Json, json};

use crate::cases::Case;
use crate::error::{PolicyError, Result};
use crate::selector;

/// Functions that both evaluators have and that policies may call.
const FUNCTIONS: [&str; 8] = [
    "contains",
    "dyn",
    "endsWith",
    "matches",
    "replace",
    "size",
    "split",
    "startsWith",
];

/// What a policy decides of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The policy is about other requests.
    Unmatched,
    /// All validations hold.
    Allowed,
    /// The message of the first validation that does not hold, or what went wrong in it, which refuses too (`failurePolicy: Fail`).
    Denied(String),
}

impl Decision {
    /// Whether the request would pass.
    pub fn passes(&self) -> bool {
        !matches!(self, Self::Denied(_))
    }
}

/// Expressions that were parsed, which takes longer than to evaluate them.
#[derive(Default)]
pub struct Programs(HashMap<String, Arc<Program>>);

/// A policy, parsed.
pub struct Evaluator<'a> {
    spec: &'a ValidatingAdmissionPolicySpec,
    conditions: Vec<Arc<Program>>,
    variables: Vec<(&'a str, Arc<Program>)>,
    validations: Vec<Arc<Program>>,
}

impl<'a> Evaluator<'a> {
    /// Parses every expression of a policy.
    ///
    /// # Errors
    /// When one cannot be parsed, calls an unknown function, or the policy selects by what [`selector`] does not know.
    pub fn new(
        name: &str,
        spec: &'a ValidatingAdmissionPolicySpec,
        programs: &mut Programs,
    ) -> Result<Self> {
        let constraints = spec.match_constraints.as_ref();
        if let Some(what) = constraints.and_then(selector::unsupported) {
            return Err(PolicyError::Cel {
                place: name.to_owned(),
                why: format!("{what} is not evaluated here"),
            });
        }
        let conditions = spec.match_conditions.iter().flatten();
        let variables = spec.variables.iter().flatten();
        let validations = spec.validations.iter().flatten();
        Ok(Self {
            spec,
            conditions: conditions
                .map(|condition| programs.get(name, &condition.expression))
                .collect::<Result<_>>()?,
            variables: variables
                .map(|variable| {
                    let program = programs.get(name, &variable.expression)?;
                    Ok((variable.name.as_str(), program))
                })
                .collect::<Result<_>>()?,
            validations: validations
                .map(|validation| programs.get(name, &validation.expression))
                .collect::<Result<_>>()?,
        })
    }

    /// What the policy decides of a case.
    pub fn decide(&self, case: &Case) -> Decision {
        let constraints = self.spec.match_constraints.as_ref();
        if !constraints.is_some_and(|constraints| selector::matches(constraints, case)) {
            return Decision::Unmatched;
        }
        let mut context = context(case);
        // The API server gives conditions an empty one.
        let nothing = Value::Map(HashMap::<Key, Value>::new().into());
        context.add_variable_from_value("namespaceObject", nothing);
        for condition in &self.conditions {
            match condition.execute(&context) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return Decision::Unmatched,
                other => return Decision::Denied(format!("a condition is {other:?}")),
            }
        }
        context.add_variable_from_value("namespaceObject", part(&case.namespace_object));
        // Lazy in the API server: what goes wrong in a variable matters only to those who read it.
        let mut variables = HashMap::new();
        for (name, program) in &self.variables {
            if let Ok(value) = program.execute(&context) {
                variables.insert(key(name), value);
            }
            context.add_variable_from_value("variables", Value::Map(variables.clone().into()));
        }
        let messages = self.spec.validations.iter().flatten();
        for (program, validation) in self.validations.iter().zip(messages) {
            match program.execute(&context) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => {
                    return Decision::Denied(validation.message.clone().unwrap_or_default());
                }
                other => return Decision::Denied(format!("a validation is {other:?}")),
            }
        }
        Decision::Allowed
    }
}

impl Programs {
    fn get(&mut self, policy: &str, expression: &str) -> Result<Arc<Program>> {
        if let Some(program) = self.0.get(expression) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(compile(policy, expression)?);
        self.0.insert(expression.to_owned(), Arc::clone(&program));
        Ok(program)
    }
}

fn compile(policy: &str, expression: &str) -> Result<Program> {
    let fault = |why: String| PolicyError::Cel {
        place: format!("{policy}: {}", expression.trim()),
        why,
    };
    let program = Program::compile(expression).map_err(|error| fault(error.to_string()))?;
    let references = program.references();
    let functions = references.functions();
    let unknown: Vec<_> = functions
        .iter()
        // Operators are called by names that no function can have.
        .filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
        .filter(|name| !FUNCTIONS.contains(name))
        .collect();
    if unknown.is_empty() {
        drop(references);
        return Ok(program);
    }
    Err(fault(format!("calls {unknown:?}")))
}

fn context(case: &Case) -> Context<'static> {
    let mut context = Context::default().with_all();
    // The API server's `dyn` changes what the type checker thinks and nothing else.
    context.add_function("dyn", Ok::<Value, ExecutionError>);
    context.add_variable_from_value("object", part(&case.object));
    context.add_variable_from_value("oldObject", part(&case.old_object));
    context.add_variable_from_value("request", to_cel(&request(case)));
    context.add_variable_from_value("variables", Value::Map(HashMap::<Key, Value>::new().into()));
    context
}

fn part(value: &Option<Json>) -> Value {
    value.as_ref().map_or(Value::Null, to_cel)
}

/// `request`, with those of its fields that policies may read. Empty ones are absent, as in the API server.
fn request(case: &Case) -> Json {
    let resource = &case.resource;
    let mut request = json!({
        "operation": case.operation.as_str(),
        "resource": {"group": resource.group, "version": resource.version, "resource": resource.resource},
        "userInfo": {"username": case.user_info.username},
    });
    if !case.user_info.groups.is_empty() {
        request["userInfo"]["groups"] = json!(case.user_info.groups);
    }
    if let Some(subresource) = &resource.subresource {
        request["subResource"] = json!(subresource);
    }
    if let Some(options) = &case.options {
        request["options"] = options.clone();
    }
    let object = case.object.as_ref().or(case.old_object.as_ref());
    if let Some(name) = object.and_then(|object| object["metadata"]["name"].as_str()) {
        request["name"] = json!(name);
    }
    if let Some(namespace) = &case.namespace_object {
        request["namespace"] = namespace["metadata"]["name"].clone();
    }
    request
}

fn key(name: &str) -> Key {
    Key::String(Arc::new(name.to_owned()))
}

fn to_cel(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Int(integer),
            (None, float) => Value::Float(float.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(fields) => {
            let fields: HashMap<Key, Value> = fields
                .iter()
                .map(|(name, value)| (key(name), to_cel(value)))
                .collect();
            Value::Map(fields.into())
        }
    }
}
