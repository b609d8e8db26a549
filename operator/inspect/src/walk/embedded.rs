//! What begins inside something else: each place where a strong magic was seen is tried, and counts only when it holds.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::bzip2::Blocks;
use super::zstd::Frames;
use super::{Input, Walk, Window};
use crate::bytes::u16_le;
use crate::kind::{Class, Kind};
use crate::recognise::{self, HEAD};
use crate::report::{Layer, Place};
use crate::rules;

/// Something may begin at `at`.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// What.
    pub kind: Kind,
    /// Where.
    pub at: u64,
}

/// Decompressed bytes that are no accident.
const ENOUGH: usize = 512;
/// Things inside one layer that are told of.
const TOLD: usize = 8;

impl Walk<'_> {
    /// Tries each candidate of a layer of `kind`.
    pub(super) fn embedded(
        &mut self,
        kind: Kind,
        input: &mut dyn Input,
        length: u64,
        candidates: &[Candidate],
        place: &Place,
    ) -> io::Result<()> {
        let mut told = 0;
        let mut covered = 0;
        for candidate in candidates {
            if told >= TOLD || candidate.at < covered {
                continue;
            }
            if !self.budget.candidate() {
                let what = "more places where something may begin than are tried";
                self.findings.unread(place, what);
                return Ok(());
            }
            let Some(until) = self.candidate(kind, input, length, *candidate, place)? else {
                continue;
            };
            covered = until;
            told += 1;
        }
        Ok(())
    }

    /// Candidates of a layer that cannot be read again.
    pub(super) fn unopened(&mut self, candidates: &[Candidate], place: &Place) {
        if let Some(first) = candidates.first() {
            let what = format!("{} may begin here, too deep inside to be tried", first.kind);
            self.findings.count(
                &rules::G021,
                &place.offset(first.at),
                candidates.len() as u64,
                what,
            );
        }
    }

    /// Where what begins here ends, as far as that is known; `None` when nothing begins here.
    fn candidate(
        &mut self,
        outer: Kind,
        input: &mut dyn Input,
        length: u64,
        candidate: Candidate,
        place: &Place,
    ) -> io::Result<Option<u64>> {
        let (kind, at) = (candidate.kind, candidate.at);
        let mut bytes = Vec::new();
        Window::new(input, at, self.limits.embedded_bytes).read_to_end(&mut bytes)?;
        let inner = place.within(Layer::Embedded(at));
        let compressed = matches!(
            kind,
            Kind::Gzip | Kind::Bgzf | Kind::Xz | Kind::Bzip2 | Kind::Zstd
        );
        let holds = if compressed {
            let content = decompressed(
                kind,
                &bytes,
                self.limits.embedded_bytes,
                self.budget.xz_kib(),
            );
            let holds = content.len() >= ENOUGH || recognise::binary(&content, true).is_some();
            if holds {
                self.memory(&content, &inner.within(Layer::Decompressed));
            }
            holds
        } else if begins(kind, &bytes) {
            let blocked = kind.class() == Class::Individual && kind != Kind::Vcf;
            if let Some(rule) = kind.rule().filter(|_| blocked) {
                self.findings.add(rule, &inner.offset(0), kind.name());
            } else if inner.inside.len() < self.limits.depth {
                let mut rest = Window::new(input, at, length - at);
                self.node(&mut rest, &inner)?;
            }
            true
        } else {
            false
        };
        if !holds {
            return Ok(None);
        }
        let what = format!("{kind} inside {outer}");
        self.findings.add(&rules::G021, &place.offset(at), what);
        // A stream of many blocks is told of once, an archive with its entries too.
        Ok(Some(length))
    }
}

/// As much as can be decompressed, up to `max` bytes; errors end it, since where it ends is not known.
fn decompressed(kind: Kind, bytes: &[u8], max: u64, xz_kib: u32) -> Vec<u8> {
    let mut content = Vec::new();
    let reader: Box<dyn Read + '_> = match kind {
        Kind::Xz => Box::new(XzReader::new_mem_limit(bytes, true, xz_kib)),
        Kind::Bzip2 => Box::new(Blocks::new(bytes)),
        Kind::Zstd => Box::new(Frames::new(bytes, max)),
        _ => Box::new(MultiGzDecoder::new(bytes)),
    };
    // What came before an error is what counts.
    let _ = reader.take(max).read_to_end(&mut content);
    content
}

/// Whether bytes hold what their magic promises.
fn begins(kind: Kind, bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    match kind {
        Kind::Zip => local_header(head),
        Kind::Tar => recognise::tar(head),
        Kind::Vcf => head.starts_with(b"##fileformat=VCF"),
        Kind::Bam => crate::bytes::u32_le(head, 4).is_some_and(|n| n < 1 << 28),
        Kind::Bcf => crate::bytes::u32_le(head, 5).is_some_and(|n| n < 1 << 28),
        Kind::Png => head.get(12..16) == Some(b"IHDR"),
        Kind::Pdf => head.starts_with(b"%PDF-1."),
        _ => recognise::binary(head, false).is_some(),
    }
}

/// A local header that a zip tool would write.
fn local_header(head: &[u8]) -> bool {
    let version = u16_le(head, 4).is_some_and(|v| v <= 63);
    let method = u16_le(head, 8).is_some_and(|m| m <= 20 || m == 93 || m == 95 || m == 99);
    let name = u16_le(head, 26).is_some_and(|n| (1..=1024).contains(&n));
    version && method && name
}
