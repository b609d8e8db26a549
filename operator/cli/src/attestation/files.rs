//! The files of an exported attestation: all that a third party needs, for any tool.

use std::fs;
use std::io::Write;
use std::path::Path;

use sde_crds::DestructionRecord;
use sde_evidence::{Bundle, EVIDENCE_NAME};

use crate::error::CliError;

/// The evidence document.
pub const EVIDENCE: &str = EVIDENCE_NAME;
/// The Sigstore bundle.
pub const BUNDLE: &str = "bundle.sigstore.json";
/// The signed statement, decoded from the bundle.
pub const STATEMENT: &str = "statement.json";
/// The key named in the record.
pub const KEY: &str = "public.pem";

/// File names and bytes.
pub type Files = Vec<(&'static str, Vec<u8>)>;

/// The files of a record, byte for byte.
///
/// # Errors
/// [`CliError::Refused`] when the record's bundle cannot be decoded.
pub fn files(record: &DestructionRecord) -> Result<Files, CliError> {
    let spec = &record.spec;
    let bundle: Option<Bundle> = serde_json::from_str(&spec.bundle).ok();
    let statement = bundle.and_then(|b| b.dsse_envelope.payload_bytes()).ok_or_else(|| {
        CliError::Refused(format!(
            "the bundle in record {} is not a Sigstore bundle: it was damaged, keep it as it is (kubectl get dr -o yaml)",
            record.metadata.name.clone().unwrap_or_default()
        ))
    })?;
    Ok(vec![
        (EVIDENCE, spec.evidence.clone().into_bytes()),
        (BUNDLE, spec.bundle.clone().into_bytes()),
        (STATEMENT, statement),
        (KEY, spec.public_key.clone().into_bytes()),
    ])
}

/// Writes files into a folder. A file of another content is never overwritten: it may be evidence too.
///
/// # Errors
/// [`CliError::Refused`] for such a file, [`CliError::File`].
pub fn write(dir: &Path, files: &Files) -> Result<(), CliError> {
    fs::create_dir_all(dir).map_err(CliError::file(dir))?;
    for (name, bytes) in files {
        let path = dir.join(name);
        if fs::read(&path).is_ok_and(|there| &there != bytes) {
            return Err(CliError::Refused(format!(
                "{} exists with another content: choose another folder with -o",
                path.display()
            )));
        }
    }
    for (name, bytes) in files {
        let path = dir.join(name);
        let mut file = fs::File::create(&path).map_err(CliError::file(&path))?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(CliError::file(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::attested;

    #[test]
    fn what_is_exported_verifies_and_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a/b");
        let record = attested();
        let files = files(&record).unwrap();
        write(&out, &files).unwrap();
        write(&out, &files).unwrap();
        let read = |name: &str| fs::read(out.join(name)).unwrap();
        let key = String::from_utf8(read(KEY)).unwrap();
        let verified = sde_evidence::verify(&read(BUNDLE), &read(EVIDENCE), &key).unwrap();
        assert_eq!(verified.statement_json, read(STATEMENT));
        fs::write(out.join(EVIDENCE), b"other").unwrap();
        assert!(
            write(&out, &files)
                .unwrap_err()
                .to_string()
                .contains("another content")
        );
        assert_eq!(read(EVIDENCE), b"other");
    }

    #[test]
    fn a_damaged_bundle_is_said_so() {
        let mut record = attested();
        record.spec.bundle.push('x');
        assert!(files(&record).unwrap_err().to_string().contains("damaged"));
    }
}
