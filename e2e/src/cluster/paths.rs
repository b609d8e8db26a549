//! Where the harness keeps things: the repository's own files, the cache, the state.
use std::path::{Path, PathBuf};

use super::error::{Error, Result};

/// The `e2e` folder of the repository.
pub fn e2e_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let mut path = e2e_dir();
    path.pop();
    path
}

/// Where cargo puts what it builds: `$CARGO_TARGET_DIR`, else `target` of the repository.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .filter(|v| !v.is_empty())
        .map_or_else(|| repository().join("target"), |own| repository().join(own))
}

/// The cache: `$SDE_E2E_CACHE`, else `sde-operator/e2e` in `$XDG_CACHE_HOME` or `~/.cache`.
/// It lies outside `target/` so that `cargo clean` does not cost a quarter of an hour.
pub fn cache() -> Result<PathBuf> {
    if let Some(own) = std::env::var_os("SDE_E2E_CACHE").filter(|v| !v.is_empty()) {
        return Ok(PathBuf::from(own).join("sde-operator/e2e"));
    }
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or_else(|| Error::host("no cache directory is known", "Set HOME or SDE_E2E_CACHE."))?;
    Ok(base.join("sde-operator/e2e"))
}

/// A folder of the cache, created when absent.
pub fn cache_dir(name: &str) -> Result<PathBuf> {
    let path = cache()?.join(name);
    create_dir(&path)?;
    Ok(path)
}

/// The state of running clusters and of the harness's own Docker daemon.
pub fn state_dir() -> Result<PathBuf> {
    cache_dir("state")
}

/// Creates a directory and its parents.
pub fn create_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("cannot create", path))
}

/// Reads a text file.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("cannot read", path))
}

/// Writes a file in one step: a reader sees the old content or the new, never a part.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    std::fs::write(&temporary, content).map_err(Error::io("cannot write", &temporary))?;
    std::fs::rename(&temporary, path).map_err(Error::io("cannot write", path))
}

/// Removes a file; an absent one is fine.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a directory and its content; an absent one is fine.
pub fn remove_dir(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    remove_file(path)?;
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    opened
        .and_then(|mut file| file.write_all(content.as_ref()))
        .map_err(Error::io("cannot write", path))
}

/// Removes a tree of directories as far as it holds nothing but directories.
pub fn remove_empty_dirs(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty_dirs(&entry.path());
        }
    }
    // The kernel refuses what is not empty, which is then another program's.
    let _ = std::fs::remove_dir(path);
}
