//! Signs that the pixels of an image carry something: noise in the lowest bit of flat areas, colours under full transparency,
//! more data than pixels. A sign, no proof; a photograph shows the first too.

use std::io::Read;

use crate::bytes::u32_be;
use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Rows judged together, so that a small part of a large image is seen.
const BAND: u64 = 16;
/// Pairs of neighbours in a band from which a share says anything.
const PAIRS: u64 = 2000;
/// Transparent pixels of another colour than the one before.
const HIDDEN: u64 = 500;
/// Bytes of a row that are kept, twice; wider images are held.
const ROW: u64 = 8 << 20;
/// Compressed bytes below which an image cannot carry much.
const SMALL: u64 = 64 << 10;

/// What an image says of itself.
pub struct Header {
    /// Pixels across.
    pub width: u64,
    /// Pixels down.
    pub height: u64,
    depth: u8,
    colour: u8,
    interlaced: bool,
}

impl Header {
    /// From the content of IHDR; none when it says what no image is (ISO/IEC 15948 §11.2.1).
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let header = Self {
            width: u32_be(bytes, 0)?.into(),
            height: u32_be(bytes, 4)?.into(),
            depth: *bytes.get(8)?,
            colour: *bytes.get(9)?,
            interlaced: *bytes.get(12)? != 0,
        };
        let paired = match header.colour {
            0 => matches!(header.depth, 1 | 2 | 4 | 8 | 16),
            3 => matches!(header.depth, 1 | 2 | 4 | 8),
            2 | 4 | 6 => matches!(header.depth, 8 | 16),
            _ => false,
        };
        let sides = 1..=u64::from(u32::MAX >> 1);
        let sized = sides.contains(&header.width) && sides.contains(&header.height);
        (paired && sized).then_some(header)
    }

    fn channels(&self) -> usize {
        match self.colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        }
    }

    fn row_bytes(&self) -> u64 {
        (self.width * self.channels() as u64 * u64::from(self.depth)).div_ceil(8)
    }
}

/// Pixels under way.
pub struct Pixels<'a> {
    header: &'a Header,
    noisy: bool,
    hidden: u64,
    close: u64,
    differ: u64,
}

impl<'a> Pixels<'a> {
    /// None seen yet.
    pub fn new(header: &'a Header) -> Self {
        Self {
            header,
            noisy: false,
            hidden: 0,
            close: 0,
            differ: 0,
        }
    }

    /// Reads all rows and tells what was seen.
    pub fn judge(
        mut self,
        mut reader: impl Read,
        compressed: u64,
        walk: &mut Walk<'_>,
        place: &Place,
    ) {
        let header = self.header;
        let width = header.row_bytes();
        let raw = (width + 1).saturating_mul(header.height);
        if header.interlaced || header.depth == 16 {
            let what = "interlaced, or 16 bits a channel: pixels cannot be checked";
            walk.findings.unread(place, what);
            return;
        }
        let row = usize::try_from(width).ok().filter(|_| width <= ROW);
        let Some(length) = row.map(|row| row + 1) else {
            walk.findings
                .unread(place, "rows of pixels too long to be checked");
            return;
        };
        let mut before = vec![0_u8; length];
        let mut row = vec![0_u8; length];
        for number in 0..header.height {
            if reader.read_exact(&mut row).is_err() {
                walk.findings
                    .unread(place, "pixels cannot be read to their end");
                return;
            }
            unfilter(&mut row, &before, header.channels());
            if header.depth == 8 && header.colour != 3 {
                self.row(row.get(1..).unwrap_or_default());
            }
            if (number + 1) % BAND == 0 {
                self.band();
            }
            std::mem::swap(&mut before, &mut row);
        }
        self.band();
        let mut more = [0; 1];
        if matches!(reader.read(&mut more), Ok(1)) {
            walk.findings
                .add(&rules::G021, place, "more data than pixels");
        }
        if self.noisy {
            let what = "noise in the lowest bit of flat areas";
            walk.findings.add(&rules::G021, place, what);
        }
        if self.hidden > HIDDEN {
            let what = "colours under full transparency";
            walk.findings.add(&rules::G021, place, what);
        }
        if compressed > SMALL && compressed.saturating_mul(10) > raw.saturating_mul(7) {
            let what = "pixels that hardly compress: noise, or a photograph";
            walk.findings.add(&rules::G021, place, what);
        }
    }

    /// One row: how often neighbours that look the same differ by one.
    fn row(&mut self, row: &[u8]) {
        let channels = self.header.channels();
        for (pixel, next) in row
            .chunks_exact(channels)
            .zip(row.chunks_exact(channels).skip(1))
        {
            let steps = pixel.iter().zip(next).map(|(a, b)| a.abs_diff(*b));
            let (mut most, mut any) = (0, 0);
            for step in steps {
                most = most.max(step);
                any |= step;
            }
            if most <= 1 {
                self.close += 1;
                self.differ += u64::from(any == 1);
            }
            if channels == 4 && pixel.get(3) == Some(&0) && next.get(3) == Some(&0) && pixel != next
            {
                self.hidden += 1;
            }
        }
    }

    fn band(&mut self) {
        self.noisy |= self.close >= PAIRS && self.differ * 10 > self.close * 3;
        (self.close, self.differ) = (0, 0);
    }
}

/// Undoes the filter of a row, whose first byte says which (PNG §9).
fn unfilter(row: &mut [u8], before: &[u8], channels: usize) {
    let Some((filter, row)) = row.split_first_mut() else {
        return;
    };
    let before = before.get(1..).unwrap_or_default();
    for at in 0..row.len() {
        let left = at.checked_sub(channels);
        let a = left.and_then(|l| row.get(l)).copied().unwrap_or(0);
        let b = before.get(at).copied().unwrap_or(0);
        let c = left.and_then(|l| before.get(l)).copied().unwrap_or(0);
        let add = match *filter {
            1 => a,
            2 => b,
            3 => u16::midpoint(a.into(), b.into()) as u8,
            4 => paeth(a, b, c),
            _ => 0,
        };
        if let Some(byte) = row.get_mut(at) {
            *byte = byte.wrapping_add(add);
        }
    }
}

fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let guess = i16::from(a) + i16::from(b) - i16::from(c);
    let far = |x: u8| (guess - i16::from(x)).abs();
    if far(a) <= far(b) && far(a) <= far(c) {
        a
    } else if far(b) <= far(c) {
        b
    } else {
        c
    }
}
