//! The container images that a built node brings with it: what kubeadm asks for, and the storage provisioner.
use std::path::Path;

use serde_json::json;

use super::command::Run;
use super::error::{Error, Result};
use super::gomod::GoModule;
use super::paths;
use super::tools::{self, Tool};
use crate::images::oci::{self, Entry, Name};

/// The pod sandbox's image, as this kubeadm names it.
const PAUSE: &str = "registry.k8s.io/pause:3.10.2";
const HELPER: &str = "localhost/sde-e2e/storage-helper:1";

/// Writes the archives into `kind/images` of the node and the storage manifest that names two of them.
pub fn place(scratch: &Path, root: &Path) -> Result<()> {
    let images = root.join("kind/images");
    let version = GoModule::Kubernetes.version()?;
    for tool in [
        Tool::KubeApiserver,
        Tool::KubeControllerManager,
        Tool::KubeScheduler,
    ] {
        program(
            &images,
            tool,
            &format!("registry.k8s.io/{}:{version}", tool.binary()),
        )?;
    }
    let (etcd, coredns) = kubeadm_tags()?;
    program(&images, Tool::Etcd, &format!("registry.k8s.io/etcd:{etcd}"))?;
    program(
        &images,
        Tool::Coredns,
        &format!("registry.k8s.io/coredns/coredns:{coredns}"),
    )?;
    let provisioner = format!(
        "localhost/sde-e2e/local-path-provisioner:{}",
        GoModule::LocalPath.version()?
    );
    program(&images, Tool::LocalPathProvisioner, &provisioner)?;
    pause(scratch, &images)?;
    helper(root, &images)?;
    let manifest = paths::read(&paths::e2e_dir().join("node/default-storage.yaml"))?
        .replace("@PROVISIONER@", &provisioner)
        .replace("@HELPER@", HELPER);
    paths::write(&root.join("kind/manifests/default-storage.yaml"), manifest)
}

/// The tags that the pinned kubeadm asks for: etcd's and CoreDNS's.
fn kubeadm_tags() -> Result<(String, String)> {
    let text = Run::new(tools::path(Tool::Kubeadm)?)
        .args(["config", "images", "list", "--kubernetes-version"])
        .arg(GoModule::Kubernetes.version()?)
        .text()?;
    let tag = |name: &str| {
        text.lines()
            .find_map(|line| line.rsplit_once(&format!("/{name}:")))
            .map(|(_, tag)| tag.to_owned())
            .ok_or_else(|| {
                Error::host(
                    format!("kubeadm lists no {name} image"),
                    "Report this as a bug.",
                )
            })
    };
    Ok((tag("etcd")?, tag("coredns")?))
}

fn program(images: &Path, tool: Tool, reference: &str) -> Result<()> {
    let binary = tools::path(tool)?;
    let place = format!("usr/local/bin/{}", tool.binary());
    let config = json!({
        "Entrypoint": [format!("/{place}")],
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
    });
    let entries = [
        Entry::Dir("tmp".to_owned(), 0o1777),
        Entry::Program(place, binary),
    ];
    let archive = images.join(format!("{}.tar", tool.binary()));
    oci::small(&archive, &Name::Tag(reference.to_owned()), config, &entries).map(drop)
}

fn pause(scratch: &Path, images: &Path) -> Result<()> {
    let binary = scratch.join("pause");
    Run::new("gcc")
        .args(["-static", "-O2", "-Wall", "-o"])
        .arg(&binary)
        .arg(paths::e2e_dir().join("node/pause.c"))
        .what("compiling pause")
        .output()?;
    let entries = [Entry::Program("pause".to_owned(), binary)];
    let config = json!({"Entrypoint": ["/pause"]});
    oci::small(
        &images.join("pause.tar"),
        &Name::Tag(PAUSE.to_owned()),
        config,
        &entries,
    )
    .map(drop)
}

/// What creates and removes the directories of volumes: busybox and its names.
fn helper(root: &Path, images: &Path) -> Result<()> {
    let mut entries = vec![
        Entry::Dir("tmp".to_owned(), 0o1777),
        Entry::Program("bin/busybox".to_owned(), root.join("bin/busybox")),
    ];
    for name in ["sh", "mkdir", "rm", "ls", "cat", "sleep"] {
        entries.push(Entry::Link(
            format!("bin/{name}"),
            "/bin/busybox".to_owned(),
        ));
    }
    let config = json!({"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]});
    oci::small(
        &images.join("storage-helper.tar"),
        &Name::Tag(HELPER.to_owned()),
        config,
        &entries,
    )
    .map(drop)
}
