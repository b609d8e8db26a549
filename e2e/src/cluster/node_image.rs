//! The kind node image that is built where no registry answers: Debian, the tools of [`super::tools`], kind's own
//! files, and the images kubeadm asks for.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::command::Run;
use super::docker::Docker;
use super::error::{Error, Result};
use super::gomod::GoModule;
use super::host::Host;
use super::tools::{self, Tool};
use super::{debootstrap, lock::Lock, node_files, node_images, packages, paths, progress};

const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "dbus",
    "iptables",
    "iproute2",
    "ethtool",
    "kmod",
    "conntrack",
    "libseccomp2",
    "procps",
    "ca-certificates",
    "util-linux",
    "mount",
    "hostname",
    "containernetworking-plugins",
    "jq",
    "clang-16",
    "llvm-16",
    "bpftool",
    "ipset",
    "busybox-static",
];

/// Everything that goes into the node.
const TOOLS: &[Tool] = &[
    Tool::KubeApiserver,
    Tool::KubeControllerManager,
    Tool::KubeScheduler,
    Tool::Kubelet,
    Tool::Kubectl,
    Tool::Kubeadm,
    Tool::Etcd,
    Tool::Containerd,
    Tool::Ctr,
    Tool::Shim,
    Tool::Runc,
    Tool::CiliumAgent,
    Tool::CiliumCni,
    Tool::CiliumDbg,
    Tool::LocalPathProvisioner,
    Tool::Coredns,
];

/// Raised when the recipe in this file and its neighbours changes what comes out.
const RECIPE: u32 = 1;

/// Makes sure the built node image is in the Docker daemon and returns its name.
pub fn ensure(docker: &Docker) -> Result<String> {
    let reference = reference()?;
    if docker.has_image(&reference)? {
        return Ok(reference);
    }
    let _lock = Lock::take("node-image")?;
    if docker.has_image(&reference)? {
        return Ok(reference);
    }
    let tar = paths::cache_dir("node-image")?.join(format!("{}.tar", key()?));
    if !tar.exists() {
        tools::ensure(TOOLS)?;
        progress::step("making the node image", || build(&tar))?;
    }
    progress::step("importing the node image into Docker", || {
        docker
            .run()
            .args(["import", "--change", "ENV container=docker", "--change"])
            .arg(r#"ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]"#)
            .arg(&tar)
            .arg(&reference)
            .what("docker import")
            .output()
    })?;
    // Docker holds a copy now; a second one of nearly two gigabytes serves nobody.
    paths::remove_file(&tar)?;
    Ok(reference)
}

/// The name of the image that [`ensure`] makes from the repository as it is.
pub fn reference() -> Result<String> {
    let version = GoModule::Kubernetes.version()?;
    Ok(format!("sde-e2e/node:{version}-{}", key()?))
}

fn key() -> Result<String> {
    let host = Host::look();
    let mut hash = Sha256::new();
    hash.update(format!("{RECIPE} {host:?} {PACKAGES:?}"));
    for module in TOOLS.iter().map(|tool| tool.module()) {
        hash.update(module.key()?);
    }
    hash.update(GoModule::Kind.key()?);
    for file in node_files::list()? {
        hash.update(paths::read(&file)?);
        hash.update([0]);
    }
    Ok(hex::encode(&hash.finalize()[..8]))
}

fn build(tar: &Path) -> Result<()> {
    packages::ensure(&[
        packages::file("/usr/bin/gcc", "gcc"),
        packages::file(
            format!("/usr/lib/{}-linux-gnu/libc.a", std::env::consts::ARCH),
            "libc6-dev",
        ),
    ])?;
    let base = debootstrap::base(PACKAGES)?;
    let dir = paths::cache_dir("node-image")?;
    let scratch = tempfile::tempdir_in(&dir).map_err(Error::io("cannot create in", &dir))?;
    let root = scratch.path().join("root");
    paths::create_dir(&root)?;
    debootstrap::unpack(&base, &root)?;
    node_files::kind_files(&root)?;
    binaries(&root)?;
    node_files::own_files(&root)?;
    systemd(&root)?;
    containerd_config(&root, Host::look())?;
    cilium(&root)?;
    node_images::place(scratch.path(), &root)?;
    paths::write(&root.join("kind/version"), GoModule::Kubernetes.version()?)?;
    paths::remove_file(&root.join("etc/resolv.conf"))?;
    debootstrap::pack(&root, tar)
}

fn binaries(root: &Path) -> Result<()> {
    let paths = tools::ensure(TOOLS)?;
    let places: &[(&str, &[Tool])] = &[
        (
            "usr/local/bin",
            &[
                Tool::Containerd,
                Tool::Ctr,
                Tool::Shim,
                Tool::CiliumAgent,
                Tool::CiliumDbg,
            ],
        ),
        ("usr/local/sbin", &[Tool::Runc]),
        ("usr/bin", &[Tool::Kubeadm, Tool::Kubelet, Tool::Kubectl]),
        ("opt/cni/bin", &[Tool::CiliumCni]),
    ];
    for (dir, tools) in places {
        for tool in *tools {
            place(&paths[tool], &root.join(dir).join(tool.binary()))?;
        }
    }
    for plugin in ["host-local", "loopback", "ptp", "portmap"] {
        place(
            &root.join("usr/lib/cni").join(plugin),
            &root.join("opt/cni/bin").join(plugin),
        )?;
    }
    Ok(())
}

fn place(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        paths::create_dir(parent)?;
    }
    std::fs::copy(from, to).map_err(Error::io("cannot copy to", to))?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))
        .map_err(Error::io("cannot make executable", to))
}

/// What kind's own base image does to systemd, and our units.
fn systemd(root: &Path) -> Result<()> {
    for dir in [
        "lib/systemd/system/multi-user.target.wants",
        "lib/systemd/system/local-fs.target.wants",
        "lib/systemd/system/basic.target.wants",
        "etc/systemd/system/multi-user.target.wants",
        "etc/systemd/system/sysinit.target.wants",
        "etc/systemd/system/timers.target.wants",
    ] {
        paths::remove_dir(&root.join(dir))?;
    }
    let sockets = root.join("lib/systemd/system/sockets.target.wants");
    for entry in std::fs::read_dir(&sockets)
        .map_err(Error::io("cannot list", &sockets))?
        .flatten()
    {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.contains("udev") || name.contains("initctl") {
            paths::remove_file(&entry.path())?;
        }
    }
    paths::remove_file(
        &root.join("lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service"),
    )?;
    edit(&root.join("etc/systemd/journald.conf"), |text| {
        format!("{text}ReadKMsg=no\n")
    })?;
    let units = [
        "kubelet",
        "containerd",
        "undo-mount-hacks",
        "sde-images",
        "sde-cni",
    ];
    debootstrap::chroot(root, &["systemctl", "enable"])
        .args(units)
        .output()?;
    debootstrap::chroot(root, &["systemctl", "mask", "systemd-binfmt"]).output()?;
    Ok(())
}

fn containerd_config(root: &Path, host: Host) -> Result<()> {
    let spec = debootstrap::chroot(root, &["ctr", "oci", "spec"]).text()?;
    let file = root.join("etc/containerd/cri-base.json");
    let mut spec: Value = serde_json::from_str(&spec).map_err(|e| Error::malformed(&file, e))?;
    spec["hooks"]["createContainer"] = json!([{"path": "/kind/bin/mount-product-files.sh"}]);
    if let Some(process) = spec["process"].as_object_mut() {
        process.remove("rlimits");
    }
    paths::write(&file, spec.to_string())?;
    edit(&root.join("etc/containerd/config.toml"), |text| {
        let mut text = text.replace("pause:3.10\"", "pause:3.10.2\"");
        if !host.cgroup_v2 {
            text = text.replace("SystemdCgroup = true", "SystemdCgroup = false");
        }
        if !host.sys_resource {
            text = text.replace(
                "restrict_oom_score_adj = false",
                "restrict_oom_score_adj = true",
            );
        }
        text
    })?;
    if !host.sys_resource {
        let raises =
            |line: &&str| !line.starts_with("OOMScoreAdjust") && !line.starts_with("Limit");
        edit(
            &root.join("etc/systemd/system/containerd.service"),
            |text| {
                text.lines()
                    .filter(raises)
                    .fold(String::new(), |all, line| all + line + "\n")
            },
        )?;
    }
    Ok(())
}

/// Cilium's eBPF sources, compiled on the node, and its CRDs, which kind applies as "the CNI".
fn cilium(root: &Path) -> Result<()> {
    let source = GoModule::Cilium.source()?;
    let bpf = root.join("opt/cilium-bpf");
    Run::new("cp")
        .arg("-r")
        .arg(source.join("bpf"))
        .arg(&bpf)
        .output()?;
    Run::new("chmod").args(["-R", "u+w"]).arg(&bpf).output()?;
    let mut manifest = String::new();
    for version in ["v2", "v2alpha1"] {
        let dir = source
            .join("pkg/k8s/apis/cilium.io/client/crds")
            .join(version);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
            .map_err(Error::io("cannot list", &dir))?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        for file in files {
            manifest += "---\n";
            manifest += &paths::read(&file)?;
        }
    }
    paths::write(&root.join("kind/manifests/default-cni.yaml"), manifest)
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) -> Result<()> {
    paths::write(path, change(paths::read(path)?))
}
