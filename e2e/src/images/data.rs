//! Real research data for tests: an excerpt of the 1000 Genomes Project (VCF, public) from a Debian package.
use std::path::{Path, PathBuf};

use serde_json::json;

use super::oci::{self, Name, OciArchive};
use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::lock::Lock;
use crate::cluster::{Cluster, debootstrap, paths, progress};

const PACKAGE: &str = "python-pyvcf-examples";
/// The excerpt: 381 variants of chromosome 2 with the genotypes of 629 people.
pub const FILE: &str = "1kg.vcf.gz";

/// The excerpt as files of this host, fetched once; the package is unpacked, not installed. Needs apt.
pub fn genomes() -> Result<PathBuf> {
    let dir = paths::cache_dir("data")?;
    let place = dir.join("1kg");
    let _lock = Lock::take("data-1kg")?;
    if place.exists() {
        return Ok(place);
    }
    progress::step(&format!("fetching {PACKAGE}"), || {
        let scratch = tempfile::tempdir_in(&dir).map_err(Error::io("cannot create in", &dir))?;
        Run::new("apt-get")
            .args(["download", PACKAGE])
            .dir(scratch.path())
            .hint("The 1000 Genomes excerpt comes from a Debian package; run on Debian.")
            .output()?;
        let tree = scratch.path().join("tree");
        for entry in files(scratch.path())? {
            if entry
                .extension()
                .is_some_and(|extension| extension == "deb")
            {
                Run::new("dpkg-deb")
                    .arg("-x")
                    .arg(&entry)
                    .arg(&tree)
                    .output()?;
            }
        }
        let chosen = scratch.path().join("chosen");
        paths::create_dir(&chosen)?;
        let found = Run::new("find").arg(&tree).args(["-name", FILE]).text()?;
        let Some(source) = found.lines().next() else {
            return Err(Error::malformed(
                &tree,
                format!("{PACKAGE} holds no {FILE}"),
            ));
        };
        let to = chosen.join(FILE);
        std::fs::copy(source, &to).map_err(Error::io("cannot copy to", &to))?;
        std::fs::rename(&chosen, &place).map_err(Error::io("cannot place", &place))
    })?;
    Ok(place)
}

/// An image that holds the files of a directory at its root, for image volumes.
/// Its repository is `localhost/sde-operator/data-<directory name>`.
pub fn data_image(dir: &Path) -> Result<OciArchive> {
    let name = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let cache = paths::cache_dir("images")?;
    let _lock = Lock::take(&format!("image-data-{name}"))?;
    let layer = cache.join(format!("data-{name}.layer"));
    debootstrap::pack(dir, &layer)?;
    let repository = Name::Digest(format!("localhost/sde-operator/data-{name}"));
    let made = oci::archive(
        &cache.join(format!("data-{name}.tar")),
        &repository,
        json!({}),
        &layer,
    );
    paths::remove_file(&layer)?;
    made
}

/// Puts the files of a directory on every node at `path`, for volumes of type hostPath or local.
pub fn put_on_nodes(cluster: &Cluster, dir: &Path, path: &str) -> Result<()> {
    for node in cluster.nodes()? {
        if cluster.exec_on_node(&node, &["ls", path]).is_err() {
            cluster.copy_to_node(&node, dir, path)?;
        }
    }
    Ok(())
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(Error::io("cannot list", dir))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}
