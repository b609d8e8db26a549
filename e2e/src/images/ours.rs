//! The operator's own images, from static binaries built here.
use std::path::PathBuf;

use super::binary_image;
use super::oci::OciArchive;
use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::{paths, progress};

/// The user in our images.
const USER: &str = "65532:65532";

/// The images of the controller, the agent and the portal, and the binaries they hold.
#[derive(Debug, Clone)]
pub struct Ours {
    /// localhost/sde-operator/controller
    pub controller: OciArchive,
    /// localhost/sde-operator/agent
    pub agent: OciArchive,
    /// localhost/sde-operator/portal
    pub portal: OciArchive,
    /// The controller's binary on this host.
    pub controller_binary: PathBuf,
    /// The agent's binary on this host.
    pub agent_binary: PathBuf,
    /// The portal's binary on this host.
    pub portal_binary: PathBuf,
}

/// Builds sde-controller, sde-agent and sde-portal as static binaries and puts each into an image of its own.
pub fn build_ours() -> Result<Ours> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    // A target directory of its own: other flags in the shared one would rebuild every dependency each time.
    let target_dir = paths::repository().join("target/static");
    progress::step("building sde-controller, sde-agent and sde-portal", || {
        Run::cargo()
            .args(["build", "--release", "--locked", "--target", &target])
            .args([
                "--package",
                "sde-controller",
                "--package",
                "sde-agent",
                "--package",
                "sde-portal",
                "--target-dir",
            ])
            .arg(&target_dir)
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .what("building the static binaries")
            .hint("Install Rust from https://rustup.rs.")
            .output()
    })?;
    let binary = |name: &str| -> Result<PathBuf> {
        let path = target_dir.join(&target).join("release").join(name);
        if path.is_file() {
            Ok(path)
        } else {
            Err(Error::malformed(&path, "cargo has not made it"))
        }
    };
    let (controller_binary, agent_binary) = (binary("sde-controller")?, binary("sde-agent")?);
    let portal_binary = binary("sde-portal")?;
    let image = |name: &str, path: &PathBuf| {
        binary_image(
            &format!("localhost/sde-operator/{name}"),
            path,
            &format!("/sde-{name}"),
            USER,
        )
    };
    Ok(Ours {
        controller: image("controller", &controller_binary)?,
        agent: image("agent", &agent_binary)?,
        portal: image("portal", &portal_binary)?,
        controller_binary,
        agent_binary,
        portal_binary,
    })
}
