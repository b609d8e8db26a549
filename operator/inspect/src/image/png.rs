//! PNG, chunk by chunk (ISO/IEC 15948).

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use super::pixels::{Header, Pixels};
use super::{Metadata, absurd, trailing};
use crate::bytes::{find, u32_be};
use crate::report::{Layer, Place};
use crate::rules;
use crate::walk::{Input, Walk, Window};

/// Length of the signature.
const SIGNATURE: u64 = 8;
/// Length, name and checksum round a chunk.
const AROUND: u64 = 12;
/// Pieces of pixels that are followed; plots have a handful.
const PIECES: usize = 1 << 16;
/// Bytes of a text chunk that are looked at.
const TEXT: u64 = 1 << 20;

/// Looks at every chunk, and at what follows the last.
pub fn png(
    walk: &mut Walk<'_>,
    input: &mut dyn Input,
    length: u64,
    place: &Place,
) -> io::Result<()> {
    let mut at = SIGNATURE;
    let mut metadata = Metadata::default();
    let mut pieces = Vec::new();
    let mut header = None;
    loop {
        let mut lead = Vec::new();
        Window::new(input, at, 8).read_to_end(&mut lead)?;
        let (Some(size), Some(name)) = (u32_be(&lead, 0), lead.get(4..8)) else {
            walk.findings
                .unread(&place.offset(at), "the image is cut off");
            break;
        };
        let size = u64::from(size);
        let next = at + AROUND + size;
        match name {
            b"IHDR" => {
                let mut bytes = Vec::new();
                Window::new(input, at + 8, 13).read_to_end(&mut bytes)?;
                header = Header::of(&bytes);
            }
            b"IDAT" if pieces.len() < PIECES => pieces.push((at + 8, size)),
            b"IDAT" => {
                let what = "pixels in more pieces than are followed";
                walk.findings.unread(&place.offset(at), what);
            }
            b"IEND" => {
                trailing(walk, input, next, length, place)?;
                break;
            }
            b"PLTE" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"pHYs" | b"bKGD" | b"sBIT"
            | b"tIME" | b"hIST" => {
                // Of fixed or small size; more is something else.
                metadata.add(size.saturating_sub(1024), at);
            }
            b"tEXt" | b"zTXt" | b"iTXt" => {
                metadata.add(size, at);
                let mut bytes = Vec::new();
                Window::new(input, at + 8, size.min(TEXT)).read_to_end(&mut bytes)?;
                text(
                    walk,
                    name == b"zTXt",
                    &bytes,
                    &place.within(Layer::Metadata(at)),
                );
            }
            b"iCCP" | b"eXIf" | b"sPLT" => metadata.add(size, at),
            _ => {
                let what = "a chunk that is not part of the standard";
                walk.findings.add(&rules::G021, &place.offset(at), what);
            }
        }
        at = next;
    }
    metadata.judge(walk, place);
    let Some(header) = header else {
        walk.findings.unread(place, "the image has no header");
        return Ok(());
    };
    if !absurd(walk, header.width, header.height, place) {
        let pixels = ZlibDecoder::new(Pieces::new(input, &pieces));
        let compressed = pieces.iter().map(|(_, size)| size).sum();
        Pixels::new(&header).judge(pixels, compressed, walk, place);
    }
    Ok(())
}

/// Text after its keyword; compressed in `zTXt`.
fn text(walk: &mut Walk<'_>, compressed: bool, bytes: &[u8], place: &Place) {
    let start = find(bytes, b"\0").map_or(0, |n| n + 1);
    let value = bytes.get(start..).unwrap_or_default();
    let mut plain = Vec::new();
    if compressed {
        let stream = value.get(1..).unwrap_or_default();
        // What could be read is looked at; the size of all of it counts in any case.
        let _ = ZlibDecoder::new(stream).take(TEXT).read_to_end(&mut plain);
    } else {
        // iTXt has flags and two more names before its text: zeros, which are dropped.
        plain.extend(value.iter().filter(|b| **b != 0));
    }
    walk.memory(&plain, place);
}

/// Pieces of an input as one stream.
struct Pieces<'a> {
    input: &'a mut dyn Input,
    pieces: std::slice::Iter<'a, (u64, u64)>,
    now: (u64, u64),
}

impl<'a> Pieces<'a> {
    fn new(input: &'a mut dyn Input, pieces: &'a [(u64, u64)]) -> Self {
        Self {
            input,
            pieces: pieces.iter(),
            now: (0, 0),
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.now.1 == 0 {
            match self.pieces.next() {
                Some(piece) => self.now = *piece,
                None => return Ok(0),
            }
        }
        let (at, left) = self.now;
        let read = Window::new(self.input, at, left).read(buffer)?;
        if read == 0 {
            self.now = (0, 0);
            self.pieces = [].iter();
            return Ok(0);
        }
        self.now = (at + read as u64, left - read as u64);
        Ok(read)
    }
}
