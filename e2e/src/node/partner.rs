//! Another environment, as its own people run it: keys that they made, and opening what they were sent, with stock tools and none of our
//! code. Crypt4GH by GA4GH's own program, age by Debian's.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::{packages, paths, python};

/// An environment that receives data.
pub struct Partner {
    folder: PathBuf,
    crypt4gh: PathBuf,
}

impl Partner {
    /// Makes its keys in a folder of its own.
    ///
    /// # Errors
    /// When a tool cannot be had, or refuses.
    pub fn found(folder: &Path) -> Result<Self> {
        packages::ensure(&[packages::file("/usr/bin/age", "age")])?;
        let requirements = paths::e2e_dir().join("files/partner-requirements.txt");
        let programs = python::environment("partner", &requirements)?.join("bin");
        paths::create_dir(folder)?;
        let partner = Self {
            folder: folder.to_path_buf(),
            crypt4gh: programs.join("crypt4gh"),
        };
        Run::new(programs.join("crypt4gh-keygen"))
            .args(["-f", "--nocrypt", "--sk"])
            .arg(partner.file("crypt4gh.key"))
            .arg("--pk")
            .arg(partner.file("crypt4gh.pub"))
            .output()?;
        let identity = partner.file("age.key");
        paths::remove_file(&identity)?;
        Run::new("age-keygen").arg("-o").arg(&identity).output()?;
        Ok(partner)
    }

    /// Its public keys, as an SdePolicy holds them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn keys(&self) -> Result<Value> {
        let file = paths::read(&self.file("crypt4gh.pub"))?;
        let crypt4gh = file.lines().find(|line| !line.starts_with('-'));
        let age = Run::new("age-keygen")
            .arg("-y")
            .arg(self.file("age.key"))
            .text()?;
        Ok(json!({"crypt4gh": crypt4gh.unwrap_or_default().trim(), "age": age}))
    }

    /// What a file that it was sent holds; none when its keys do not open it.
    ///
    /// # Errors
    /// When a tool cannot be run, or the name says nothing of how it is encrypted.
    pub fn open(&self, name: &str, sent: &[u8]) -> Result<Option<Vec<u8>>> {
        let (sealed, plain) = (self.file("sent"), self.file("opened"));
        paths::write(&sealed, sent)?;
        paths::remove_file(&plain)?;
        let run = if name.ends_with(".c4gh") {
            let sent = File::open(&sealed).map_err(Error::io("cannot read", &sealed))?;
            // It writes to standard output, which need not be text.
            Run::new("sh")
                .args(["-c", r#""$0" decrypt --sk "$1" >"$2""#])
                .arg(&self.crypt4gh)
                .arg(self.file("crypt4gh.key"))
                .arg(&plain)
                .stdin(sent)
        } else if name.ends_with(".age") {
            Run::new("age")
                .args(["--decrypt", "--identity"])
                .arg(self.file("age.key"))
                .arg("--output")
                .arg(&plain)
                .arg(&sealed)
        } else {
            return Err(Error::malformed(
                Path::new(name),
                "not a name of Crypt4GH or age",
            ));
        };
        if !run.succeeds()? {
            return Ok(None);
        }
        let opened = std::fs::read(&plain).map_err(Error::io("cannot read", &plain))?;
        Ok(Some(opened))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
