//! Writes what is generated from the policies: their static form, their list, and the copy in the chart, which must be self-contained.

use std::fs;

use sde_policies::{file, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (folder, files) in generate::all(file::folder())? {
        fs::create_dir_all(&folder)?;
        for old in file::yaml_files(&folder)? {
            let name = old.file_name().unwrap_or_default().to_string_lossy();
            if !files.contains_key(name.as_ref()) {
                println!("removed {}", old.display());
                fs::remove_file(&old)?;
            }
        }
        for (name, text) in files {
            let path = folder.join(name);
            println!("{}", path.display());
            fs::write(path, text)?;
        }
    }
    let path = file::folder().join(generate::EMBEDDED);
    println!("{}", path.display());
    fs::write(&path, generate::embedded(file::folder())?)?;
    Ok(())
}
