//! What is written from the policies: their list for our programs, the chart's copy, and the static form, which the API server reads from its own disk (KEP-5793).
//!
//! A static policy is the same policy under a name that the API cannot give, see, change or delete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::embedded::POLICIES;
use crate::error::Result;
use crate::file::{self, GROUP, PolicyFile};

/// How names of static policies and bindings must end (`StaticConfigSuffix` of k8s.io/apiserver).
pub const STATIC_SUFFIX: &str = ".static.k8s.io";
/// The static form, below the policies' folder. The API server reads every YAML file of it, so there is nothing else in it.
pub const STATIC_FOLDER: &str = "static";
/// The chart's copy, from the policies' folder.
pub const CHART_FOLDER: &str = "../charts/sde-operator/files/policies";

/// The list of policies for our own programs, from the policies' folder.
pub const EMBEDDED: &str = "src/embedded.rs";

/// Folder and, by name, text of every file that is generated.
pub type Generated = Vec<(PathBuf, BTreeMap<String, String>)>;

/// Everything that is generated from a folder of policies.
///
/// # Errors
/// When a policy cannot be read.
pub fn all(folder: &Path) -> Result<Generated> {
    let files = file::read(folder)?;
    let named = |text: fn(&PolicyFile) -> String| {
        files
            .iter()
            .map(|(name, file)| (format!("{name}.yaml"), text(file)))
            .collect()
    };
    Ok(vec![
        (folder.join(STATIC_FOLDER), named(static_form)),
        (folder.join(CHART_FOLDER), named(|file| file.text.clone())),
    ])
}

/// The text of [`EMBEDDED`].
///
/// # Errors
/// When a policy cannot be read.
pub fn embedded(folder: &Path) -> Result<String> {
    let files = file::read(folder)?;
    let mut text = format!(
        "//! The policies as text, for programs that look for them in a cluster. Written by `cargo run -p sde-policies`.\n\n\
         /// Short name and text of every policy, by name.\n\
         #[rustfmt::skip]\n\
         pub const POLICIES: [(&str, &str); {}] = [\n",
        files.len()
    );
    for name in files.keys() {
        text.push_str(&format!(
            "    (\"{name}\", include_str!(\"../{name}.yaml\")),\n"
        ));
    }
    text.push_str("];\n");
    Ok(text)
}

/// Name of the static form of a policy.
pub fn static_name(name: &str) -> String {
    format!("{name}{STATIC_SUFFIX}")
}

/// The static form of a policy file, comments included.
pub fn static_form(file: &PolicyFile) -> String {
    static_text(file.short_name(), &file.text)
}

/// The same from a policy's short name and text.
pub fn static_text(short_name: &str, text: &str) -> String {
    let name = format!("{short_name}.{GROUP}");
    format!(
        "# Generated from policies/{short_name}.yaml by `cargo run -p sde-policies`: change that, never this.\n{}",
        text.replace(
            &format!("ame: {name}\n"),
            &format!("ame: {}\n", static_name(&name))
        )
    )
}

/// The bytes over which an API server that loads the static form, and nothing beside it, tells a hash in its metrics:
/// every file in the order of names, each with a zero byte after it (k8s.io/apiserver v0.37.1,
/// `pkg/admission/plugin/manifest/loader.go`). For an operator in `namespace`.
pub fn loaded(namespace: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (short_name, text) in POLICIES {
        let text = static_text(short_name, text).replace("sde-system", namespace);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn only_the_names_differ() {
        for (name, file) in file::read(file::folder()).unwrap() {
            let made = static_form(&file);
            assert_eq!(
                made.matches(STATIC_SUFFIX).count(),
                3,
                "{name}: policy, binding, policyName"
            );
            let back = made.replace(STATIC_SUFFIX, "");
            assert_eq!(back.split_once('\n').unwrap().1, file.text);
        }
    }
}
