//! The environment image: JupyterLab with genomics tools, from Debian packages and pinned Python packages.
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::oci::{self, Name, OciArchive};
use crate::cluster::debootstrap::{self, chroot};
use crate::cluster::error::{Error, Result};
use crate::cluster::lock::Lock;
use crate::cluster::{command::Run, paths, progress};

/// The image's repository.
pub const REPOSITORY: &str = "localhost/sde-operator/environment-jupyterlab-genomics";

const PACKAGES: &[&str] = &["python3", "python3-venv", "bcftools", "ca-certificates"];

/// Where the Python environment lies in the image.
const VENV: &str = "/opt/jupyter";

/// Debian's bundle of certificate authorities.
const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Raised when the recipe in this file changes what comes out.
const RECIPE: u32 = 1;

/// Makes the image, or finds it in the cache. Needs root on Debian and a Python package index.
pub fn ensure() -> Result<OciArchive> {
    let requirements = paths::e2e_dir().join("images/jupyterlab-genomics/requirements.txt");
    let pinned = paths::read(&requirements)?;
    let key = hex::encode(&Sha256::digest(format!("{RECIPE} {PACKAGES:?} {pinned}"))[..8]);
    let dir = paths::cache_dir("images")?;
    let file = dir.join(format!("jupyterlab-genomics-{key}.tar"));
    if file.exists() {
        return oci::open(&file);
    }
    let _lock = Lock::take("image-jupyterlab-genomics")?;
    if file.exists() {
        return oci::open(&file);
    }
    let base = debootstrap::base(PACKAGES)?;
    progress::step("making the JupyterLab environment image", || {
        let scratch = tempfile::tempdir_in(&dir).map_err(Error::io("cannot create in", &dir))?;
        let root = scratch.path().join("root");
        paths::create_dir(&root)?;
        debootstrap::unpack(&base, &root)?;
        install(&root, &pinned)?;
        strip(&root)?;
        let layer = scratch.path().join("layer.tar");
        debootstrap::pack(&root, &layer)?;
        oci::archive(
            &file,
            &Name::Digest(REPOSITORY.to_owned()),
            config(),
            &layer,
        )
    })
}

fn config() -> serde_json::Value {
    json!({
        "User": "1000:1000",
        "WorkingDir": "/home/researcher",
        "Env": [
            format!("PATH={VENV}/bin:/usr/local/bin:/usr/bin:/bin"),
            "HOME=/home/researcher",
            "LC_ALL=C.UTF-8",
        ],
    })
}

fn install(root: &Path, pinned: &str) -> Result<()> {
    chroot(
        root,
        &[
            "useradd",
            "--create-home",
            "--uid",
            "1000",
            "--shell",
            "/bin/bash",
            "researcher",
        ],
    )
    .output()?;
    // The host's own way to the package index, for the time of the installation.
    let borrowed = [
        ("/etc/resolv.conf", "etc/resolv.conf"),
        (CA_BUNDLE, "tmp/ca.crt"),
        ("/etc/pip.conf", "tmp/pip.conf"),
    ];
    for (from, to) in borrowed {
        if Path::new(from).exists() {
            let to = root.join(to);
            std::fs::copy(from, &to).map_err(Error::io("cannot copy to", &to))?;
        }
    }
    paths::write(&root.join("tmp/requirements.txt"), pinned)?;
    chroot(root, &["python3", "-m", "venv", VENV])
        .what("making the Python environment")
        .output()?;
    let pip = format!("{VENV}/bin/pip");
    let bundle = if root.join("tmp/ca.crt").exists() {
        "/tmp/ca.crt"
    } else {
        CA_BUNDLE
    };
    chroot(
        root,
        &[
            &pip,
            "install",
            "--no-cache-dir",
            "--no-compile",
            "--requirement",
            "/tmp/requirements.txt",
        ],
    )
    .envs(
        [
            "PIP_CERT",
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
        ]
        .map(|n| (n.into(), bundle.into())),
    )
    .env("PIP_CONFIG_FILE", "/tmp/pip.conf")
    .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    .what("installing JupyterLab (pip)")
    .output()?;
    for name in [
        "etc/resolv.conf",
        "tmp/ca.crt",
        "tmp/pip.conf",
        "tmp/requirements.txt",
    ] {
        paths::remove_file(&root.join(name))?;
    }
    Ok(())
}

/// Removes what no session needs, and what differs from build to build.
fn strip(root: &Path) -> Result<()> {
    for name in [
        "var/cache",
        "var/log",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/info",
        "boot",
        "root/.cache",
    ] {
        let path = root.join(name);
        paths::remove_dir(&path)?;
    }
    Run::new("find")
        .arg(root)
        .args([
            "-xdev",
            "(",
            "-name",
            "__pycache__",
            "-o",
            "-path",
            "*/site-packages/*/tests",
            "-o",
            "-name",
            "*.js.map",
        ])
        .args([")", "-prune", "-exec", "rm", "-rf", "{}", "+"])
        .what("removing what no session needs")
        .output()?;
    // pip is how packages would be added; without a network it only misleads.
    let site = root.join(VENV.trim_start_matches('/')).join("lib");
    Run::new("find")
        .arg(&site)
        .args([
            "-maxdepth",
            "3",
            "-type",
            "d",
            "(",
            "-name",
            "pip",
            "-o",
            "-name",
            "pip-*",
            ")",
        ])
        .args(["-exec", "rm", "-rf", "{}", "+"])
        .output()?;
    paths::create_dir(&root.join("var/log"))?;
    paths::create_dir(&root.join("var/cache"))
}
