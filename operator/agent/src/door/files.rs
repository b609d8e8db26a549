//! Certificate and keys, as files that somebody else renews: looked at from time to time, and read again when they have changed.
//! What cannot be used is said, and what was in force stays so; but a portal's key that is gone is not believed any more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use sde_ticket::{Issuer, Ticket, TicketError, Verifier};
use tokio::sync::watch;

use crate::airlock::now;
use crate::serve::Tls;

/// Between two looks. Mounted Secrets and ConfigMaps follow within a minute or two anyway.
const INTERVAL: Duration = Duration::from_secs(2);

const ISSUERS: [Issuer; 2] = [Issuer::PortalRequest, Issuer::PortalDecide];

/// Where they are.
#[derive(Debug, Clone)]
pub struct Paths {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Directory of the portals' public keys.
    pub tickets: PathBuf,
}

/// The portals' keys that are in force.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    verifier: Option<Verifier>,
    known: Vec<Issuer>,
}

impl Keys {
    /// The ticket of a token, if it opens anything now.
    ///
    /// # Errors
    /// [`TicketError`].
    pub fn verify(&self, token: &str) -> Result<Ticket, TicketError> {
        match &self.verifier {
            Some(verifier) => verifier.verify(token, now()),
            None => Err(TicketError::UnknownIssuer(Issuer::PortalRequest)),
        }
    }

    /// Portals whose tickets cannot be checked.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = ISSUERS.to_vec();
        missing.retain(|issuer| !self.known.contains(issuer));
        missing.into_iter().map(Issuer::as_str).collect()
    }

    fn of(pems: [Option<String>; 2]) -> Self {
        let mut good = BTreeMap::new();
        for (issuer, pem) in ISSUERS.into_iter().zip(pems) {
            let Some(pem) = pem else { continue };
            match Verifier::new(BTreeMap::from([(issuer, pem.clone())])) {
                Ok(_) => {
                    good.insert(issuer, pem);
                }
                Err(error) => tracing::error!(%error, "not believed"),
            }
        }
        Self {
            known: good.keys().copied().collect(),
            verifier: Verifier::new(good).ok(),
        }
    }
}

/// What is in force, now and whenever it changes.
pub fn watch(paths: Paths) -> (Tls, watch::Receiver<Keys>) {
    let (tls, tls_in_force) = watch::channel(None);
    let (keys, keys_in_force) = watch::channel(Keys::default());
    let mut seen = Seen::default();
    seen.look(&paths, &tls, &keys);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            seen.look(&paths, &tls, &keys);
        }
    });
    (tls_in_force, keys_in_force)
}

/// What was read last.
#[derive(Default)]
struct Seen {
    pair: Option<(Vec<u8>, Vec<u8>)>,
    pems: Option<[Option<String>; 2]>,
    waiting: bool,
}

impl Seen {
    fn look(
        &mut self,
        paths: &Paths,
        tls: &watch::Sender<Option<Arc<ServerConfig>>>,
        keys: &watch::Sender<Keys>,
    ) {
        match fs::read(&paths.certificate).and_then(|c| Ok((c, fs::read(&paths.key)?))) {
            Ok(pair) if self.pair.as_ref() != Some(&pair) => {
                match configuration(&pair.0, &pair.1) {
                    Ok(config) => {
                        tracing::info!("certificate read");
                        let _ = tls.send(Some(Arc::new(config)));
                    }
                    Err(error) => tracing::error!(%error, "the certificate cannot be used"),
                }
                self.pair = Some(pair);
            }
            Ok(_) => {}
            Err(error) if !self.waiting => {
                self.waiting = true;
                tracing::warn!(%error, "waiting for the certificate and its key");
            }
            Err(_) => {}
        }
        let pems = ISSUERS.map(|issuer| read_key(&paths.tickets, issuer));
        if self.pems.as_ref() != Some(&pems) {
            let now = Keys::of(pems.clone());
            match now.missing().as_slice() {
                [] => tracing::info!("the portals' keys are read"),
                missing => tracing::warn!(?missing, "waiting for the portals' keys"),
            }
            let _ = keys.send(now);
            self.pems = Some(pems);
        }
    }
}

fn read_key(folder: &Path, issuer: Issuer) -> Option<String> {
    fs::read_to_string(folder.join(format!("{}.pem", issuer.as_str()))).ok()
}

fn configuration(certificate: &[u8], key: &[u8]) -> Result<ServerConfig, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| e.to_string())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|e| e.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| e.to_string())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
