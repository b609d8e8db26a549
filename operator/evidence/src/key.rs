//! The attestation key: ECDSA on P-256 with SHA-256 and deterministic nonces (RFC 6979); PEM in and out.

use std::fmt;

use p256::{
    ecdsa::{
        self,
        signature::{Signer, Verifier},
    },
    elliptic_curve::zeroize::Zeroize,
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding},
};
use thiserror::Error;

use crate::digest::sha256;

/// A random 32-byte string is a valid key with a chance above 1 - 2^-32; this many misses mean a broken source.
const ATTEMPTS: usize = 8;

/// Why a key was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The random bytes given were not a P-256 scalar, eight times over.
    #[error("the random source gave no valid P-256 key in {ATTEMPTS} attempts")]
    BadRandomness,
    /// Not an unencrypted PKCS#8 PEM of a P-256 private key.
    #[error("not a P-256 private key in PKCS#8 PEM: {0}")]
    PrivatePem(String),
    /// Not an SPKI PEM of a P-256 public key.
    #[error("not a P-256 public key in SPKI PEM: {0}")]
    PublicPem(String),
    /// The key could not be written.
    #[error("the key cannot be encoded: {0}")]
    Encode(String),
}

/// The private key that signs attestations. Never printed; wiped on drop by `p256`.
#[derive(Clone)]
pub struct SigningKey(ecdsa::SigningKey);

impl SigningKey {
    /// Makes a key from a source of randomness, which is asked for another 32 bytes when they are no valid scalar.
    pub fn generate(mut fill: impl FnMut(&mut [u8; 32])) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        for _ in 0..ATTEMPTS {
            fill(&mut bytes);
            let key = ecdsa::SigningKey::from_slice(&bytes);
            bytes.zeroize();
            if let Ok(key) = key {
                return Ok(Self(key));
            }
        }
        Err(KeyError::BadRandomness)
    }

    /// Reads an unencrypted PKCS#8 PEM.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        ecdsa::SigningKey::from_pkcs8_pem(pem)
            .map(Self)
            .map_err(|e| KeyError::PrivatePem(e.to_string()))
    }

    /// The unencrypted PKCS#8 PEM: a secret.
    pub fn to_pkcs8_pem(&self) -> Result<String, KeyError> {
        let pem = self
            .0
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|e| KeyError::Encode(e.to_string()))?;
        Ok(pem.as_str().to_owned())
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    /// ASN.1 DER signature over SHA-256 of `message`; the same message always gives the same bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: ecdsa::Signature = self.0.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// The public key that third parties pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(ecdsa::VerifyingKey);

impl VerifyingKey {
    /// Reads an SPKI PEM (`-----BEGIN PUBLIC KEY-----`).
    pub fn from_spki_pem(pem: &str) -> Result<Self, KeyError> {
        ecdsa::VerifyingKey::from_public_key_pem(pem)
            .map(Self)
            .map_err(|e| KeyError::PublicPem(e.to_string()))
    }

    /// The SPKI PEM.
    pub fn to_spki_pem(&self) -> Result<String, KeyError> {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .map_err(|e| KeyError::Encode(e.to_string()))
    }

    /// Hex SHA-256 of the SPKI DER: the bundle's key hint, and what `openssl pkey -pubin -outform DER | sha256sum` prints.
    pub fn key_id(&self) -> Result<String, KeyError> {
        let der = self
            .0
            .to_public_key_der()
            .map_err(|e| KeyError::Encode(e.to_string()))?;
        Ok(sha256(der.as_bytes()).hex())
    }

    /// True when `signature` (ASN.1 DER) is this key's over SHA-256 of `message`.
    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }
}
