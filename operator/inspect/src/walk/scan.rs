//! One pass over the bytes of a layer: magics at any offset, entropy, and, where it is text, its lines.

use std::io::{self, Read};

use super::Walk;
use super::embedded::Candidate;
use crate::kind::{Class, Kind};
use crate::recognise::strong::{self, OVERLAP};
use crate::report::Place;
use crate::rules;
use crate::text::Text;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;
/// Bytes over which entropy is measured.
const BLOCK: u64 = 64 * 1024;
/// Candidates kept of one layer; a file with more is told of as such when they are tried.
const KEPT: usize = 4096;

impl Walk<'_> {
    /// Reads a layer through. Returns what it is after all, and where something else may begin in it.
    pub(super) fn scan(
        &mut self,
        kind: Kind,
        reader: &mut dyn Read,
        place: &Place,
    ) -> io::Result<(Kind, Vec<Candidate>)> {
        // What is no known format may hold text all the same.
        let mut text = (kind.class() == Class::Text || kind == Kind::Unknown)
            .then(|| Text::new(kind, self.thresholds));
        let mut entropy = Entropy::default();
        let mut candidates = Vec::new();
        // The last bytes of the chunk before stand in front, so that a magic across two is seen.
        let mut buffer = vec![0; OVERLAP + CHUNK];
        let (mut kept, mut at) = (0, 0_u64);
        while let Some(free) = buffer.get_mut(kept..kept + CHUNK) {
            let read = fill(reader, free)?;
            if read == 0 {
                break;
            }
            if !self.budget.work(read as u64) {
                self.findings.unread(place, "more work than allowed");
                break;
            }
            let window = buffer.get(..kept + read).unwrap_or_default();
            let new = window.get(kept..).unwrap_or_default();
            let base = at - kept as u64;
            for (found, end, length) in strong::find(window) {
                let start = (base + end as u64).checked_sub(length);
                if let Some(start) = start.filter(|s| end > kept && *s > 0)
                    && candidates.len() < KEPT
                    && expected(kind, found, window, end)
                {
                    candidates.push(Candidate {
                        kind: found,
                        at: start,
                    });
                }
            }
            if let Some(text) = text.as_mut() {
                text.push(new);
            }
            if kind == Kind::Unknown {
                entropy.push(new);
            }
            at += read as u64;
            let keep = OVERLAP.min(window.len());
            let from = window.len() - keep;
            buffer.copy_within(from..from + keep, 0);
            kept = keep;
        }
        if kind == Kind::Unknown && entropy.highest > self.thresholds.entropy {
            let what = "looks compressed or encrypted, and is no known format";
            self.findings.add(&rules::G013, place, what);
        }
        let kind = match text {
            Some(text) => text.finish(self, place),
            None => kind,
        };
        Ok((kind, candidates))
    }
}

/// Whether something of this kind inside the other is worth trying. In text, a VCF is found by its lines.
fn expected(outer: Kind, found: Kind, window: &[u8], end: usize) -> bool {
    match found {
        Kind::Vcf => {
            let before = end.checked_sub(17).and_then(|b| window.get(b));
            outer.class() != Class::Text && before.is_none_or(|b| *b == b'\n')
        }
        Kind::Age | Kind::Pdf | Kind::OpensslSalted => outer.class() != Class::Text,
        _ => true,
    }
}

/// Reads until the buffer is full or the end.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut full = 0;
    while let Some(free) = buffer.get_mut(full..).filter(|f| !f.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(read) => full += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(full)
}

/// The highest Shannon entropy of any block.
struct Entropy {
    counts: [u32; 256],
    seen: u64,
    highest: f64,
}

impl Default for Entropy {
    fn default() -> Self {
        Self {
            counts: [0; 256],
            seen: 0,
            highest: 0.0,
        }
    }
}

impl Entropy {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(count) = self.counts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
            self.seen += 1;
            if self.seen == BLOCK {
                self.block();
            }
        }
    }

    fn block(&mut self) {
        let all = self.seen as f64;
        let bits: f64 = self
            .counts
            .iter()
            .filter(|c| **c > 0)
            .map(|c| {
                let share = f64::from(*c) / all;
                -share * share.log2()
            })
            .sum();
        self.highest = self.highest.max(bits);
        self.counts = [0; 256];
        self.seen = 0;
    }
}
