//! What findings mean for files that go to another environment: they were encrypted before they were sealed, so one that is
//! Crypt4GH or age is as it must be, and any other is blocked.

use std::io::{self, Read, Seek, SeekFrom};

use crate::bytes::{find, u32_le};
use crate::recognise::HEAD;
use crate::report::{Finding, Place, Report, Severity};
use crate::rules;

/// What a finding of [`rules::G005`] advises here.
const ADVICE: &str = "Tell the platform team: all that goes to another environment is encrypted before it is sealed.";

/// Crypt4GH: of a header packet, its length, method, the writer's key, a nonce and a MAC.
const PACKET_MIN: u32 = 4 + 4 + 32 + 12 + 16;
/// Crypt4GH: a nonce and a MAC.
const SEGMENT_MIN: u64 = 12 + 16;
/// Crypt4GH: a whole segment.
const SEGMENT: u64 = SEGMENT_MIN + 64 * 1024;
/// age: characters of the header's MAC.
const AGE_MAC: usize = 43;
/// age: a nonce, and the MAC of a last chunk that is empty.
const AGE_MIN: u64 = 16 + 16;

/// Whether a file begins and is divided as Crypt4GH 1.0 or binary age v1 is. That the rest is random only its keys can tell.
///
/// # Errors
/// When `input` itself fails.
pub fn encrypted(input: &mut (impl Read + Seek)) -> io::Result<bool> {
    let length = input.seek(SeekFrom::End(0))?;
    input.rewind()?;
    let mut head = Vec::new();
    input.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok(crypt4gh(&head, length) || age(&head, length))
}

fn crypt4gh(head: &[u8], length: u64) -> bool {
    let packets = u32_le(head, 12).unwrap_or(0);
    if !head.starts_with(b"crypt4gh\x01\0\0\0") || packets == 0 {
        return false;
    }
    let mut at = 16_usize;
    for _ in 0..packets {
        let (packet, method) = (u32_le(head, at), u32_le(head, at.saturating_add(4)));
        match packet {
            Some(packet) if packet >= PACKET_MIN && method == Some(0) => {
                at = at.saturating_add(packet as usize);
            }
            _ => return false,
        }
    }
    // An empty file has no segment.
    let Some(body) = length.checked_sub(at as u64) else {
        return false;
    };
    body % SEGMENT == 0 || body % SEGMENT > SEGMENT_MIN
}

fn age(head: &[u8], length: u64) -> bool {
    const END: &[u8] = b"\n--- ";
    if !head.starts_with(b"age-encryption.org/v1\n-> ") {
        return false;
    }
    let Some(mac) = find(head, END).map(|at| at + END.len()) else {
        return false;
    };
    let base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let end = mac + AGE_MAC;
    head.get(mac..end).is_some_and(|m| m.iter().all(base64))
        && head.get(end) == Some(&b'\n')
        && length >= end as u64 + 1 + AGE_MIN
}

/// What was found in one file, as it is for a transfer; gravest first.
pub fn of_transfer(mut report: Report, encrypted: bool) -> Report {
    if encrypted {
        report.findings.clear();
        return report;
    }
    let what = "neither Crypt4GH nor age".to_owned();
    report.findings.push(Finding {
        severity: Severity::Block,
        advice: ADVICE,
        ..Finding::new(&rules::G005, Place::default(), 1, what)
    });
    report
}
