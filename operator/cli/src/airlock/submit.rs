//! A request as a person makes it. Pure but for the declaration's file.

use std::path::Path;

use kube::api::ObjectMeta;
use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{AirlockRequestSpec, Direction, Import, Output};
use sde_crds::names::project_namespace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::{DeclaredArgs, SubmitArgs};
use super::change::named;
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
            upload: None,
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
