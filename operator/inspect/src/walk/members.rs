//! gzip as it really is: one member after another (RFC 1952), in BGZF thousands of them, and perhaps something after the last.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Reads what all members hold.
pub struct Members<R> {
    now: Option<GzDecoder<R>>,
    rest: Option<R>,
}

impl<R: BufRead> Members<R> {
    /// At the first member.
    pub fn new(reader: R) -> Self {
        Self {
            now: Some(GzDecoder::new(reader)),
            rest: None,
        }
    }

    /// What follows the last member, once all is read; zeros (as tapes pad) are no content.
    pub fn trailing(self) -> io::Result<Option<R>> {
        let Some(mut rest) = self.rest else {
            return Ok(None);
        };
        loop {
            let zeros = {
                let bytes = rest.fill_buf()?;
                if bytes.is_empty() {
                    return Ok(None);
                }
                if bytes.first() != Some(&0) {
                    return Ok(Some(rest));
                }
                bytes.iter().take_while(|b| **b == 0).count()
            };
            rest.consume(zeros);
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = self.now.as_mut() {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let Some(mut reader) = self.now.take().map(GzDecoder::into_inner) else {
                break;
            };
            if reader.fill_buf()?.first() == Some(&0x1f) {
                self.now = Some(GzDecoder::new(reader));
            } else {
                self.rest = Some(reader);
            }
        }
        Ok(0)
    }
}
