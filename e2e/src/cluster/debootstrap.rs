//! Debian root file systems, made once by debootstrap and kept as tar files.
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::command::Run;
use super::error::{Error, Result};
use super::{lock::Lock, packages, paths, progress};

/// The Debian release of every root file system the harness makes.
const RELEASE: &str = "bookworm";

/// The root file system of a minimal Debian with these packages, as a cached tar file.
pub fn base(include: &[&str]) -> Result<PathBuf> {
    if !packages::is_root() || !packages::is_debian() {
        return Err(Error::host(
            "making a Debian root file system needs root on Debian",
            "Run the harness as root on Debian, or use --node-image stock where a registry answers.",
        ));
    }
    let list = include.join(",");
    let key = hex::encode(&Sha256::digest(format!("{RELEASE} {list}"))[..8]);
    let dir = paths::cache_dir("debootstrap")?;
    let tar = dir.join(format!("{key}.tar"));
    if tar.exists() {
        return Ok(tar);
    }
    let _lock = Lock::take(&format!("debootstrap-{key}"))?;
    if tar.exists() {
        return Ok(tar);
    }
    packages::ensure(&[packages::file("/usr/sbin/debootstrap", "debootstrap")])?;
    progress::step("making a Debian root file system (debootstrap)", || {
        let root = tempfile::tempdir_in(&dir).map_err(Error::io("cannot create in", &dir))?;
        Run::new("debootstrap")
            .args(["--variant=minbase", &format!("--include={list}"), RELEASE])
            .arg(root.path())
            .what("debootstrap")
            .output()?;
        for waste in [
            "var/cache/apt",
            "var/lib/apt/lists",
            "usr/share/doc",
            "usr/share/man",
            "usr/share/locale",
        ] {
            paths::remove_dir(&root.path().join(waste))?;
        }
        pack(root.path(), &tar)
    })?;
    Ok(tar)
}

/// Unpacks a root file system into an existing directory.
pub fn unpack(tar: &Path, root: &Path) -> Result<()> {
    let file = std::fs::File::open(tar).map_err(Error::io("cannot read", tar))?;
    Run::new("tar")
        .args([
            "--extract",
            "--preserve-permissions",
            "--numeric-owner",
            "--directory",
        ])
        .arg(root)
        .stdin(file)
        .what("unpacking a root file system")
        .output()
        .map(drop)
}

/// Packs a directory as a tar file: sorted, without dates, in one step.
pub fn pack(root: &Path, tar: &Path) -> Result<()> {
    let partial = tar.with_extension("partial");
    Run::new("tar")
        .args([
            "--create",
            "--sort=name",
            "--mtime=@0",
            "--numeric-owner",
            "--file",
        ])
        .arg(&partial)
        .arg("--directory")
        .arg(root)
        .arg(".")
        .what("packing a root file system")
        .output()?;
    std::fs::rename(&partial, tar).map_err(Error::io("cannot place", tar))
}

/// Runs a command inside the root file system.
pub fn chroot(root: &Path, args: &[&str]) -> Run {
    Run::new("chroot")
        .arg(root)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
}
