//! A certificate authority for one run and the one certificate that everything serves with.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::controlplane::error::Result;
use crate::controlplane::process::run_to_end;

/// Host names that are on the certificate. Browsers find every name under `localhost` on loopback.
pub const HOSTS: [&str; 4] = [
    "localhost",
    "request.localhost",
    "decide.localhost",
    "door.localhost",
];

/// Files of the keys.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate of the authority.
    pub authority: PathBuf,
    /// Certificate for [`HOSTS`] and 127.0.0.1.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Tls {
    /// Those that were made in a folder.
    pub fn of(folder: &Path) -> Self {
        Self {
            authority: folder.join("portal-ca.pem"),
            certificate: folder.join("portal-tls.pem"),
            key: folder.join("portal-tls.key"),
        }
    }

    /// Makes fresh keys with openssl.
    ///
    /// # Errors
    /// When openssl is missing or fails.
    pub fn make(folder: &Path) -> Result<Self> {
        let tls = Self::of(folder);
        let authority_key = folder.join("portal-ca.key");
        run_to_end(
            request("/CN=sde-e2e authority")
                .args(["-addext", "basicConstraints=critical,CA:TRUE"])
                .args(["-addext", "keyUsage=critical,keyCertSign"])
                .arg("-keyout")
                .arg(&authority_key)
                .arg("-out")
                .arg(&tls.authority),
        )?;
        let names = HOSTS.map(|host| format!("DNS:{host}")).join(",");
        run_to_end(
            request("/CN=sde-e2e portals")
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .args(["-addext", "extendedKeyUsage=serverAuth"])
                .args([
                    "-addext",
                    &format!("subjectAltName={names},IP:127.0.0.1"),
                    "-CA",
                ])
                .arg(&tls.authority)
                .arg("-CAkey")
                .arg(&authority_key)
                .arg("-keyout")
                .arg(&tls.key)
                .arg("-out")
                .arg(&tls.certificate),
        )?;
        Ok(tls)
    }
}

fn request(subject: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", subject]);
    command
}
