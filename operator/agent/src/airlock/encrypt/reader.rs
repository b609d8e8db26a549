//! What the other environment does, for tests: Crypt4GH read as the standard says, age by its crate.

use std::io::Read;

use age::x25519::Identity;
use blake2::{Blake2b512, Digest};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use sde_crds::policy_lists::SdeKeys;
use x25519_dalek::{PublicKey, StaticSecret};

use super::*;

/// An environment with its secrets.
pub struct Environment {
    crypt4gh: StaticSecret,
    age: Identity,
}

impl Environment {
    pub fn new() -> Self {
        Self::of(rand::random())
    }

    pub fn of(crypt4gh: [u8; 32]) -> Self {
        Self {
            crypt4gh: StaticSecret::from(crypt4gh),
            age: Identity::generate(),
        }
    }

    pub fn keys(&self) -> SdeKeys {
        SdeKeys {
            crypt4gh: STANDARD.encode(PublicKey::from(&self.crypt4gh)),
            age: self.age.to_public().to_string(),
        }
    }

    /// What a file holds, when it is whole and for us.
    pub fn open(&self, form: Form, bytes: &[u8]) -> Option<Vec<u8>> {
        match form {
            Form::Crypt4gh => crypt4gh(&self.crypt4gh, bytes),
            Form::Age => {
                let decryptor = age::Decryptor::new(bytes).ok()?;
                let identity = std::iter::once(&self.age as &dyn age::Identity);
                let mut plain = Vec::new();
                let mut reader = decryptor.decrypt(identity).ok()?;
                reader.read_to_end(&mut plain).ok()?;
                Some(plain)
            }
        }
    }
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

fn open(key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(12)?;
    let cipher = ChaCha20Poly1305::new(Key::from_slice(key));
    cipher.decrypt(Nonce::from_slice(nonce), text).ok()
}

fn crypt4gh(secret: &StaticSecret, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(b"crypt4gh")?;
    if number(&mut rest)? != 1 {
        return None;
    }
    let mut key = None;
    for _ in 0..number(&mut rest)? {
        let length = number(&mut rest)? as usize;
        let (mut packet, after) = rest.split_at_checked(length.checked_sub(4)?)?;
        rest = after;
        if number(&mut packet)? != 0 {
            continue;
        }
        let (writer, sealed) = packet.split_first_chunk::<32>()?;
        let shared = secret.diffie_hellman(&PublicKey::from(*writer));
        let reader = PublicKey::from(secret);
        let parts = [*shared.as_bytes(), *reader.as_bytes(), *writer];
        let mixed = Blake2b512::digest(parts.concat());
        let Some(payload) = open(&mixed[..32], sealed) else {
            continue;
        };
        let mut payload = payload.as_slice();
        if (number(&mut payload)?, number(&mut payload)?) == (0, 0) {
            key = Some(payload.to_vec());
        }
    }
    let key = key?;
    let segments = rest.chunks(12 + 65536 + 16).map(|s| open(&key, s));
    Some(segments.collect::<Option<Vec<_>>>()?.concat())
}
