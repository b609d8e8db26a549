//! The malware scanner: ClamAV from Debian's packages, laid out as its own image is. Its signatures are made here, by its own tool, since
//! this network does not reach ClamAV's: they know the EICAR test file alone, and are some days old.
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::oci::{self, Name, OciArchive};
use crate::cluster::debootstrap::{self, chroot};
use crate::cluster::error::{Error, Result};
use crate::cluster::lock::Lock;
use crate::cluster::{paths, progress};

const REPOSITORY: &str = "localhost/sde-operator/clamav";
const PACKAGES: &[&str] = &["clamav"];
/// Signatures by MD5 and size: the EICAR test file.
const SIGNATURES: &str = "44d88612fea8a8f36de82e1278abb02f:68:Win.Test.EICAR_HDB-1\n";
/// How old its signatures are at least, in days, and how much older a kept image may be.
pub const AGE: [i64; 2] = [10, 7];
/// Raised when the recipe in this file changes what comes out.
const RECIPE: u32 = 1;
/// Bytes of the header of ClamAV's databases.
const HEADER: usize = 512;

/// Makes the image, or finds it in the cache. Needs root on Debian.
pub fn ensure() -> Result<OciArchive> {
    let today = jiff::Timestamp::now().as_second() / 86_400;
    let period = today / AGE[1];
    let key = hex::encode(&Sha256::digest(format!("{RECIPE} {PACKAGES:?} {period}"))[..8]);
    let dir = paths::cache_dir("images")?;
    let file = dir.join(format!("clamav-{key}.tar"));
    let _lock = Lock::take("image-clamav")?;
    if file.exists() {
        return oci::open(&file);
    }
    let base = debootstrap::base(PACKAGES)?;
    progress::step("making the malware scanner's image", || {
        let scratch = tempfile::tempdir_in(&dir).map_err(Error::io("cannot create in", &dir))?;
        let root = scratch.path().join("root");
        paths::create_dir(&root)?;
        debootstrap::unpack(&base, &root)?;
        signatures(&root, period * AGE[1] - AGE[0])?;
        let layer = scratch.path().join("layer.tar");
        debootstrap::pack(&root, &layer)?;
        let config = json!({"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]});
        oci::archive(&file, &Name::Digest(REPOSITORY.to_owned()), config, &layer)
    })
}

/// Makes the daily database of a day, counted from 1970, where `clamscan` looks for it.
fn signatures(root: &Path, day: i64) -> Result<()> {
    let place = "var/lib/clamav";
    paths::write(&root.join("tmp/daily.hdb"), SIGNATURES)?;
    paths::write(&root.join("tmp/COPYING"), "Signatures for tests.\n")?;
    let build = "cd /tmp && echo sde-e2e | sigtool --unsigned --build=daily.cud --cvd-version=1 --max-bad-sigs=0 --no-cdiff";
    chroot(root, &["sh", "-c", build])
        .env("SIGNDUSER", "sde-e2e")
        .what("making signatures (sigtool)")
        .output()?;
    let made = root.join("tmp/daily.cud");
    let mut database = std::fs::read(&made).map_err(Error::io("cannot read", &made))?;
    let header = String::from_utf8_lossy(&database[..HEADER.min(database.len())]).into_owned();
    let day = jiff::Timestamp::from_second(day * 86_400)
        .map_err(|e| Error::malformed(&made, e))?
        .strftime("%d %b %Y %H-%M +0000")
        .to_string();
    let mut fields: Vec<&str> = header.trim_end().split(':').collect();
    if let [magic, date, ..] = fields.as_mut_slice()
        && *magic == "ClamAV-VDB"
    {
        *date = &day;
    } else {
        return Err(Error::malformed(&made, "it has no header of ClamAV's"));
    }
    let header = format!("{:<HEADER$}", fields.join(":"));
    database.splice(..HEADER, header.into_bytes());
    let daily = root.join(place).join("daily.cud");
    std::fs::write(&daily, &database).map_err(Error::io("cannot write", &daily))?;
    for name in [
        "tmp/daily.hdb",
        "tmp/COPYING",
        "tmp/daily.cud",
        "tmp/daily.info",
    ] {
        paths::remove_file(&root.join(name))?;
    }
    Ok(())
}
