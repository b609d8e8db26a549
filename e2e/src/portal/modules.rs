//! Node, the packages of `e2e/portal/package-lock.json` and Chromium: installed once, kept in the cache.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::lock::Lock;
use crate::cluster::{packages, paths, progress};

/// What must be there to run the scripts of `e2e/portal`, and where.
#[derive(Debug, Clone)]
pub struct Modules {
    /// The folder `node_modules`.
    folder: PathBuf,
}

/// The oldest Node that the packages run on.
const NODE: u32 = 20;
const LOCK_FILE: &str = "package-lock.json";

impl Modules {
    /// Installs what is absent. Blocking.
    ///
    /// # Errors
    /// When Node is absent or too old, Chromium cannot be installed, or the registry does not give what the lock file names.
    pub fn ensure() -> Result<Self> {
        node()?;
        packages::ensure(&[
            packages::file("/usr/bin/chromium", "chromium"),
            packages::file(
                "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                "fonts-dejavu-core",
            ),
        ])?;
        let key = hex::encode(&Sha256::digest(paths::read(&source(LOCK_FILE))?)[..8]);
        let place = paths::cache_dir("npm")?.join(format!("portal-{key}"));
        let folder = place.join("node_modules");
        let _lock = Lock::take("npm-portal")?;
        let ready = place.join("ready");
        if ready.exists() {
            return Ok(Self { folder });
        }
        progress::step("installing the packages of e2e/portal", || {
            paths::remove_dir(&place)?;
            paths::create_dir(&place)?;
            for name in ["package.json", LOCK_FILE] {
                paths::write(&place.join(name), paths::read(&source(name))?)?;
            }
            Run::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .dir(&place)
                .what("npm ci")
                .hint("npm takes its registry from ~/.npmrc or NPM_CONFIG_REGISTRY.")
                .output()
        })?;
        paths::write(&ready, "")?;
        Ok(Self { folder })
    }

    /// Puts a script of `e2e/portal` where it finds its packages, into a folder that goes with the run, and returns its path.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn script(&self, name: &str, folder: &Path) -> Result<PathBuf> {
        paths::create_dir(folder)?;
        let link = folder.join("node_modules");
        if !link.exists() {
            std::os::unix::fs::symlink(&self.folder, &link)
                .map_err(Error::io("cannot make", &link))?;
        }
        let path = folder.join(name);
        paths::write(&path, paths::read(&source(name))?)?;
        Ok(path)
    }
}

/// A file of `e2e/portal`.
pub fn source(name: &str) -> PathBuf {
    paths::e2e_dir().join("portal").join(name)
}

fn node() -> Result<()> {
    let hint = format!("Install Node {NODE} or later with npm, from https://nodejs.org.");
    let version = Run::new("node").arg("--version").hint(&hint).text()?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE) {
        return Ok(());
    }
    Err(Error::host(
        format!("Node is {}, which is too old", version.trim()),
        hint,
    ))
}
