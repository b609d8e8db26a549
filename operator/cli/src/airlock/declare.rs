//! What the files of a request are, as a person writes it down. Pure but for the declaration's file.

use std::path::Path;

use sde_crds::AirlockRequest;
use sde_crds::airlock_request::{Direction, Import, Output};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::args::DeclaredArgs;
use super::change::named;
use crate::error::CliError;

/// The entries of a declaration's file: a YAML list, as under spec.outputs or spec.imports.
///
/// # Errors
/// [`CliError::Usage`] when it cannot be read, is no such list, or says what no field takes.
pub fn file<T: DeserializeOwned + Serialize>(path: &Path) -> Result<Vec<T>, CliError> {
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

impl Declared {
    /// What the given file says; none when none was given.
    ///
    /// # Errors
    /// [`CliError::Usage`] as [`file`].
    pub fn read(args: &DeclaredArgs) -> Result<Option<Self>, CliError> {
        match (&args.outputs, &args.imports) {
            (Some(path), _) => Ok(Some(Self::Outputs(file(path)?))),
            (None, Some(path)) => Ok(Some(Self::Imports(file(path)?))),
            (None, None) => Ok(None),
        }
    }

    /// Says of a request what it is, and gives the field of its spec that says so.
    ///
    /// # Errors
    /// [`CliError::Usage`] when it goes the other way.
    pub fn of(self, request: &mut AirlockRequest) -> Result<(&'static str, Value), CliError> {
        let spec = &mut request.spec;
        match (self, spec.direction) {
            (Self::Outputs(outputs), Direction::Export) => {
                let said = json!(outputs);
                spec.outputs = Some(outputs);
                Ok(("outputs", said))
            }
            (Self::Imports(imports), Direction::Import) => {
                let said = json!(imports);
                spec.imports = Some(imports);
                Ok(("imports", said))
            }
            (_, Direction::TransferToSde) => Err(CliError::Usage(format!(
                "{} is a transfer, and nothing of it is declared: it is the grant, as it was registered. Confirm it without --outputs and --imports",
                named(request)
            ))),
            (_, direction) => Err(CliError::Usage(format!(
                "{} is an {direction:?}: an Export is declared by --outputs, an Import by --imports",
                named(request)
            ))),
        }
    }
}
