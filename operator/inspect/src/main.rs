//! Writes the page of rules into the documentation.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/airlock-rules.md");
    println!("{}", path.display());
    fs::write(path, sde_inspect::page())
}
