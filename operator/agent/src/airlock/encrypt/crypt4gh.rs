//! Crypt4GH 1.0, the writer's half (GA4GH file encryption standard, <https://samtools.github.io/hts-specs/crypt4gh.pdf>): one
//! recipient, one data key, no edit list. Integers are little-endian.

use std::io::{self, Write};

use blake2::{Blake2b512, Digest};
use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use rand::TryRngCore;
use rand::rngs::OsRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// Bytes of plain text in a segment (section 3.4.1 of the standard).
pub const SEGMENT: usize = 64 * 1024;
const NONCE: usize = 12;
const MAC: usize = 16;

const MAGIC: &[u8; 8] = b"crypt4gh";
const VERSION: u32 = 1;
/// Of header packets: X25519_chacha20_ietf_poly1305.
const METHOD: u32 = 0;
/// Type of a header packet: data_encryption_parameters.
const DATA_KEY: u32 = 0;
/// Of segments: chacha20_ietf_poly1305.
const SEGMENTS: u32 = 0;

/// Encrypts segment by segment.
pub struct Writer<W> {
    output: W,
    cipher: ChaCha20Poly1305,
    segment: Zeroizing<Vec<u8>>,
}

impl<W: Write> Writer<W> {
    /// Writes the header: a fresh data key, for `reader` alone.
    ///
    /// # Errors
    /// When `output` fails, the system has no randomness, or nobody in particular could read it.
    pub fn to(reader: &PublicKey, mut output: W) -> io::Result<Self> {
        let data = random::<32>()?;
        output.write_all(&header(reader, &data)?)?;
        Ok(Self {
            output,
            cipher: ChaCha20Poly1305::new(Key::from_slice(data.as_slice())),
            segment: Zeroizing::new(Vec::with_capacity(SEGMENT)),
        })
    }

    /// Writes the last segment, if something is in it.
    ///
    /// # Errors
    /// When `output` fails, or the system has no randomness.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_segment()?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn end_segment(&mut self) -> io::Result<()> {
        if !self.segment.is_empty() {
            self.output
                .write_all(&sealed(&self.cipher, &self.segment)?)?;
            self.segment.clear();
        }
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A segment is ended when something comes after it, so that a failed end is not taken for a failed write of new bytes.
        if self.segment.len() == SEGMENT {
            self.end_segment()?;
        }
        let taken = bytes.len().min(SEGMENT - self.segment.len());
        self.segment
            .extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    /// Nothing: a segment is whole or not there.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Magic, version, number of packets, and the packet (sections 3.2 and 3.3).
fn header(reader: &PublicKey, data: &[u8; 32]) -> io::Result<Vec<u8>> {
    let secret = StaticSecret::from(*random::<32>()?);
    let writer = PublicKey::from(&secret);
    let shared = secret.diffie_hellman(reader);
    if !shared.was_contributory() {
        return Err(io::Error::other("the key is of small order"));
    }
    let mut mixed = Blake2b512::new();
    for part in [shared.as_bytes(), reader.as_bytes(), writer.as_bytes()] {
        mixed.update(part);
    }
    let mixed: Zeroizing<[u8; 64]> = Zeroizing::new(mixed.finalize().into());
    let cipher = ChaCha20Poly1305::new(Key::from_slice(mixed.split_at(32).0));
    let mut payload = Zeroizing::new(Vec::with_capacity(40));
    payload.extend_from_slice(&DATA_KEY.to_le_bytes());
    payload.extend_from_slice(&SEGMENTS.to_le_bytes());
    payload.extend_from_slice(data);
    let payload = sealed(&cipher, &payload)?;
    let length = 4 + 4 + 32 + payload.len() as u32;
    let mut header = MAGIC.to_vec();
    for number in [VERSION, 1, length, METHOD] {
        header.extend(number.to_le_bytes());
    }
    header.extend(writer.as_bytes());
    header.extend(payload);
    Ok(header)
}

/// Nonce, ciphertext, MAC: packets and segments alike.
fn sealed(cipher: &ChaCha20Poly1305, plain: &[u8]) -> io::Result<Vec<u8>> {
    let nonce = random::<NONCE>()?;
    let mut whole = Vec::with_capacity(NONCE + plain.len() + MAC);
    whole.extend_from_slice(nonce.as_slice());
    whole.extend_from_slice(plain);
    let (_, text) = whole.split_at_mut(NONCE);
    let mac = cipher
        .encrypt_in_place_detached(Nonce::from_slice(nonce.as_slice()), b"", text)
        .map_err(|_| io::Error::other("too much to encrypt at once"))?;
    whole.extend_from_slice(&mac);
    Ok(whole)
}

/// From the operating system.
fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(io::Error::other)?;
    Ok(bytes)
}
