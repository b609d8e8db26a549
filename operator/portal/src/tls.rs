//! The portal's certificate, and TLS 1.3 with it; both files are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// TLS cannot be served.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds no PEM of the right kind.
    #[error("{}: {cause}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// Certificate and key do not go together.
    #[error("certificate and key cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Where certificate and key are, and what was in them.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    bytes: (Vec<u8>, Vec<u8>),
}

impl Files {
    /// Reads both.
    ///
    /// # Errors
    /// [`TlsError::File`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::File {
                path: path.to_owned(),
                source,
            })
        };
        Ok(Self {
            bytes: (read(certificate)?, read(key)?),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// TLS 1.3 alone, with ring.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let pem = |path: &Path, cause: &dyn std::fmt::Display| TlsError::Pem {
            path: path.to_owned(),
            cause: cause.to_string(),
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.bytes.0)
            .collect::<Result<_, _>>()
            .map_err(|e| pem(&self.certificate, &e))?;
        if chain.is_empty() {
            return Err(pem(&self.certificate, &"it holds no certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.bytes.1).map_err(|e| pem(&self.key, &e))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Takes up new files as long as it runs. What cannot be used is said, and the old certificate stays.
    pub async fn follow(mut self, serving: RustlsConfig) {
        loop {
            tokio::time::sleep(LOOK).await;
            let now = match Self::read(&self.certificate, &self.key) {
                Ok(now) if now.bytes == self.bytes => continue,
                Ok(now) => now,
                Err(error) => {
                    tracing::warn!("the certificate cannot be read again: {error}");
                    continue;
                }
            };
            match now.config() {
                Ok(config) => {
                    serving.reload_from_config(config);
                    tracing::info!("a new certificate is served");
                    self = now;
                }
                Err(error) => tracing::warn!("the new certificate cannot be used: {error}"),
            }
        }
    }
}
