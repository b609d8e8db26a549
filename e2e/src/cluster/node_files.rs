//! Files of the node image that come from kind's module and from `e2e/node`.
use std::path::{Path, PathBuf};

use super::command::Run;
use super::error::{Error, Result};
use super::gomod::GoModule;
use super::paths;

/// The repository's files for the node, sorted.
pub fn list() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![paths::e2e_dir().join("node")];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir)
            .map_err(Error::io("cannot list", &dir))?
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                open.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    Ok(files)
}

/// kind's entrypoint, units and configuration, read from the Go module cache.
pub fn kind_files(root: &Path) -> Result<()> {
    let source = GoModule::Kind.source()?.join("images/base/files");
    copy_tree(&source, root)?;
    for dir in ["kind", "etc", "usr/local"] {
        Run::new("chmod")
            .args(["-R", "u+w"])
            .arg(root.join(dir))
            .output()?;
    }
    for dir in ["usr/local/bin", "kind/bin"] {
        Run::new("chmod")
            .args(["-R", "755"])
            .arg(root.join(dir))
            .output()?;
    }
    for dir in [
        "kind/images",
        "kind/manifests",
        "etc/kubernetes/manifests",
        "opt/cni/bin",
        "usr/local/sbin",
    ] {
        paths::create_dir(&root.join(dir))?;
    }
    let init = root.join("sbin/init");
    paths::remove_file(&init)?;
    std::os::unix::fs::symlink("/usr/lib/systemd/systemd", &init)
        .map_err(Error::io("cannot link", &init))
}

/// The repository's units and scripts.
pub fn own_files(root: &Path) -> Result<()> {
    copy_tree(&paths::e2e_dir().join("node/root"), root)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    Run::new("cp")
        .args(["--recursive", "--no-target-directory", "--preserve=mode"])
        .arg(from)
        .arg(to)
        .what("copying files into the node")
        .output()
        .map(drop)
}
