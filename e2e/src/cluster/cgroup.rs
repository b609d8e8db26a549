//! Control groups that a Docker daemon leaves behind empty.
use std::path::{Path, PathBuf};

use super::error::{Error, Result};

const ROOT: &str = "/sys/fs/cgroup";

/// The `docker` groups of every hierarchy (cgroup v1 has one per controller, v2 one at all).
pub fn docker_groups() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(ROOT).join("docker")];
    if let Ok(entries) = std::fs::read_dir(ROOT) {
        found.extend(entries.flatten().map(|entry| entry.path().join("docker")));
    }
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// Removes the `docker` groups that were not there `before`; the kernel refuses one with a process in it.
pub fn remove_new(before: &[PathBuf]) -> Result<()> {
    for group in docker_groups() {
        if !before.contains(&group) {
            remove(&group)?;
        }
    }
    Ok(())
}

fn remove(group: &Path) -> Result<()> {
    let entries = std::fs::read_dir(group).map_err(Error::io("cannot list", group))?;
    for child in entries
        .flatten()
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
    {
        remove(&child.path())?;
    }
    std::fs::remove_dir(group).map_err(Error::io("cannot remove the control group", group))
}
