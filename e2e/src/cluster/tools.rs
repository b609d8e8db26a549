//! Tools built from pinned Go modules and cached by what they are built from.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::command::Run;
use super::error::{Error, Result};
use super::gomod::{GO_HINT, GoModule};
use super::lock::Lock;
use super::{packages, paths, progress};

/// A program of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// kube-apiserver
    KubeApiserver,
    /// kube-controller-manager
    KubeControllerManager,
    /// kube-scheduler
    KubeScheduler,
    /// kubelet
    Kubelet,
    /// kubectl
    Kubectl,
    /// kubeadm
    Kubeadm,
    /// etcd
    Etcd,
    /// containerd
    Containerd,
    /// containerd's command line client
    Ctr,
    /// containerd's shim
    Shim,
    /// runc
    Runc,
    /// The Cilium agent
    CiliumAgent,
    /// The Cilium CNI plugin
    CiliumCni,
    /// Cilium's inspection tool
    CiliumDbg,
    /// local-path-provisioner
    LocalPathProvisioner,
    /// CoreDNS
    Coredns,
    /// kind
    Kind,
    /// helm
    Helm,
}

impl Tool {
    /// The binary's file name.
    pub fn binary(self) -> &'static str {
        self.spec().0
    }

    /// The Go module it is built from.
    pub fn module(self) -> GoModule {
        self.spec().1
    }

    fn package(self) -> &'static str {
        self.spec().2
    }

    fn spec(self) -> (&'static str, GoModule, &'static str) {
        use GoModule as M;
        match self {
            Self::KubeApiserver => (
                "kube-apiserver",
                M::Kubernetes,
                "k8s.io/kubernetes/cmd/kube-apiserver",
            ),
            Self::KubeControllerManager => (
                "kube-controller-manager",
                M::Kubernetes,
                "k8s.io/kubernetes/cmd/kube-controller-manager",
            ),
            Self::KubeScheduler => (
                "kube-scheduler",
                M::Kubernetes,
                "k8s.io/kubernetes/cmd/kube-scheduler",
            ),
            Self::Kubelet => ("kubelet", M::Kubernetes, "k8s.io/kubernetes/cmd/kubelet"),
            Self::Kubectl => ("kubectl", M::Kubernetes, "k8s.io/kubernetes/cmd/kubectl"),
            Self::Kubeadm => ("kubeadm", M::Kubernetes, "k8s.io/kubernetes/cmd/kubeadm"),
            Self::Etcd => ("etcd", M::Etcd, "go.etcd.io/etcd/server/v3"),
            Self::Containerd => (
                "containerd",
                M::Containerd,
                "github.com/containerd/containerd/v2/cmd/containerd",
            ),
            Self::Ctr => (
                "ctr",
                M::Containerd,
                "github.com/containerd/containerd/v2/cmd/ctr",
            ),
            Self::Shim => (
                "containerd-shim-runc-v2",
                M::Containerd,
                "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            ),
            Self::Runc => ("runc", M::Runc, "github.com/opencontainers/runc"),
            Self::CiliumAgent => ("cilium-agent", M::Cilium, "github.com/cilium/cilium/daemon"),
            Self::CiliumCni => (
                "cilium-cni",
                M::Cilium,
                "github.com/cilium/cilium/plugins/cilium-cni",
            ),
            Self::CiliumDbg => (
                "cilium-dbg",
                M::Cilium,
                "github.com/cilium/cilium/cilium-dbg",
            ),
            Self::LocalPathProvisioner => (
                "local-path-provisioner",
                M::LocalPath,
                "github.com/rancher/local-path-provisioner",
            ),
            Self::Coredns => ("coredns", M::Coredns, "github.com/coredns/coredns"),
            Self::Kind => ("kind", M::Kind, "sigs.k8s.io/kind"),
            Self::Helm => ("helm", M::Helm, "helm.sh/helm/v3/cmd/helm"),
        }
    }
}

/// Makes sure the tools are in the cache, building what is absent, and says where they are.
///
/// A first build of everything takes about a quarter of an hour on two cores. Blocking; errors when Go is
/// absent, or the Go module proxy cannot be reached.
pub fn ensure(tools: &[Tool]) -> Result<BTreeMap<Tool, PathBuf>> {
    let wanted: BTreeSet<Tool> = tools.iter().copied().collect();
    let modules: BTreeSet<GoModule> = wanted.iter().map(|tool| tool.module()).collect();
    let mut found = BTreeMap::new();
    for module in modules {
        let of_module = wanted.iter().copied().filter(|t| t.module() == module);
        found.extend(ensure_module(module, of_module.collect())?);
    }
    Ok(found)
}

/// One tool's path, built when absent.
pub fn path(tool: Tool) -> Result<PathBuf> {
    ensure(&[tool])?;
    Ok(module_cache(tool.module())?.join(tool.binary()))
}

fn module_cache(module: GoModule) -> Result<PathBuf> {
    let name = format!("{}-{}-{}", module.name(), module.version()?, module.key()?);
    Ok(paths::cache()?.join("tools").join(name))
}

fn ensure_module(module: GoModule, tools: Vec<Tool>) -> Result<BTreeMap<Tool, PathBuf>> {
    let dir = module_cache(module)?;
    let at = |tool: Tool| dir.join(tool.binary());
    if !tools.iter().all(|tool| at(*tool).is_file()) {
        let _lock = Lock::take(&format!("tools-{}", module.name()))?;
        let absent: Vec<Tool> = tools
            .iter()
            .copied()
            .filter(|t| !at(*t).is_file())
            .collect();
        if !absent.is_empty() {
            let names: Vec<_> = absent.iter().map(|tool| tool.binary()).collect();
            let what = format!(
                "building {} {} ({})",
                module.upstream(),
                module.version()?,
                names.join(", ")
            );
            progress::step(&what, || build(module, &absent, &dir))?;
        }
    }
    Ok(tools.into_iter().map(|tool| (tool, at(tool))).collect())
}

fn build(module: GoModule, tools: &[Tool], dir: &Path) -> Result<()> {
    if module == GoModule::Runc {
        packages::ensure(&[
            packages::file("/usr/bin/gcc", "gcc"),
            packages::file("/usr/bin/pkg-config", "pkg-config"),
            packages::file("/usr/include/seccomp.h", "libseccomp-dev"),
        ])?;
    }
    paths::create_dir(dir)?;
    // Several packages in one command share the compiler's work; `-o` with a directory names each by its folder.
    let scratch = tempfile::tempdir_in(dir).map_err(Error::io("cannot create in", dir))?;
    let mut outputs = Vec::new();
    let (folder_named, renamed): (Vec<Tool>, Vec<Tool>) = tools
        .iter()
        .copied()
        .partition(|tool| tool.package().rsplit('/').next() == Some(tool.binary()));
    if !folder_named.is_empty() {
        let mut target = scratch.path().as_os_str().to_owned();
        target.push("/");
        outputs.push((target, folder_named));
    }
    for tool in renamed {
        outputs.push((scratch.path().join(tool.binary()).into(), vec![tool]));
    }
    for (target, tools) in outputs {
        Run::new("go")
            .arg("build")
            .args(module.build_flags()?)
            .arg("-o")
            .arg(&target)
            .args(tools.iter().map(|tool| tool.package()))
            .dir(&module.dir())
            .env("CGO_ENABLED", module.cgo())
            .env("GOWORK", "off")
            .hint(GO_HINT)
            .what(format!("building {}", module.upstream()))
            .output()?;
    }
    for tool in tools {
        let built = scratch.path().join(tool.binary());
        let place = dir.join(tool.binary());
        std::fs::rename(&built, &place).map_err(Error::io("cannot place", &place))?;
    }
    Ok(())
}
