//! Where the control plane's programs are.

use std::path::{Path, PathBuf};

use super::error::{ControlPlaneError, Result};
use crate::cluster::tools::{self, Tool};

/// Paths of the programs that a control plane runs.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// etcd, the API server's store.
    pub etcd: PathBuf,
    /// The API server.
    pub kube_apiserver: PathBuf,
    /// The controllers that make namespaces vanish, volumes bind and tokens appear.
    pub kube_controller_manager: PathBuf,
    /// helm, which installs the chart.
    pub helm: PathBuf,
}

impl Binaries {
    /// The programs in the folder that `SDE_E2E_BIN` names, or else those of the harness's cache, built when absent. Blocking.
    ///
    /// # Errors
    /// [`ControlPlaneError::Missing`] names the first program that the folder lacks; otherwise what kept one from being built.
    pub fn find() -> Result<Self> {
        match std::env::var_os("SDE_E2E_BIN") {
            Some(folder) => {
                let folder = PathBuf::from(folder);
                Self::from(|tool| in_folder(&folder, tool))
            }
            None => {
                tools::ensure(&[
                    Tool::Etcd,
                    Tool::KubeApiserver,
                    Tool::KubeControllerManager,
                    Tool::Helm,
                ])?;
                Self::from(|tool| Ok(tools::path(tool)?))
            }
        }
    }

    fn from(path: impl Fn(Tool) -> Result<PathBuf>) -> Result<Self> {
        Ok(Self {
            etcd: path(Tool::Etcd)?,
            kube_apiserver: path(Tool::KubeApiserver)?,
            kube_controller_manager: path(Tool::KubeControllerManager)?,
            helm: path(Tool::Helm)?,
        })
    }
}

fn in_folder(folder: &Path, tool: Tool) -> Result<PathBuf> {
    let path = folder.join(tool.binary());
    if path.is_file() {
        return Ok(path);
    }
    Err(ControlPlaneError::Missing {
        name: tool.binary().to_owned(),
        folder: folder.to_owned(),
    })
}
