//! `bench airlock`: how much of what must not leave the inspection finds, how much of what may leave it holds, and how fast.
//!
//! A file that passes, an honest one that is held, and a format that only another rule than its own holds are errors, unless
//! the documentation lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::airlock_known::{Known, known};
use super::airlock_make::{Cases, Disguised, make};
use super::airlock_table as table;
use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result as HarnessResult};
use crate::cluster::{paths, progress};
use crate::suites::error::{Result, check};

/// Bytes of each file whose reading is timed.
const TIMED: u64 = 64 << 20;

/// What the inspection said of one file.
#[derive(Debug, Deserialize)]
pub struct Said {
    path: PathBuf,
    /// Whether people must justify it, or it ends there, for its content.
    pub held: bool,
    /// Whether they must for its name, which counts for honest results only: a name is chosen.
    named: bool,
    /// Rules with what they do.
    pub rules: Vec<(String, String)>,
    what: Vec<String>,
}

impl Said {
    /// Rules that hold or block.
    pub fn holding(&self) -> impl Iterator<Item = &(String, String)> {
        let holds = |does: &str| does.starts_with("Hold") || does == "Block";
        self.rules.iter().filter(move |(_, does)| holds(does))
    }
}

/// What it said at the end.
#[derive(Debug, Deserialize)]
struct Together {
    request: Vec<String>,
    #[serde(rename = "peakKib")]
    peak_kib: u64,
}

/// Runs it all and prints the tables.
///
/// # Errors
/// When a tool fails, or something passes or is held that should not.
pub fn run() -> Result<()> {
    let tool = build()?;
    let scratch = tempfile::tempdir().map_err(Error::io("cannot create in", Path::new("/tmp")))?;
    let cases = make(scratch.path())?;
    let files = cases.individual.iter().flat_map(|c| c.files.clone());
    let (people, together) = inspect(&tool, scratch.path(), files.collect(), 0)?;
    let files = cases.honest.iter().map(|c| c.file.clone()).collect();
    let (honest, request) = inspect(&tool, scratch.path(), files, cases.population)?;
    table::print(&cases, &people);
    let found = wrong(&cases, &people, &honest);
    let count = |happens: &str| found.iter().filter(|k| k.happens == happens).count();
    let (all, results) = (cases.individual.len(), cases.honest.len());
    let share = |n: usize, of: usize| 100.0 * n as f64 / of as f64;
    let caught = all - count("passes");
    let right = caught - count("another rule");
    let held = count("held");
    println!(
        "individual-level files blocked or held  {caught} of {all} ({:.1} %)",
        share(caught, all)
    );
    println!(
        "  by a rule for what they are           {right} of {all} ({:.1} %)",
        share(right, all)
    );
    println!(
        "honest results held                     {held} of {results} ({:.1} %)",
        share(held, results)
    );
    println!(
        "as one request                          {}",
        if request.request.is_empty() {
            "nothing held".to_owned()
        } else {
            request.request.join(" ")
        }
    );
    println!(
        "memory at its highest                   {} MiB",
        together.peak_kib.max(request.peak_kib) / 1024
    );
    for case in cases
        .honest
        .iter()
        .filter_map(|c| honest.get(&c.file))
        .filter(|s| s.held || s.named)
    {
        println!("held: {} {:?}", case.path.display(), case.what);
    }
    speed(&tool, &cases, scratch.path())?;
    check(
        request.request.is_empty(),
        "the honest results are held as one request",
    )?;
    let listed = known()?;
    let new: Vec<&Known> = found.difference(&listed).collect();
    let gone: Vec<&Known> = listed.difference(&found).collect();
    check(
        new.is_empty() && gone.is_empty(),
        format_args!(
            "not as docs/src/airlock-inspect.md lists it: new {new:#?}, no longer so {gone:#?}"
        ),
    )
}

/// The library with the optimisation of a release.
fn build() -> HarnessResult<PathBuf> {
    progress::step("building inspect", || {
        Run::cargo()
            .args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "sde-inspect",
                "--example",
                "inspect",
            ])
            .output()
    })?;
    Ok(paths::target().join("release/examples/inspect"))
}

/// Asks it of files, in order.
fn inspect(
    tool: &Path,
    scratch: &Path,
    files: Vec<PathBuf>,
    people: u64,
) -> HarnessResult<(BTreeMap<PathBuf, Said>, Together)> {
    let list = scratch.join("list");
    let lines: String = files.iter().map(|f| format!("{}\n", f.display())).collect();
    paths::write(&list, lines)?;
    let input = File::open(&list).map_err(Error::io("cannot open", &list))?;
    let output = progress::step("inspecting", || {
        Run::new(tool).arg(people.to_string()).stdin(input).text()
    })?;
    let (said, together) = output.rsplit_once('\n').unwrap_or_default();
    let malformed = |e: serde_json::Error| Error::malformed(tool, e);
    let mut all = BTreeMap::new();
    for line in said.lines() {
        let said: Said = serde_json::from_str(line).map_err(malformed)?;
        all.insert(said.path.clone(), said);
    }
    Ok((all, serde_json::from_str(together).map_err(malformed)?))
}

/// Everything that is not as it should be.
fn wrong(
    cases: &Cases,
    people: &BTreeMap<PathBuf, Said>,
    honest: &BTreeMap<PathBuf, Said>,
) -> BTreeSet<Known> {
    let disguised = cases.individual.iter().filter_map(|case| {
        Some(Known {
            what: case.format.clone(),
            disguise: case.disguise.clone(),
            happens: happens(case, people)?.to_owned(),
        })
    });
    let held = cases
        .honest
        .iter()
        .filter(|c| honest.get(&c.file).is_none_or(|s| s.held || s.named));
    let held = held.map(|case| Known {
        what: case.name.clone(),
        disguise: "as it is".to_owned(),
        happens: "held".to_owned(),
    });
    disguised.chain(held).collect()
}

/// What is wrong with what was said of a case: every piece must be held, and one of them by the right rule.
fn happens(case: &Disguised, people: &BTreeMap<PathBuf, Said>) -> Option<&'static str> {
    let said: Vec<&Said> = case.files.iter().filter_map(|f| people.get(f)).collect();
    if said.len() != case.files.len() || !said.iter().all(|s| s.held) {
        return Some("passes");
    }
    let holding = said.iter().flat_map(|s| s.holding());
    let right = case.right(holding.map(|(rule, _)| rule.as_str()));
    (!right).then_some("another rule")
}

/// CPU time of the inspection and of sha256sum, on the same files.
fn speed(tool: &Path, cases: &Cases, scratch: &Path) -> HarnessResult<()> {
    println!(
        "\nMB/s of one core{:>30}{:>12}{:>8}",
        "inspect", "sha256sum", "ratio"
    );
    let gwas = cases
        .honest
        .iter()
        .find(|c| c.name.starts_with("GWAS, quantitative"));
    let table = |name: &str| {
        let named = |c: &&Disguised| c.format == name && c.disguise == "as it is";
        cases
            .individual
            .iter()
            .find(named)
            .and_then(|c| c.files.first())
    };
    let timed = [
        ("GWAS summary statistics", gwas.map(|c| &c.file)),
        ("VCF", table("VCF")),
        ("FASTQ", table("FASTQ")),
        ("genotypes as CSV", table("genotypes as CSV")),
        ("HDF5", table("HDF5")),
    ];
    for (name, file) in timed {
        let Some(file) = file else { continue };
        let long = scratch.join("timed");
        repeat(file, &long)?;
        let ours = cpu(&format!(
            "echo '{}' | '{}' 0",
            long.display(),
            tool.display()
        ))?;
        let theirs = cpu(&format!("sha256sum '{}'", long.display()))?;
        let rate = |seconds: f64| TIMED as f64 / 1e6 / seconds.max(0.001);
        println!(
            "{name:<36}{:>10.0}{:>12.0}{:>8.2}",
            rate(ours),
            rate(theirs),
            theirs / ours.max(0.001)
        );
    }
    Ok(())
}

/// The same content again and again, up to the size that is timed; a header is one line among many.
fn repeat(file: &Path, to: &Path) -> HarnessResult<()> {
    let mut content = Vec::new();
    let read = File::open(file).and_then(|mut f| f.read_to_end(&mut content));
    read.map_err(Error::io("cannot read", file))?;
    let mut left = usize::try_from(TIMED).unwrap_or(usize::MAX);
    let mut out = File::create(to).map_err(Error::io("cannot create", to))?;
    while left > 0 && !content.is_empty() {
        let part = content.get(..left.min(content.len())).unwrap_or_default();
        out.write_all(part).map_err(Error::io("cannot write", to))?;
        left -= part.len();
    }
    Ok(())
}

/// CPU seconds, user and system, of a command.
fn cpu(command: &str) -> HarnessResult<f64> {
    let timed = format!("TIMEFORMAT='%U %S'; time ({command}) >/dev/null");
    let output = Run::new("bash").args(["-c", &timed]).output()?;
    let seconds = output
        .stderr
        .split_whitespace()
        .filter_map(|n| n.parse::<f64>().ok());
    Ok(seconds.sum())
}
