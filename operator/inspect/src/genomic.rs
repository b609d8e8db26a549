//! Is it in a genomic format? By the beginning of what it holds, for choosing the format in which it is encrypted. No findings come
//! of this.

use std::io::{BufReader, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::kind::{Class, Kind};
use crate::limits::{Declared, Limits, Thresholds};
use crate::recognise::HEAD;
use crate::report::Place;
use crate::walk::{Walk, decoder, identify};

/// Layers that are opened.
const LAYERS: usize = 4;
/// Bytes that a layer may give.
const EXPANDED: u64 = 64 << 20;
/// Bytes of text that are looked at: what text it is shows in its lines, and one of genotypes can be long.
const TEXT: u64 = 1 << 20;

/// Whether it is in a genomic format, or a compressed stream of one; archives are not opened.
///
/// Reads a bounded part of `input`, from where that stands. What cannot be read or opened, or is text whose beginning does not tell,
/// is not recognised.
#[must_use]
pub fn genomic(input: &mut impl Read) -> bool {
    // Decoders are other people's, and what they are given may be made against them.
    catch_unwind(AssertUnwindSafe(|| innermost(input).genomic())).unwrap_or(false)
}

/// What is inside all compression.
fn innermost(input: &mut dyn Read) -> Kind {
    let mut layer: Box<dyn Read + '_> = Box::new(input);
    for _ in 0..LAYERS {
        let head = beginning(&mut layer, HEAD as u64);
        let kind = identify(&head, head.len() < HEAD);
        let again = BufReader::new(Cursor::new(head).chain(layer));
        layer = match decoder(kind, again) {
            Ok(opened) => Box::new(opened.take(EXPANDED)),
            Err(mut again) => return by_lines(kind, &beginning(&mut again, TEXT)),
        };
    }
    Kind::Unknown
}

/// As much as there is, up to a limit, before reading fails.
fn beginning(reader: &mut dyn Read, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before a failure is kept, and tells as much as it does.
    let _ = reader.take(limit).read_to_end(&mut bytes);
    bytes
}

/// What it is after all.
fn by_lines(kind: Kind, text: &[u8]) -> Kind {
    // The rest of its header may be longer than what is looked at.
    if text.starts_with(b"##fileformat=VCF") {
        return Kind::VcfSites;
    }
    if kind.class() != Class::Text && kind != Kind::Unknown {
        return kind;
    }
    let whole = (text.len() as u64) < TEXT;
    // A line that is cut is none, unless it is nearly all there is.
    let lines = match text.iter().rposition(|b| *b == b'\n') {
        Some(end) if !whole && end > text.len() / 2 => text.get(..=end).unwrap_or(text),
        _ => text,
    };
    let (limits, thresholds, declared) = (
        Limits::default(),
        Thresholds::default(),
        Declared::default(),
    );
    Walk::new(&limits, &thresholds, &declared).memory(lines, &Place::default())
}
