//! The destruction attestation as a third party handles it: exported, then verified by `kubectl sde` and by stock tools.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::paths;
use crate::node::Site;

/// An exported attestation, and the key that the Project's status showed from the start.
pub struct Exported {
    folder: PathBuf,
    cli: PathBuf,
}

/// What the two verifiers said; `None` for one that refused.
#[derive(Debug)]
pub struct Verdict {
    /// `kubectl sde verify`.
    pub ours: Option<String>,
    /// openssl, jq and sha256sum.
    pub stock: Option<String>,
}

impl Verdict {
    /// Whether both accepted.
    pub fn accepted(&self) -> bool {
        self.ours.is_some() && self.stock.is_some()
    }
}

impl Exported {
    /// Exports the attestation of a closed Project into `folder`, as the auditor.
    ///
    /// # Errors
    /// When there is none, or the folder cannot be written.
    pub fn of(site: &Site, project: &str, closed: &Value, folder: &Path) -> Result<Self> {
        let out = folder.to_string_lossy();
        site.sde("auditor", &["attestation", "export", project, "-o", &out])?;
        let exported = Self {
            folder: folder.to_path_buf(),
            cli: site.cli.clone(),
        };
        let pem = closed["status"]["attestationKey"]["publicKey"]
            .as_str()
            .unwrap_or_default();
        let key = exported.file("key-from-the-status.pem");
        std::fs::write(&key, pem).map_err(Error::io("cannot write", &key))?;
        Ok(exported)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Asks both verifiers, offline.
    ///
    /// # Errors
    /// When one cannot be run at all.
    pub fn verify(&self) -> Result<Verdict> {
        self.verify_evidence(&self.file("evidence.json"))
    }

    /// Asks both verifiers about the evidence with one byte changed.
    ///
    /// # Errors
    /// As [`Exported::verify`].
    pub fn verify_changed(&self) -> Result<Verdict> {
        let (evidence, changed) = (
            self.file("evidence.json"),
            self.file("changed-evidence.json"),
        );
        let mut bytes = std::fs::read(&evidence).map_err(Error::io("cannot read", &evidence))?;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        std::fs::write(&changed, bytes).map_err(Error::io("cannot write", &changed))?;
        self.verify_evidence(&changed)
    }

    fn verify_evidence(&self, evidence: &Path) -> Result<Verdict> {
        let (key, bundle) = (
            self.file("key-from-the-status.pem"),
            self.file("bundle.sigstore.json"),
        );
        let ours = Run::new(&self.cli)
            .args(["verify", "--key"])
            .arg(&key)
            .arg("--bundle")
            .arg(&bundle)
            .arg("--evidence")
            .arg(evidence);
        let stock = Run::new("bash")
            .arg(paths::repository().join("e2e/verify/verify.sh"))
            .arg(&key)
            .arg(&bundle)
            .arg(evidence);
        Ok(Verdict {
            ours: said(ours)?,
            stock: said(stock)?,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn said(run: Run) -> Result<Option<String>> {
    let (status, output) = run.finish()?;
    Ok(status.success().then_some(output.stdout))
}
