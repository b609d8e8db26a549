//! The Go modules of the tools: what each go.mod pins, and the cache key that follows from it.
//! The go.mod files are the one place where the tools' versions are written.
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::command::Run;
use super::error::{Error, Result};
use super::paths;

/// How a missing Go is explained.
pub const GO_HINT: &str = "Install Go 1.26 or newer from https://go.dev/dl and put it on PATH.";

/// A folder of `e2e/tools`: one Go module that pins one upstream project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GoModule {
    /// k8s.io/kubernetes
    Kubernetes,
    /// go.etcd.io/etcd/server/v3
    Etcd,
    /// github.com/containerd/containerd/v2
    Containerd,
    /// github.com/opencontainers/runc; Debian's is too old for pods' user namespaces
    Runc,
    /// github.com/cilium/cilium
    Cilium,
    /// github.com/rancher/local-path-provisioner
    LocalPath,
    /// github.com/coredns/coredns
    Coredns,
    /// sigs.k8s.io/kind
    Kind,
    /// helm.sh/helm/v3
    Helm,
}

impl GoModule {
    /// The folder's name in `e2e/tools`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Etcd => "etcd",
            Self::Containerd => "containerd",
            Self::Runc => "runc",
            Self::Cilium => "cilium",
            Self::LocalPath => "local-path",
            Self::Coredns => "coredns",
            Self::Kind => "kind",
            Self::Helm => "helm",
        }
    }

    /// The pinned module's path.
    pub fn upstream(self) -> &'static str {
        match self {
            Self::Kubernetes => "k8s.io/kubernetes",
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::Containerd => "github.com/containerd/containerd/v2",
            Self::Runc => "github.com/opencontainers/runc",
            Self::Cilium => "github.com/cilium/cilium",
            Self::LocalPath => "github.com/rancher/local-path-provisioner",
            Self::Coredns => "github.com/coredns/coredns",
            Self::Kind => "sigs.k8s.io/kind",
            Self::Helm => "helm.sh/helm/v3",
        }
    }

    /// The module's folder.
    pub fn dir(self) -> PathBuf {
        paths::e2e_dir().join("tools").join(self.name())
    }

    /// The pinned version, with its `v`, read from go.mod.
    pub fn version(self) -> Result<String> {
        let path = self.dir().join("go.mod");
        required(&paths::read(&path)?, self.upstream())
            .ok_or_else(|| Error::malformed(&path, format!("it requires no {}", self.upstream())))
    }

    /// Flags of `go build` that differ between modules.
    pub fn build_flags(self) -> Result<Vec<String>> {
        let version = self.version()?;
        let stamp = match self {
            Self::Kubernetes => {
                let minor = version.split('.').nth(1).unwrap_or_default();
                format!(
                    " -X k8s.io/component-base/version.gitVersion={version} \
                     -X k8s.io/component-base/version.gitMajor=1 \
                     -X k8s.io/component-base/version.gitMinor={minor}"
                )
            }
            Self::Containerd => {
                format!(" -X github.com/containerd/containerd/v2/version.Version={version}")
            }
            _ => String::new(),
        };
        let mut flags = vec!["-trimpath".to_owned()];
        if self == Self::Runc {
            flags.extend(["-tags".to_owned(), "seccomp".to_owned()]);
        }
        flags.extend(["-ldflags".to_owned(), format!("-s -w{stamp}")]);
        Ok(flags)
    }

    /// `1` for the one module that needs C (runc's seccomp filter), else `0`.
    pub fn cgo(self) -> &'static str {
        if self == Self::Runc { "1" } else { "0" }
    }

    /// The cache key: everything the binaries follow from.
    pub fn key(self) -> Result<String> {
        let mut hash = Sha256::new();
        for file in ["go.mod", "go.sum"] {
            hash.update(paths::read(&self.dir().join(file))?);
            hash.update([0]);
        }
        hash.update(self.build_flags()?.join("\0"));
        hash.update(self.cgo());
        hash.update(std::env::consts::ARCH);
        Ok(hex::encode(&hash.finalize()[..8]))
    }

    /// Where Go keeps the pinned module's source; downloaded when absent.
    pub fn source(self) -> Result<PathBuf> {
        let text = Run::new("go")
            .args(["mod", "download", "-json", self.upstream()])
            .dir(&self.dir())
            .hint(GO_HINT)
            .what(format!("fetching the source of {}", self.upstream()))
            .text()?;
        let json: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| Error::malformed(&self.dir(), e))?;
        json["Dir"]
            .as_str()
            .map(PathBuf::from)
            .ok_or_else(|| Error::malformed(&self.dir(), "go mod download names no Dir"))
    }
}

fn required(gomod: &str, module: &str) -> Option<String> {
    let mut in_block = false;
    for line in gomod.lines() {
        let mut words = line.split_whitespace();
        let mut first = words.next();
        match (first, in_block) {
            (Some("require"), _) => {
                first = words.next();
                if first == Some("(") {
                    in_block = true;
                    continue;
                }
            }
            (Some(")"), _) => in_block = false,
            (_, false) => continue,
            _ => {}
        }
        if first == Some(module) {
            return words.next().map(str::to_owned);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOMOD: &str = "module x\n\ngo 1.26.0\n\ntool a.b/c\n\nrequire a.b/c v1.2.3\n\nrequire (\n\td.e/f v0.1.0 // indirect\n)\n\nreplace (\n\tg.h/i => g.h/i v9.9.9\n)\n";

    #[test]
    fn versions_come_from_require_alone() {
        assert_eq!(required(GOMOD, "a.b/c").as_deref(), Some("v1.2.3"));
        assert_eq!(required(GOMOD, "d.e/f").as_deref(), Some("v0.1.0"));
        assert_eq!(required(GOMOD, "g.h/i"), None);
    }
}
