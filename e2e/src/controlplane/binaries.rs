//! Where the control plane's programs are.

use std::path::{Path, PathBuf};

use super::error::{ControlPlaneError, Result};

/// Paths of the programs that a control plane runs.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// etcd, the API server's store.
    pub etcd: PathBuf,
    /// The API server.
    pub kube_apiserver: PathBuf,
    /// The controllers that make namespaces vanish, volumes bind and tokens appear.
    pub kube_controller_manager: PathBuf,
}

impl Binaries {
    /// Takes the programs from one folder.
    ///
    /// # Errors
    /// [`ControlPlaneError::Missing`] names the first program that is not there.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        Ok(Self {
            etcd: find(folder, "etcd")?,
            kube_apiserver: find(folder, "kube-apiserver")?,
            kube_controller_manager: find(folder, "kube-controller-manager")?,
        })
    }
}

/// The path of one program in a folder.
///
/// # Errors
/// [`ControlPlaneError::Missing`] when it is not a file there.
pub fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(ControlPlaneError::Missing { name: name.to_owned(), places: folder.display().to_string() })
}

/// The folder that `SDE_E2E_BIN` names, for programs that were built elsewhere.
pub fn override_folder() -> Option<PathBuf> {
    std::env::var_os("SDE_E2E_BIN").map(PathBuf::from)
}
