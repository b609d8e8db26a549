//! JPEG, segment by segment (ITU T.81).

use std::io::{self, BufReader, Read};

use super::{Metadata, absurd, trailing};
use crate::bytes::u16_be;
use crate::report::{Layer, Place};
use crate::walk::{Input, Walk, Window};

/// Looks at every segment, and at what follows the end.
pub fn jpeg(
    walk: &mut Walk<'_>,
    input: &mut dyn Input,
    length: u64,
    place: &Place,
) -> io::Result<()> {
    let mut at = 2;
    let mut metadata = Metadata::default();
    loop {
        let mut lead = Vec::new();
        Window::new(input, at, 9).read_to_end(&mut lead)?;
        let Some([0xff, marker]) = lead.get(..2) else {
            walk.findings.unread(
                &place.offset(at),
                "the image is cut off, or has bytes between segments",
            );
            break;
        };
        match marker {
            // Fill bytes, and markers without content.
            0xff => at += 1,
            0x01 | 0xd0..=0xd7 => at += 2,
            0xd9 => {
                trailing(walk, input, at + 2, length, place)?;
                break;
            }
            marker => {
                let Some(size) = u16_be(&lead, 2).filter(|s| *s >= 2) else {
                    walk.findings
                        .unread(&place.offset(at), "the image is cut off");
                    break;
                };
                let size = u64::from(size);
                if matches!(marker, 0xe0..=0xef | 0xfe) {
                    metadata.add(size, at);
                    let mut bytes = Vec::new();
                    Window::new(input, at + 4, size - 2).read_to_end(&mut bytes)?;
                    if *marker == 0xfe {
                        walk.memory(&bytes, &place.within(Layer::Metadata(at)));
                    }
                }
                // Frames but for the tables among them: precision, height, width.
                if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                    let dimension = |n| u16_be(&lead, n).map_or(0, u64::from);
                    absurd(walk, dimension(7), dimension(5), place);
                }
                at += 2 + size;
                if *marker == 0xda {
                    at = scan(input, at, length)?;
                }
            }
        }
    }
    metadata.judge(walk, place);
    Ok(())
}

/// Where the compressed data that begins at `at` ends: at the next marker that is neither stuffing nor a restart.
fn scan(input: &mut dyn Input, at: u64, length: u64) -> io::Result<u64> {
    let reader =
        BufReader::with_capacity(64 << 10, Window::new(input, at, length.saturating_sub(at)));
    let mut before = 0;
    for (offset, byte) in reader.bytes().enumerate() {
        let byte = byte?;
        if before == 0xff && !matches!(byte, 0 | 0xff | 0xd0..=0xd7) {
            return Ok(at + offset as u64 - 1);
        }
        before = byte;
    }
    Ok(length)
}
