//! How much memory the directory of a 7z would take, before anybody else's reader makes it (7zFormat). What is written here
//! in another way than 7-Zip writes it counts as too much.

use std::io::{self, Read};

use super::sevenzip::dictionary;
use super::{Input, Window};
use crate::bytes::{u32_le, u64_le};

/// Signature, version, and where the directory is.
const START: u64 = 32;
/// Bytes of the directory, unpacked: some 8000 files.
const DIRECTORY: u64 = 512 << 10;
/// Coders of the directory: it is compressed, and perhaps encrypted.
const CODERS: u64 = 4;

const END: u8 = 0x00;
const HEADER: u8 = 0x01;
const PACK_INFO: u8 = 0x06;
const UNPACK_INFO: u8 = 0x07;
const SIZE: u8 = 0x09;
const FOLDER: u8 = 0x0b;
const UNPACK_SIZE: u8 = 0x0c;
const ENCODED: u8 = 0x17;

/// Whether the directory needs no more than is allowed; `limit` is for its dictionary.
pub fn modest(input: &mut dyn Input, length: u64, limit: u64) -> io::Result<bool> {
    let mut start = Vec::new();
    Window::new(input, 0, START).read_to_end(&mut start)?;
    let (Some(checksum), Some(offset), Some(size)) =
        (u32_le(&start, 8), u64_le(&start, 12), u64_le(&start, 20))
    else {
        return Ok(false);
    };
    // Without a checksum the other reader would search for a directory.
    if checksum == 0 || size > DIRECTORY || offset.saturating_add(size) > length {
        return Ok(false);
    }
    // An archive of nothing has no directory.
    if size == 0 {
        return Ok(true);
    }
    let mut directory = Vec::new();
    Window::new(input, START.saturating_add(offset), size).read_to_end(&mut directory)?;
    Ok(match directory.split_first() {
        Some((&HEADER, _)) => true,
        Some((&ENCODED, rest)) => Fields(rest).streams(limit).is_some(),
        _ => false,
    })
}

/// What is left to read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn is(&mut self, wanted: u8) -> Option<()> {
        (self.byte()? == wanted).then_some(())
    }

    /// A number: as many more bytes as its first has leading ones, and the bits that are left there on top.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let bytes = self.take(more as usize)?;
        let low = bytes.iter().rev().fold(0, |n, b| (n << 8) | u64::from(*b));
        let high = u64::from(first) & (0x7f_u64 >> more);
        Some(low | high.checked_shl(more * 8).unwrap_or(0))
    }

    /// One packed stream, one folder of plain coders, sizes that are allowed.
    fn streams(&mut self, limit: u64) -> Option<()> {
        self.is(PACK_INFO)?;
        let (_position, packed) = (self.number()?, self.number()?);
        self.is(SIZE)?;
        (packed == 1).then_some(())?;
        self.number()?;
        self.is(END)?;
        self.is(UNPACK_INFO)?;
        self.is(FOLDER)?;
        let (folders, external) = (self.number()?, self.byte()?);
        ((folders, external) == (1, 0)).then_some(())?;
        let coders = self.number().filter(|n| (1..=CODERS).contains(n))?;
        let mut memory = 0_u64;
        for _ in 0..coders {
            memory = memory.saturating_add(self.coder()?);
        }
        (memory <= limit).then_some(())?;
        // Each coder but one is bound to another.
        for _ in 1..coders {
            self.number()?;
            self.number()?;
        }
        self.is(UNPACK_SIZE)?;
        for _ in 0..coders {
            self.number().filter(|n| *n <= DIRECTORY)?;
        }
        Some(())
    }

    /// A coder with one input and one output; returns its dictionary.
    fn coder(&mut self) -> Option<u64> {
        let flags = self.byte()?;
        let plain = flags & 0b1101_0000 == 0;
        let method = self.take(usize::from(flags & 0xf)).filter(|_| plain)?;
        let mut properties: &[u8] = &[];
        if flags & 0b10_0000 != 0 {
            let length = self.number()?;
            properties = self.take(usize::try_from(length).ok()?)?;
        }
        Some(dictionary(method, properties))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length() {
        let number = |bytes: &[u8]| Fields(bytes).number();
        assert_eq!(number(&[0x7f]), Some(0x7f));
        assert_eq!(number(&[0x81, 0x02]), Some(0x102));
        assert_eq!(number(&[0xc0, 0x01, 0x02]), Some(0x201));
        assert_eq!(number(&[0xff; 9]), Some(u64::MAX));
        assert_eq!(number(&[0xff, 1]), None);
    }
}
