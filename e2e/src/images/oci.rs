//! OCI image archives made by hand: deterministic, and found by digest once imported.
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cluster::error::{Error, Result};
use crate::cluster::paths;

/// An image in an archive of the OCI layout (a tar file).
#[derive(Debug, Clone)]
pub struct OciArchive {
    /// The archive.
    pub path: PathBuf,
    /// How pods name it: `repository@sha256:<manifest digest>`, or a tag where the maker chose one.
    pub reference: String,
}

/// One entry of a small image's root file system.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A directory with its mode.
    Dir(String, u32),
    /// An executable file: path in the image, file on this host.
    Program(String, PathBuf),
    /// A symbolic link: path in the image, target.
    Link(String, String),
}

/// How the image's name is chosen.
#[derive(Debug, Clone)]
pub enum Name {
    /// `repository@sha256:<manifest digest>`
    Digest(String),
    /// A fixed reference with a tag.
    Tag(String),
}

/// Writes an archive with one layer, the uncompressed tar file `layer`.
///
/// `config` is the OCI image configuration's `config` object (Entrypoint, User, Env, ...).
pub fn archive(path: &Path, name: &Name, config: Value, layer: &Path) -> Result<OciArchive> {
    let (layer_digest, layer_size) = digest_file(layer)?;
    let config = bytes(&json!({
        "architecture": go_arch(),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        "history": [{"created_by": "sde-e2e"}],
    }));
    let manifest = bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": layer_size}],
    }));
    let reference = match name {
        Name::Digest(repository) => format!("{repository}@{}", digest(&manifest)),
        Name::Tag(reference) => reference.clone(),
    };
    // containerd takes the image's name from this annotation as it is, digest references included.
    let index = bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(&manifest),
            "size": manifest.len(),
            "platform": {"architecture": go_arch(), "os": "linux"},
            "annotations": {"io.containerd.image.name": reference},
        }],
    }));
    let partial = path.with_extension("partial");
    let file = File::create(&partial).map_err(Error::io("cannot create", &partial))?;
    let mut tar = tar::Builder::new(file);
    let mut add = |name: &str, content: &[u8]| {
        tar.append_data(&mut header(content.len() as u64, 0o644), name, content)
            .map_err(Error::io("cannot write", &partial))
    };
    add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    add("index.json", &index)?;
    add(&blob(&digest(&manifest)), &manifest)?;
    add(&blob(&digest(&config)), &config)?;
    let source = File::open(layer).map_err(Error::io("cannot read", layer))?;
    tar.append_data(&mut header(layer_size, 0o644), blob(&layer_digest), source)
        .and_then(|()| tar.into_inner())
        .and_then(|mut file| file.flush())
        .map_err(Error::io("cannot write", &partial))?;
    std::fs::rename(&partial, path).map_err(Error::io("cannot place", path))?;
    Ok(OciArchive {
        path: path.to_path_buf(),
        reference,
    })
}

/// Opens an archive written earlier and reads its name.
pub fn open(path: &Path) -> Result<OciArchive> {
    let file = File::open(path).map_err(Error::io("cannot read", path))?;
    let mut tar = tar::Archive::new(file);
    for entry in tar.entries().map_err(Error::io("cannot read", path))? {
        let mut entry = entry.map_err(Error::io("cannot read", path))?;
        if entry.path_bytes().as_ref() == b"index.json" {
            let mut text = String::new();
            entry
                .read_to_string(&mut text)
                .map_err(Error::io("cannot read", path))?;
            let index: Value =
                serde_json::from_str(&text).map_err(|e| Error::malformed(path, e))?;
            let name = &index["manifests"][0]["annotations"]["io.containerd.image.name"];
            return match name.as_str() {
                Some(reference) => Ok(OciArchive {
                    path: path.to_path_buf(),
                    reference: reference.to_owned(),
                }),
                None => Err(Error::malformed(path, "its index names no image")),
            };
        }
    }
    Err(Error::malformed(path, "it has no index.json"))
}

/// Writes a layer from entries, in their order, owned by root and dated 1970.
pub fn layer(path: &Path, entries: &[Entry]) -> Result<()> {
    let file = File::create(path).map_err(Error::io("cannot create", path))?;
    let mut tar = tar::Builder::new(file);
    for entry in entries {
        let written = match entry {
            Entry::Dir(name, mode) => {
                let mut header = header(0, *mode);
                header.set_entry_type(tar::EntryType::Directory);
                tar.append_data(&mut header, name, std::io::empty())
            }
            Entry::Program(name, source) => {
                let file = File::open(source).map_err(Error::io("cannot read", source))?;
                let size = file
                    .metadata()
                    .map_err(Error::io("cannot read", source))?
                    .len();
                tar.append_data(&mut header(size, 0o755), name, file)
            }
            Entry::Link(name, target) => {
                let mut header = header(0, 0o777);
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, name, target)
            }
        };
        written.map_err(Error::io("cannot write", path))?;
    }
    tar.into_inner()
        .and_then(|mut file| file.flush())
        .map_err(Error::io("cannot write", path))
}

/// A small image: entries in, archive out.
pub fn small(path: &Path, name: &Name, config: Value, entries: &[Entry]) -> Result<OciArchive> {
    let layer_file = path.with_extension("layer");
    layer(&layer_file, entries)?;
    let made = archive(path, name, config, &layer_file);
    paths::remove_file(&layer_file)?;
    made
}

/// The architecture as Go and OCI name it.
pub fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// `sha256:<hex>` and size of a file.
pub fn digest_file(path: &Path) -> Result<(String, u64)> {
    let mut file = File::open(path).map_err(Error::io("cannot read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(Error::io("cannot read", path))?;
        if read == 0 {
            return Ok((format!("sha256:{}", hex::encode(hash.finalize())), size));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
    }
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(dir: &Path, file: &str) -> OciArchive {
        let program = dir.join("program");
        std::fs::write(&program, b"\x7fELF").expect("the scratch directory is writable");
        let entries = [
            Entry::Dir("tmp".into(), 0o1777),
            Entry::Program("p".into(), program),
        ];
        let name = Name::Digest("localhost/x/y".into());
        small(
            &dir.join(file),
            &name,
            json!({"Entrypoint": ["/p"]}),
            &entries,
        )
        .expect("an archive")
    }

    #[test]
    fn the_same_input_gives_the_same_bytes_and_the_name_can_be_read_back() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let (one, two) = (make(dir.path(), "1.tar"), make(dir.path(), "2.tar"));
        assert_eq!(one.reference, two.reference);
        assert!(one.reference.starts_with("localhost/x/y@sha256:"));
        let read = |a: &OciArchive| std::fs::read(&a.path).expect("readable");
        assert_eq!(read(&one), read(&two));
        assert_eq!(
            open(&one.path).expect("an archive").reference,
            one.reference
        );
    }
}
