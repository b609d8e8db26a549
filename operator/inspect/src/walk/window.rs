//! A part of an input, as an input.

use std::io::{self, Read, Seek, SeekFrom};

use super::Input;

/// Bytes `start..start + length` of an input.
pub struct Window<'a> {
    input: &'a mut dyn Input,
    start: u64,
    length: u64,
    at: u64,
}

impl<'a> Window<'a> {
    /// The part; as much of it as there is.
    pub fn new(input: &'a mut dyn Input, start: u64, length: u64) -> Self {
        Self {
            input,
            start,
            length,
            at: 0,
        }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let want = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(part) = buffer.get_mut(..want).filter(|p| !p.is_empty()) else {
            return Ok(0);
        };
        // Beyond what an offset can be there is nothing; asking a file for it would be an error of the whole inspection.
        let Some(from) = self
            .start
            .checked_add(self.at)
            .filter(|from| i64::try_from(*from).is_ok())
        else {
            return Ok(0);
        };
        self.input.seek(SeekFrom::Start(from))?;
        let read = self.input.read(part)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.length.checked_add_signed(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
