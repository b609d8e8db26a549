//! The bindings of the policies' API form: deleted as a cluster administrator can, and put back.

use serde_json::{Value, json};

use super::over_time::refusal;
use super::range::Range;
use crate::cluster::error::{Error, Result};

/// Our bindings, to be put back.
pub struct Bindings(Vec<Value>);

impl Bindings {
    /// As they are.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(range: &Range) -> Result<Self> {
        let text = range.cluster().kubectl([
            "get",
            "validatingadmissionpolicybindings",
            "--output",
            "json",
        ])?;
        let list: Value = serde_json::from_str(&text)
            .map_err(|e| Error::malformed("bindings".as_ref(), e.to_string()))?;
        let ours = list["items"].as_array().into_iter().flatten().filter(|b| {
            b["metadata"]["name"]
                .as_str()
                .is_some_and(|name| name.ends_with(".sde-operator.dev"))
        });
        let bindings: Vec<Value> = ours
            .map(|binding| {
                let mut binding = binding.clone();
                for field in [
                    "uid",
                    "resourceVersion",
                    "creationTimestamp",
                    "generation",
                    "managedFields",
                ] {
                    if let Some(metadata) = binding["metadata"].as_object_mut() {
                        metadata.remove(field);
                    }
                }
                binding
            })
            .collect();
        if bindings.is_empty() {
            return Err(Error::malformed(
                "bindings".as_ref(),
                "the chart has installed none",
            ));
        }
        Ok(Self(bindings))
    }

    /// Deletes them; how many, or the API server's refusal.
    pub fn delete(&self, range: &Range) -> std::result::Result<usize, String> {
        let names = self.0.iter().filter_map(|b| b["metadata"]["name"].as_str());
        let args: Vec<&str> = ["delete", "validatingadmissionpolicybindings"]
            .into_iter()
            .chain(names)
            .collect();
        match range.cluster().kubectl(&args) {
            Ok(_) => Ok(self.0.len()),
            Err(error) => Err(refusal(&error)),
        }
    }

    /// Puts them back.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn restore(&self, range: &Range) -> Result<()> {
        range
            .site
            .apply(&json!({"apiVersion": "v1", "kind": "List", "metadata": {"name": "bindings"}, "items": self.0}))
    }
}
