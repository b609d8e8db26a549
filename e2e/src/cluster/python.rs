//! Python environments with pinned packages, for tools that are only there: kept in the cache.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::command::Run;
use super::error::Result;
use super::lock::Lock;
use super::{paths, progress};

/// The folder of an environment with what a requirements file names; its programs are in `bin`. Made once for each content of that file.
///
/// # Errors
/// When Python is absent, or a package cannot be had.
pub fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let key = hex::encode(&Sha256::digest(paths::read(requirements)?)[..8]);
    let place = paths::cache_dir("python")?.join(format!("{name}-{key}"));
    let _lock = Lock::take(&format!("python-{name}"))?;
    let ready = place.join("ready");
    if ready.exists() {
        return Ok(place);
    }
    progress::step("making a Python environment", || {
        Run::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&place)
            .hint("Install Python with its venv module: apt-get install python3-venv")
            .output()?;
        Run::new(place.join("bin/pip"))
            .args(["install", "--quiet", "--no-compile", "--requirement"])
            .arg(requirements)
            .what("pip install")
            .output()
    })?;
    paths::write(&ready, "")?;
    Ok(place)
}
