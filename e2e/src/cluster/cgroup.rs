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

/// Removes the `docker` groups that were not there `before`. Containers of another daemon keep theirs, and so the groups above them.
pub fn remove_new(before: &[PathBuf]) -> Result<()> {
    for group in docker_groups() {
        if !before.contains(&group) {
            remove(&group)?;
        }
    }
    Ok(())
}

/// Removes a group and all below it; whether it is gone.
fn remove(group: &Path) -> Result<bool> {
    if std::fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|p| !p.trim().is_empty()) {
        return Ok(false);
    }
    let entries = std::fs::read_dir(group).map_err(Error::io("cannot list", group))?;
    let mut empty = true;
    for child in entries
        .flatten()
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
    {
        empty &= remove(&child.path())?;
    }
    if empty {
        std::fs::remove_dir(group).map_err(Error::io("cannot remove the control group", group))?;
    }
    Ok(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_with_a_process_below_it_stays() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        let group = |path: &str, processes: &str| -> std::io::Result<()> {
            std::fs::create_dir_all(root.path().join(path))?;
            std::fs::write(root.path().join(path).join("cgroup.procs"), processes)
        };
        group("docker", "")?;
        group("docker/theirs", "")?;
        group("docker/theirs/kubelet.slice", "123\n")?;
        assert!(matches!(remove(&root.path().join("docker")), Ok(false)));
        assert!(root.path().join("docker/theirs/kubelet.slice").is_dir());
        Ok(())
    }
}
