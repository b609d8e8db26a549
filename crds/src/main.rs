//! Writes the generated CRDs to `crds/yaml/` and into the chart, which must be self-contained; and the page of requirements.

use std::path::Path;
use std::{fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let chart = root.join("charts/sde-operator/files");
    for (name, yaml) in sde_crds::generate::all()? {
        write(&root.join("crds/yaml").join(&name), &yaml)?;
        write(&chart.join("crds").join(&name), &yaml)?;
    }
    let rows = fs::read_to_string(root.join("docs/requirements.yaml"))?;
    let page = sde_crds::requirements::page(&sde_crds::requirements::read(&rows)?);
    write(&root.join("docs/src/reference/requirements.md"), &page)?;
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    println!("{}", path.display());
    fs::write(path, text)
}
