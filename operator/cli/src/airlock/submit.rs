//! A request as a person makes it, and its confirmation once it is sealed. Pure but for the declaration's file.

use std::path::Path;

use kube::api::ObjectMeta;
use sde_core::airlock::declared::problems;
use sde_core::approvals::short;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction, Import, Output};
use sde_crds::airlock_status::{AirlockPhase as Phase, SealedContent};
use sde_crds::names::project_namespace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::args::{DeclaredArgs, SubmitArgs};
use super::change::{named, own, patch};
use crate::error::CliError;

/// The entries of a declaration's file: a YAML list, as under spec.outputs or spec.imports.
///
/// # Errors
/// [`CliError::Usage`] when it cannot be read, is no such list, or says what no field takes.
fn declaration<T: DeserializeOwned + Serialize>(path: &Path) -> Result<Vec<T>, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
    parse(&text).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))
}

/// Reads the text of a declaration. A field that is not there would be dropped in silence, so it is refused.
pub fn parse<T: DeserializeOwned + Serialize>(text: &str) -> Result<Vec<T>, String> {
    let said: Value = serde_yaml_ng::from_str(text).map_err(|e| e.to_string())?;
    let typed: Vec<T> = serde_yaml_ng::from_str(text).map_err(|e| {
        format!("{e}: it must be a list of what kubectl explain airlockrequest.spec describes under outputs or imports")
    })?;
    let read = serde_json::to_value(&typed).map_err(|e| e.to_string())?;
    match lost(&said, &read, String::new()) {
        Some(field) => Err(format!(
            "{field}: there is no such field: kubectl explain airlockrequest.spec lists those there are"
        )),
        None => Ok(typed),
    }
}

/// Path of the first thing that was said and not read.
fn lost(said: &Value, read: &Value, path: String) -> Option<String> {
    match (said, read) {
        (Value::Object(said), Value::Object(read)) => said
            .iter()
            .filter(|(_, value)| !value.is_null())
            .find_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match read.get(key) {
                    Some(read) => lost(value, read, path),
                    None => Some(path),
                }
            }),
        (Value::Array(said), Value::Array(read)) => said
            .iter()
            .zip(read)
            .enumerate()
            .find_map(|(i, (said, read))| lost(said, read, format!("{path}[{i}]"))),
        _ => None,
    }
}

/// What crosses, declared.
pub enum Declared {
    /// Out.
    Outputs(Vec<Output>),
    /// In.
    Imports(Vec<Import>),
}

/// Reads the file that was given.
///
/// # Errors
/// [`CliError::Usage`] as [`declaration`].
pub fn declared(args: &DeclaredArgs) -> Result<Declared, CliError> {
    match (&args.outputs, &args.import) {
        (Some(path), _) => Ok(Declared::Outputs(declaration(path)?)),
        (None, Some(path)) => Ok(Declared::Imports(declaration(path)?)),
        (None, None) => Err(CliError::Usage(
            "say what the files are: --outputs FILE.yaml or --import FILE.yaml".to_owned(),
        )),
    }
}

/// The request to create, as `me`. An Export is sealed at once; an Import once its upload is complete.
///
/// # Errors
/// [`CliError::Usage`] when it has no name.
pub fn plan(args: &SubmitArgs, declared: Declared, me: &str) -> Result<AirlockRequest, CliError> {
    let name = args.name.clone().or_else(|| args.folder.clone());
    let name = name.ok_or_else(|| {
        CliError::Usage("an Import has no folder to be named after: give it a --name".to_owned())
    })?;
    let (direction, outputs, imports) = match declared {
        Declared::Outputs(outputs) => (Direction::Export, Some(outputs), None),
        Declared::Imports(imports) => (Direction::Import, None, Some(imports)),
    };
    Ok(AirlockRequest {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(project_namespace(&args.project)),
            ..ObjectMeta::default()
        },
        spec: AirlockRequestSpec {
            requester: me.to_owned(),
            direction,
            folder: args.folder.clone(),
            transfer: None,
            justification: args.purpose.clone(),
            outputs,
            imports,
            seal: direction == Direction::Export,
            confirmed_digest: None,
            withdrawn: false,
            retries: None,
            supersedes: args.supersedes.clone(),
            collect: None,
        },
        status: None,
    })
}

/// What happens next, in sentences.
pub fn next(request: &AirlockRequest) -> String {
    let named = named(request);
    if request.spec.seal {
        format!(
            "The folder is copied now; what you change in it afterwards changes nothing.\nSee what was copied: kubectl sde airlock show {named}\nThen submit exactly that: kubectl sde airlock confirm {named}"
        )
    } else {
        format!(
            "It is a draft: its files must be uploaded before it can be sealed, and there is no door for that yet.\nFollow it: kubectl sde airlock show {named}"
        )
    }
}

/// What may be confirmed now: what was sealed.
///
/// # Errors
/// [`CliError::Refused`] with what to do first.
pub fn confirmable<'a>(
    request: &'a AirlockRequest,
    me: &str,
    digest: Option<&str>,
) -> Result<&'a SealedContent, CliError> {
    own(request, me)?;
    let named = named(request);
    let refuse = |text: String| Err(CliError::Refused(text));
    let status = request.status.as_ref();
    let phase = status.map_or(Phase::Draft, |s| s.phase);
    if request.spec.withdrawn {
        return refuse(format!("request {named} is withdrawn: make another one"));
    }
    if let Some(confirmed) = &request.spec.confirmed_digest {
        return refuse(format!(
            "request {named} is submitted already, with {}, and a submitted request never changes: kubectl sde airlock show {named}",
            short(confirmed)
        ));
    }
    if !matches!(phase, Phase::Draft | Phase::Sealing) {
        return refuse(format!(
            "request {named} is {phase}, so there is nothing to confirm: kubectl sde airlock show {named} says what to do"
        ));
    }
    let Some(content) = status.and_then(|s| s.content.as_ref()) else {
        return refuse(format!(
            "request {named} is not sealed yet, so there is nothing to confirm: kubectl sde airlock show {named} says what it waits for"
        ));
    };
    if let Some(digest) = digest.filter(|d| *d != content.digest) {
        return refuse(format!(
            "what was sealed is {}, not {digest}: look at it (kubectl sde airlock show {named}) before you confirm it",
            content.digest
        ));
    }
    let problems = problems(&request.spec, content.files);
    if !problems.is_empty() {
        return refuse(format!(
            "every sealed file must be declared exactly once, or it is returned: {}. Files are counted from 0. Correct the declaration with kubectl edit, or withdraw it (kubectl sde airlock withdraw {named}) and make another",
            problems.join("; ")
        ));
    }
    Ok(content)
}

/// The patch that submits exactly that content.
pub fn confirmation(request: &AirlockRequest, content: &SealedContent) -> Value {
    patch(request, &json!({"confirmedDigest": content.digest}))
}
