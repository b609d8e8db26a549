//! tar, read once from beginning to end (POSIX ustar, pax and GNU). Our own reader, so that long names and pax records cannot
//! take memory, and padding and what follows the end are seen.

use std::io::{self, Read};

use super::Walk;
use crate::recognise::HEAD;
use crate::report::{Layer, Place};
use crate::rules;

const BLOCK: usize = 512;

impl Walk<'_> {
    /// Looks at every entry.
    pub(super) fn tar(&mut self, reader: &mut dyn Read, place: &Place) {
        if let Err(error) = self.entries(reader, place) {
            let what = format!("the archive ends early: {error}");
            self.findings.unread(place, what);
        }
    }

    fn entries(&mut self, reader: &mut dyn Read, place: &Place) -> io::Result<()> {
        let mut block = [0; BLOCK];
        for number in 1.. {
            reader.read_exact(&mut block)?;
            if block == [0; BLOCK] {
                return self.tar_end(reader, place);
            }
            if !self.budget.entry() {
                self.findings
                    .add(&rules::G023, place, "more entries than allowed");
                return Ok(());
            }
            let place = place.within(Layer::Entry(number));
            let Some(size) = size(&block) else {
                self.findings
                    .unread(&place, "the entry's header cannot be read");
                return Ok(());
            };
            self.tar_header(&block, &place);
            let mut content = reader.take(size);
            self.stream(&mut content, &place);
            io::copy(&mut content, &mut io::sink())?;
            if content.limit() > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
            let mut rest = Vec::new();
            reader.take(padding).read_to_end(&mut rest)?;
            if rest.iter().any(|b| *b != 0) {
                self.findings
                    .add(&rules::G021, &place, "bytes hidden in the padding");
            }
        }
        Ok(())
    }

    /// Links and devices; paths that lead out.
    fn tar_header(&mut self, block: &[u8; BLOCK], place: &Place) {
        let kind = block.get(156).copied().unwrap_or(0);
        if matches!(kind, b'1'..=b'4' | b'6') {
            self.findings
                .add(&rules::G009, place, "a link or special file");
        }
        let name = block.get(..100).unwrap_or_default();
        // OCI image layout, and what `docker save` writes.
        let image = text(name);
        if image == b"oci-layout" || image.ends_with(b"/layer.tar") {
            self.findings.add(&rules::N002, place, "a container image");
        }
        let prefix = block.get(345..500).unwrap_or_default();
        if escapes(text(name)) || escapes(text(prefix)) {
            self.findings
                .add(&rules::G023, place, "a path that leads out of the folder");
        }
    }

    /// After the end there is nothing but zeros.
    fn tar_end(&mut self, reader: &mut dyn Read, place: &Place) -> io::Result<()> {
        let mut buffer = vec![0; HEAD];
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            if let Some(at) = bytes.iter().position(|b| *b != 0) {
                self.findings.add(
                    &rules::G021,
                    place,
                    "something follows the end of the archive",
                );
                let first = bytes.get(at..).unwrap_or_default().to_vec();
                let mut rest = io::Cursor::new(first).chain(reader);
                self.stream(&mut rest, &place.within(Layer::Trailing(0)));
                return Ok(());
            }
        }
    }
}

/// A field up to its first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or_default()
}

/// Whether a path is absolute or has a part `..`.
pub(super) fn escapes(path: &[u8]) -> bool {
    let drive = matches!(path, [letter, b':', ..] if letter.is_ascii_alphabetic());
    let mut parts = path.split(|b| matches!(b, b'/' | b'\\'));
    drive || matches!(path.first(), Some(b'/' | b'\\')) || parts.any(|p| p == b"..")
}

/// Size in octal, or binary when its first bit is set (GNU).
fn size(block: &[u8; BLOCK]) -> Option<u64> {
    let field = block.get(124..136)?;
    match field.first()? {
        0x80 => field.get(4..)?.try_into().ok().map(u64::from_be_bytes),
        b if b & 0x80 != 0 => None,
        _ => crate::recognise::octal(field),
    }
}
