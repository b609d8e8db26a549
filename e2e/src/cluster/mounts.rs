//! Mounts that a daemon leaves behind when it is killed.
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::command::Run;
use super::error::{Error, Result};

/// What `findmnt --json` prints.
#[derive(Deserialize)]
struct Table {
    filesystems: Vec<Mount>,
}

#[derive(Deserialize)]
struct Mount {
    target: PathBuf,
}

/// Unmounts all that is mounted on `dir` and below it, once nothing uses it: what the daemon started may still be ending.
pub fn release(dir: &Path) -> Result<()> {
    let table = Run::new("findmnt")
        .args(["--list", "--json", "--output", "TARGET"])
        .cleanup()
        .text()?;
    for target in at_or_below(&table, dir)? {
        Run::new("umount")
            .arg("--lazy")
            .arg(target)
            .cleanup()
            .output()?;
    }
    Ok(())
}

/// The last that was mounted comes first, so that none is busy for another.
fn at_or_below(table: &str, dir: &Path) -> Result<Vec<PathBuf>> {
    let table: Table =
        serde_json::from_str(table).map_err(|e| Error::malformed(Path::new("findmnt"), e))?;
    let targets = table.filesystems.into_iter().map(|mount| mount.target);
    Ok(targets
        .rev()
        .filter(|target| target.starts_with(dir))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"{"filesystems": [
        {"target": "/"}, {"target": "/run/ours"}, {"target": "/run/ours/a b"}, {"target": "/run/ours2/c"}
    ]}"#;

    #[test]
    fn what_is_below_comes_first_and_a_neighbour_never() {
        let found = at_or_below(TABLE, Path::new("/run/ours")).expect("a table");
        assert_eq!(found, [Path::new("/run/ours/a b"), Path::new("/run/ours")]);
    }
}
