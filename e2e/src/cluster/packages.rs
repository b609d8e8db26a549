//! Debian packages the harness needs: installed only when absent and only as root on Debian, else asked for.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::command::Run;
use super::error::{Error, Result};
use super::lock::Lock;
use super::{paths, progress};

/// A file whose absence shows that a package is missing.
#[derive(Debug, Clone)]
pub struct Needed {
    file: PathBuf,
    package: &'static str,
}

/// The package that brings the file.
pub fn file(file: impl Into<PathBuf>, package: &'static str) -> Needed {
    Needed {
        file: file.into(),
        package,
    }
}

/// True for the root user, who alone may install packages and make root file systems.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// True on Debian and what derives from it.
pub fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
}

/// Makes sure the files are there, installing their packages when they are not.
pub fn ensure(needed: &[Needed]) -> Result<()> {
    let absent = |needed: &&Needed| !needed.file.exists();
    let mut packages: Vec<_> = needed.iter().filter(absent).map(|n| n.package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_root() || !is_debian() {
        return Err(Error::host(
            format!("this host lacks: {list}"),
            format!(
                "Install it as root, on Debian: apt-get install --no-install-recommends {list}"
            ),
        ));
    }
    let _lock = Lock::take("apt")?;
    progress::step(&format!("installing Debian packages: {list}"), || {
        install(&packages)
    })?;
    match needed.iter().find(absent) {
        None => Ok(()),
        Some(still) => Err(Error::host(
            format!(
                "{} is absent though {} was installed",
                still.file.display(),
                still.package
            ),
            "Look at the package's file list with `dpkg -L`.",
        )),
    }
}

fn install(packages: &[&str]) -> Result<()> {
    // Packages such as docker.io would start a system daemon; a policy of 101 forbids that for this run.
    let policy = PolicyRcD::forbid()?;
    let apt = |args: &[&str]| {
        Run::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .what(format!("apt-get {}", args[0]))
            .output()
    };
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    args.extend(packages);
    let first = apt(&args);
    let result = match first {
        Err(Error::Command { .. }) => apt(&["update"]).and_then(|_| apt(&args)),
        other => other,
    };
    policy.lift()?;
    result.map(drop)
}

/// `/usr/sbin/policy-rc.d` for as long as packages are installed; a host's own is left alone.
struct PolicyRcD {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl PolicyRcD {
    fn forbid() -> Result<Self> {
        let path = Path::new(POLICY);
        let ours = !path.exists();
        if ours {
            paths::write(path, "#!/bin/sh\nexit 101\n")?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
                .map_err(Error::io("cannot make executable", path))?;
        }
        Ok(Self { ours })
    }

    fn lift(self) -> Result<()> {
        if self.ours {
            paths::remove_file(Path::new(POLICY))?;
        }
        Ok(())
    }
}
