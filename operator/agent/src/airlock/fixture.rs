//! A folder and a chamber on disk, for tests.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use sde_core::airlock::JobKind;
use sde_core::airlock::report::Sealed;
use sde_core::airlock::task::{Declaration, TASK_VERSION, Task, Thresholds};
use sde_core::airlock::transfer::TransferTask;
use sde_crds::airlock_request::Direction;
use tempfile::TempDir;

use super::chamber::Chamber;
use super::encrypt::reader::Environment;
use super::error::JobError;
use super::seal::seal;

pub const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";

/// Counts over the threshold, rounded to 5.
pub const COUNTS: &[u8] = b"group,cases,controls\na,120,135\nb,140,155\n";

/// Genotypes of two people.
pub const VCF: &[u8] = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG00096\tHG00097\n1\t100\trs1\tA\tG\t.\tPASS\t.\tGT\t0/1\t1/1\n";

pub struct Site(TempDir);

impl Site {
    pub fn new() -> Self {
        let site = Self(tempfile::tempdir().expect("tempdir"));
        for folder in [site.source(), site.root()] {
            fs::create_dir(folder).expect("directory");
        }
        site
    }

    /// With two files in the folder, one in a folder below.
    pub fn filled() -> Self {
        let site = Self::new();
        site.put("table.csv", COUNTS);
        site.put("figures/plot.txt", b"A plot.\n");
        site
    }

    pub fn source(&self) -> PathBuf {
        self.0.path().join("source")
    }

    pub fn root(&self) -> PathBuf {
        self.0.path().join("chamber")
    }

    pub fn outside(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    pub fn chamber(&self) -> Chamber {
        self.chamber_of(Direction::Export)
    }

    pub fn chamber_of(&self, direction: Direction) -> Chamber {
        Chamber::at(&self.root(), direction)
    }

    pub fn put(&self, relative: &str, bytes: &[u8]) -> PathBuf {
        put(&self.source(), relative, bytes)
    }

    pub fn content(&self, name: &str) -> PathBuf {
        self.root().join("content").join(name)
    }

    pub fn manifest(&self) -> PathBuf {
        self.root().join("sealed/manifest.json")
    }
}

pub fn put(root: &Path, relative: &str, bytes: &[u8]) -> PathBuf {
    let path = root.join(relative);
    fs::create_dir_all(path.parent().expect("parent")).expect("directories");
    fs::write(&path, bytes).expect("file");
    path
}

pub fn task(kind: JobKind) -> Task {
    Task {
        version: TASK_VERSION,
        kind,
        salt: UID.to_owned(),
        direction: Direction::Export,
        max_bytes: 64 << 20,
        max_files: 50,
        policy_digest: format!("v1:sha256:{}", "c".repeat(64)),
        thresholds: Thresholds { minimum_count: 10 },
        declaration: Declaration::default(),
        door: None,
        viewing: None,
        transfer: None,
        fingerprints: None,
        malware: None,
    }
}

/// Seal of a transfer to an environment.
pub fn transfer_to(environment: &Environment, manifest: Option<String>) -> Task {
    Task {
        direction: Direction::TransferToSde,
        transfer: Some(TransferTask {
            manifest,
            keys: environment.keys(),
        }),
        ..task(JobKind::Seal)
    }
}

/// An Import of two files, while a third was arriving.
pub fn import() -> (Site, Task) {
    let site = Site::new();
    put(&site.root(), "upload/panel/a.csv", COUNTS);
    put(&site.root(), "upload/b.txt", b"B.\n");
    put(&site.root(), "upload/.sde-incoming/0", b"half of a fi");
    let task = Task {
        direction: Direction::Import,
        ..task(JobKind::Seal)
    };
    (site, task)
}

/// Seals, and tells nobody how far it is.
pub fn seal_quietly(site: &Site, task: &Task) -> Result<Sealed, JobError> {
    let chamber = site.chamber_of(task.direction);
    seal(task, &site.source(), &chamber, &mut |_| {})
}

/// Seals, and dies at the n-th step; whether it came to that.
pub fn dies(site: &Site, task: &Task, nth: usize) -> bool {
    let mut steps = 0;
    let mut hook = |_| {
        steps += 1;
        assert!(steps <= nth, "killed on purpose");
    };
    let (source, chamber) = (site.source(), site.chamber_of(task.direction));
    catch_unwind(AssertUnwindSafe(|| {
        let _ = seal(task, &source, &chamber, &mut hook);
    }))
    .is_err()
}
