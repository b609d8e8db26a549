//! Images made without a registry and without docker build.
pub mod clamav;
pub mod data;
pub mod jupyterlab;
pub mod oci;
pub mod ours;

use std::path::Path;

use serde_json::json;

use crate::cluster::error::Result;
use crate::cluster::lock::Lock;
use crate::cluster::paths;
use oci::{Entry, Name, OciArchive};

pub use data::data_image;
pub use ours::build_ours;

/// An image that holds one static binary and nothing else.
///
/// `repository` is the name without tag or digest, `entrypoint` the binary's path in the image, `user` the numeric
/// `uid:gid`. The result's reference is `repository@sha256:...`; the same binary gives the same digest.
pub fn binary_image(
    repository: &str,
    binary: &Path,
    entrypoint: &str,
    user: &str,
) -> Result<OciArchive> {
    let entries = [Entry::Program(
        entrypoint.trim_start_matches('/').to_owned(),
        binary.to_path_buf(),
    )];
    let file = paths::cache_dir("images")?.join(format!("{}.tar", file_name(repository)));
    let _lock = Lock::take(&format!("image-{}", file_name(repository)))?;
    let config = json!({"Entrypoint": [entrypoint], "User": user, "WorkingDir": "/"});
    oci::small(
        &file,
        &Name::Digest(repository.to_owned()),
        config,
        &entries,
    )
}

/// A repository name as a file name.
fn file_name(repository: &str) -> String {
    repository.replace(['/', ':'], "_")
}
