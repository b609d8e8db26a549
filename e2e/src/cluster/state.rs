//! What is remembered of each cluster the harness made: one JSON file per cluster.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::docker::Docker;
use super::error::{Error, Result};
use super::options::UpOptions;
use super::paths;

/// A cluster as it was created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// What was asked for.
    pub options: UpOptions,
    /// The node image's reference; none for the user's own cluster.
    pub node_image: Option<String>,
    /// The credential of the cluster's administrator; never the user's own file.
    pub kubeconfig: PathBuf,
    /// The daemon the nodes run in; none for the user's own cluster.
    pub docker: Option<Docker>,
    /// When it was created, RFC 3339.
    pub created: String,
    /// Creation went to its end.
    pub ready: bool,
}

/// The folder of a cluster's files.
pub fn dir(name: &str) -> Result<PathBuf> {
    Ok(paths::state_dir()?.join("clusters").join(name))
}

fn file(name: &str) -> Result<PathBuf> {
    Ok(dir(name)?.join("state.json"))
}

impl State {
    /// Reads the state of a cluster; none when the harness has not made it.
    pub fn read(name: &str) -> Result<Option<Self>> {
        let file = file(name)?;
        if !file.exists() {
            return Ok(None);
        }
        let text = paths::read(&file)?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| Error::malformed(&file, e))
    }

    /// Writes it.
    pub fn write(&self) -> Result<()> {
        let name = &self.options.name;
        paths::create_dir(&dir(name)?)?;
        let file = file(name)?;
        let text = serde_json::to_vec_pretty(self).map_err(|e| Error::malformed(&file, e))?;
        paths::write(&file, text)
    }

    /// Forgets a cluster, with its kubeconfig.
    pub fn forget(name: &str) -> Result<()> {
        paths::remove_dir(&dir(name)?)
    }

    /// The names of all clusters the harness has made.
    pub fn names() -> Result<Vec<String>> {
        let clusters = paths::cache_dir("state/clusters")?;
        let mut names: Vec<String> = std::fs::read_dir(&clusters)
            .map_err(Error::io("cannot list", &clusters))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }
}
