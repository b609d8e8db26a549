//! The files of `bench airlock`: real tools' output from the 1000 Genomes excerpt, each format in each disguise, and honest
//! results, made by the Python scripts in `airlock/`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::packages::{self, Needed};
use crate::cluster::{paths, progress, python};
use crate::images::data;

/// What `cases.json` says.
#[derive(Debug, Deserialize)]
pub struct Cases {
    /// People behind the honest results.
    pub population: u64,
    /// One record a person, disguised.
    pub individual: Vec<Disguised>,
    /// Results that must pass.
    pub honest: Vec<Honest>,
}

/// A format in a disguise.
#[derive(Debug, Deserialize)]
pub struct Disguised {
    /// The format.
    pub format: String,
    /// The disguise.
    pub disguise: String,
    /// Rules of which one is right for the format.
    pub rules: Vec<String>,
    /// The file, or the pieces of it.
    pub files: Vec<PathBuf>,
}

/// Disguises that make another table of a table: there any rule that holds is the right one.
const RESHAPED: [&str; 5] = [
    "split in three",
    "columns shuffled",
    "columns shuffled, other delimiter",
    "without header",
    "transposed",
];

impl Disguised {
    /// Whether one of the rules that hold its pieces is a right one.
    pub fn right<'a>(&self, mut holding: impl Iterator<Item = &'a str>) -> bool {
        RESHAPED.contains(&self.disguise.as_str())
            || holding.any(|rule| self.rules.iter().any(|right| right == rule))
    }
}

/// An honest result.
#[derive(Debug, Deserialize)]
pub struct Honest {
    /// What it is.
    pub name: String,
    /// The file.
    pub file: PathBuf,
}

/// Makes every file in `folder`.
///
/// # Errors
/// When a tool is absent and cannot be installed, or fails.
pub fn make(folder: &Path) -> Result<Cases> {
    let tools = [
        "bcftools", "plink1.9", "plink2", "samtools", "bzip2", "zstd",
    ];
    let mut needed: Vec<Needed> = tools
        .iter()
        .map(|tool| packages::file(format!("/usr/bin/{tool}"), tool))
        .collect();
    needed.extend([
        packages::file("/usr/bin/bgzip", "tabix"),
        packages::file("/usr/bin/xz", "xz-utils"),
        packages::file("/usr/bin/7z", "p7zip-full"),
    ]);
    packages::ensure(&needed)?;
    let source = data::genomes()?.join(data::FILE);
    let python = python::environment("airlock", &scripts().join("requirements.txt"))?;
    let path = format!(
        "{}:{}",
        python.join("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    progress::step(
        "making files with bcftools, plink, samtools and Python",
        || {
            Run::new(python.join("bin/python"))
                .arg(scripts().join("make.py"))
                .arg(&source)
                .arg(folder)
                .env("PATH", &path)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .what("make.py")
                .output()
        },
    )?;
    let file = folder.join("cases.json");
    serde_json::from_str(&paths::read(&file)?).map_err(|e| Error::malformed(&file, e))
}

fn scripts() -> PathBuf {
    paths::e2e_dir().join("src/bench/airlock")
}
