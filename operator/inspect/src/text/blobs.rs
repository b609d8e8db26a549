//! Base64 and hexadecimal in text: joined over lines, decoded, and looked at like a file.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::kind::{Class, Kind};
use crate::report::{Layer, Place};
use crate::rules;
use crate::walk::{Walk, identify};

/// Digits in a line that begin a run.
const BEGIN: usize = 40;
/// Digits of a run that are kept, so that what it decodes to can be recognised and looked at.
const KEPT: usize = 1 << 20;
/// Digits of a run that are worth decoding.
const LEAST: usize = 64;
/// Runs kept of one text.
const RUNS: usize = 64;

/// Runs of digits.
#[derive(Default)]
pub struct Blobs {
    now: Option<Run>,
    kept: Vec<Run>,
    more: u64,
}

/// One run.
struct Run {
    line: u64,
    last: u64,
    digits: Vec<u8>,
    length: u64,
}

impl Blobs {
    /// One line, or a piece of one.
    pub fn line(&mut self, line: &[u8], number: u64) {
        let longest = longest(line);
        let continues = self.now.as_ref().is_some_and(|run| {
            // The last line of a run is short; a line further on is another run.
            number <= run.last + 1 && (longest.len() >= BEGIN || alone(line, longest))
        });
        if !continues {
            self.close();
            if longest.len() < BEGIN {
                return;
            }
            self.now = Some(Run {
                line: number,
                last: number,
                digits: Vec::new(),
                length: 0,
            });
        }
        if let Some(run) = self.now.as_mut() {
            let room = KEPT.saturating_sub(run.digits.len()).min(longest.len());
            run.digits
                .extend_from_slice(longest.get(..room).unwrap_or_default());
            run.length += longest.len() as u64;
            run.last = number;
        }
    }

    fn close(&mut self) {
        let Some(run) = self.now.take() else {
            return;
        };
        if run.digits.len() < LEAST {
            return;
        }
        if self.kept.len() < RUNS {
            self.kept.push(run);
        } else {
            self.more += run.length;
        }
    }

    /// All is read: looks at what the runs decode to.
    pub fn finish(mut self, walk: &mut Walk<'_>, place: &Place) {
        self.close();
        if place.inside.len() >= walk.limits.depth {
            return;
        }
        if self.more > walk.thresholds.blob_bytes {
            let what = format!("{} more digits in further runs", self.more);
            walk.findings.add(&rules::G013, place, what);
        }
        for run in self.kept {
            run.look(walk, place);
        }
    }
}

impl Run {
    fn look(&self, walk: &mut Walk<'_>, place: &Place) {
        let hex = self.digits.iter().all(u8::is_ascii_hexdigit);
        let decoded = if hex {
            unhex(&self.digits)
        } else {
            base64(&self.digits)
        };
        let layer = if hex {
            Layer::Hex(self.line)
        } else {
            Layer::Base64(self.line)
        };
        let kind = identify(&decoded, false);
        // A picture in a notebook or page is told of by other rules, and is no more than that.
        if kind != Kind::Unknown && kind != Kind::Empty && plausible(kind, &decoded) {
            walk.memory(&decoded, &place.within(layer));
            if kind.class() == Class::Text {
                let what = "text written as base64 or hexadecimal";
                walk.findings
                    .add(&rules::G013, &place.line(self.line), what);
            }
        }
        if self.length > walk.thresholds.blob_bytes && !bases(&self.digits) {
            let what = format!("{} digits of base64 or hexadecimal", self.length);
            walk.findings
                .add(&rules::G013, &place.line(self.line), what);
        }
    }
}

/// Whether digits that decode to this were meant to: long words and paths decode to noise, never to text of this length.
fn plausible(kind: Kind, decoded: &[u8]) -> bool {
    kind.class() != Class::Text || (decoded.len() >= 48 && decoded.iter().all(|b| *b < 0x80))
}

/// The longest run of digits in a line.
fn longest(line: &[u8]) -> &[u8] {
    line.split(|b| !(b.is_ascii_alphanumeric() || b"+/-_=".contains(b)))
        .max_by_key(|part| part.len())
        .unwrap_or_default()
}

/// Whether the line is nothing but those digits, with perhaps a mark of comment or quotes round it.
fn alone(line: &[u8], digits: &[u8]) -> bool {
    !digits.is_empty() && line.len() <= digits.len() + 8
}

/// Sequences of bases use the same letters, and have their own rule.
fn bases(digits: &[u8]) -> bool {
    digits.iter().all(|b| b"ACGTUNacgtun".contains(b))
}

fn unhex(digits: &[u8]) -> Vec<u8> {
    let value = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits
        .chunks_exact(2)
        .filter_map(|pair| Some(value(*pair.first()?)? << 4 | value(*pair.get(1)?)?))
        .collect()
}

/// Both alphabets, with padding or without. A single digit at the end says nothing.
fn base64(digits: &[u8]) -> Vec<u8> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let digits: Vec<u8> = digits.iter().copied().filter(|b| *b != b'=').collect();
    let whole = digits.len() - usize::from(digits.len() % 4 == 1);
    let digits = digits.get(..whole).unwrap_or_default();
    let url = digits.iter().any(|b| matches!(b, b'-' | b'_'));
    let alphabet = if url { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config)
        .decode(digits)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_and_hexadecimal_decode() {
        assert_eq!(base64(b"Zm9vYmFyLWJheg=="), b"foobar-baz");
        assert_eq!(base64(b"Zm9vYmFyLWJhegA"), b"foobar-baz\0");
        assert_eq!(base64(b"Zm9vY"), b"foo");
        assert_eq!(base64(b"--__"), base64(b"++//"));
        assert_eq!(unhex(b"42414d01f"), b"BAM\x01");
        assert_eq!(longest(b"x = \"QUJD+/==\" # yes"), b"QUJD+/==");
    }
}
