//! zip by its central directory (APPNOTE 6.3). Our own reader, so that a directory of any size takes no memory and what the
//! directory does not mention is seen.

use std::io::{self, BufReader, Read, SeekFrom};

use flate2::bufread::DeflateDecoder;

use super::tarball::escapes;
use super::{Input, Walk, Window};
use crate::bytes::{u16_le, u32_le, u64_le};
use crate::report::{Layer, Place};
use crate::rules;

/// End of central directory, without comment.
const END: usize = 22;
/// Entry of the central directory, without name.
const ENTRY: usize = 46;
/// Local header, without name.
const LOCAL: u64 = 30;

/// Where the central directory is.
struct Directory {
    start: u64,
    end: u64,
    /// What stands before the archive, which its offsets do not count.
    shift: u64,
    /// Where the archive ends.
    last: u64,
}

/// One entry of the directory.
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    compressed: u64,
    header: u64,
    mode: u32,
}

impl Walk<'_> {
    /// Looks at every entry. `office` says that pictures and parts of a document are expected.
    pub(super) fn zip(
        &mut self,
        input: &mut dyn Input,
        length: u64,
        office: bool,
        place: &Place,
    ) -> io::Result<()> {
        let Some(directory) = directory(input, length)? else {
            self.findings
                .unread(place, "the archive has no directory: it is cut off");
            return Ok(());
        };
        if directory.shift > 0 {
            let what = format!("{} bytes stand before the archive", directory.shift);
            self.findings.add(&rules::G021, place, what);
            let mut before = Window::new(input, 0, directory.shift);
            self.stream(&mut before, &place.within(Layer::Embedded(0)));
        }
        let mut at = directory.start;
        let mut used = directory.last.saturating_sub(directory.start);
        for number in 1.. {
            let Some((entry, next)) = entry(input, at, directory.end)? else {
                break;
            };
            at = next;
            let place = place.within(Layer::Entry(number));
            if !self.budget.entry() {
                self.findings
                    .add(&rules::G023, &place, "more entries than allowed");
                return Ok(());
            }
            used = used.saturating_add(self.zip_entry(
                input,
                &entry,
                directory.shift,
                office,
                &place,
            )?);
        }
        if at != directory.end {
            self.findings
                .unread(place, "the archive's directory cannot be read to its end");
        }
        self.zip_gaps(input, length, &directory, used, place)
    }

    /// One entry; returns the bytes it takes in the file.
    fn zip_entry(
        &mut self,
        input: &mut dyn Input,
        entry: &Entry,
        shift: u64,
        office: bool,
        place: &Place,
    ) -> io::Result<u64> {
        if escapes(&entry.name) {
            self.findings
                .add(&rules::G023, place, "a path that leads out of the folder");
        }
        // Unix modes are in the upper half; a link is 0120000.
        if matches!((entry.mode >> 28) & 0xf, 0x1 | 0x2 | 0x6 | 0xa) {
            self.findings
                .add(&rules::G009, place, "a link or special file");
        }
        if package(&entry.name) {
            self.findings
                .add(&rules::N002, place, "an installable package");
        }
        if office {
            self.office_part(&entry.name, place);
        }
        let header = entry.header.saturating_add(shift);
        let mut local = Vec::new();
        Window::new(input, header, LOCAL).read_to_end(&mut local)?;
        let (Some(name), Some(extra)) = (u16_le(&local, 26), u16_le(&local, 28)) else {
            self.findings.unread(place, "the entry is not in the file");
            return Ok(0);
        };
        let lead = LOCAL + u64::from(name) + u64::from(extra);
        let data = header.saturating_add(lead);
        if entry.flags & 1 != 0 {
            self.findings
                .add(&rules::G014, place, "the entry is encrypted");
        } else {
            let mut content = BufReader::new(Window::new(input, data, entry.compressed));
            match entry.method {
                0 => {
                    self.stream(&mut content, place);
                }
                8 => {
                    let decoder = DeflateDecoder::new(content);
                    let mut metered = self.budget.meter(decoder, Some(entry.compressed));
                    self.stream(&mut metered, place);
                    self.expanded(&metered, place);
                }
                method => {
                    let what = format!("compressed with method {method}, which is not opened here");
                    self.findings.add(&rules::G014, place, what);
                }
            }
        }
        // A data descriptor of at most 24 bytes may follow.
        let descriptor = if entry.flags & 8 != 0 { 24 } else { 0 };
        Ok(lead
            .saturating_add(entry.compressed)
            .saturating_add(descriptor))
    }

    /// What is in the file and not in the archive.
    fn zip_gaps(
        &mut self,
        input: &mut dyn Input,
        length: u64,
        directory: &Directory,
        used: u64,
        place: &Place,
    ) -> io::Result<()> {
        if directory.last < length {
            let what = format!("{} bytes follow the archive", length - directory.last);
            self.findings
                .add(&rules::G021, &place.offset(directory.last), what);
            let mut rest = Window::new(input, directory.last, length - directory.last);
            self.stream(&mut rest, &place.within(Layer::Trailing(directory.last)));
        }
        // Alignment of entries takes some; an entry that the directory leaves out takes more.
        let slack = 4096;
        if used.saturating_add(slack) < directory.last.saturating_sub(directory.shift) {
            let what = "bytes in the archive that its directory does not mention";
            self.findings.add(&rules::G021, place, what);
        }
        Ok(())
    }
}

/// Whether an archive with such an entry is a Python wheel or egg, or a Java archive.
fn package(name: &[u8]) -> bool {
    name.ends_with(b".dist-info/WHEEL")
        || name == b"EGG-INFO/PKG-INFO"
        || name == b"META-INF/MANIFEST.MF"
}

/// Finds the central directory from the end of the file; zip64 where the small one says so.
fn directory(mut input: &mut dyn Input, length: u64) -> io::Result<Option<Directory>> {
    let window = length.min(END as u64 + u64::from(u16::MAX) * 4);
    input.seek(SeekFrom::Start(length - window))?;
    let mut tail = Vec::new();
    (&mut input).take(window).read_to_end(&mut tail)?;
    let Some(at) = tail.windows(4).rposition(|w| w == b"PK\x05\x06") else {
        return Ok(None);
    };
    let end = tail.get(at..).unwrap_or_default();
    let (Some(size), Some(offset), Some(comment)) =
        (u32_le(end, 12), u32_le(end, 16), u16_le(end, 20))
    else {
        return Ok(None);
    };
    let record = length - window + at as u64;
    let last = (record + END as u64 + u64::from(comment)).min(length);
    let (mut size, mut offset, mut stop) = (u64::from(size), u64::from(offset), record);
    if size == u64::from(u32::MAX) || offset == u64::from(u32::MAX) {
        // The zip64 record stands before its locator, which stands before the small record.
        let before = tail.get(..at).unwrap_or_default();
        let Some(found) = before.windows(4).rposition(|w| w == b"PK\x06\x06") else {
            return Ok(None);
        };
        let big = before.get(found..).unwrap_or_default();
        let (Some(s), Some(o)) = (u64_le(big, 40), u64_le(big, 48)) else {
            return Ok(None);
        };
        (size, offset, stop) = (s, o, length - window + found as u64);
    }
    let Some(start) = stop.checked_sub(size) else {
        return Ok(None);
    };
    Ok(start.checked_sub(offset).map(|shift| Directory {
        start,
        end: stop,
        shift,
        last,
    }))
}

/// The entry at `at`, and where the next one is.
fn entry(mut input: &mut dyn Input, at: u64, end: u64) -> io::Result<Option<(Entry, u64)>> {
    if at >= end {
        return Ok(None);
    }
    input.seek(SeekFrom::Start(at))?;
    let mut fixed = Vec::new();
    (&mut input).take(ENTRY as u64).read_to_end(&mut fixed)?;
    if !fixed.starts_with(b"PK\x01\x02") || fixed.len() < ENTRY {
        return Ok(None);
    }
    let short = |at| u16_le(&fixed, at).unwrap_or(0);
    let long = |at| u32_le(&fixed, at).unwrap_or(0);
    let (name, extra, comment) = (short(28), short(30), short(32));
    let mut variable = Vec::new();
    (&mut input)
        .take(u64::from(name) + u64::from(extra))
        .read_to_end(&mut variable)?;
    let more = variable.split_off(usize::from(name).min(variable.len()));
    let (compressed, header) = sizes(&more, long(20), long(24), long(42));
    let entry = Entry {
        name: variable,
        flags: short(8),
        method: short(10),
        compressed,
        header,
        mode: long(38),
    };
    let next = at + ENTRY as u64 + u64::from(name) + u64::from(extra) + u64::from(comment);
    Ok(Some((entry, next)))
}

/// Compressed size and offset of the header, from the zip64 field where they do not fit.
fn sizes(extra: &[u8], compressed: u32, size: u32, header: u32) -> (u64, u64) {
    let field = zip64(extra);
    let mut at = 0;
    let mut next = |small: u32| {
        if small != u32::MAX {
            return u64::from(small);
        }
        let big = u64_le(field, at).unwrap_or(u64::from(small));
        at += 8;
        big
    };
    let _ = next(size);
    (next(compressed), next(header))
}

/// The content of the first extra field that is zip64's (id 1): ids and lengths are followed, since the two bytes of the id
/// occur in others' content too.
fn zip64(extra: &[u8]) -> &[u8] {
    let mut rest = extra;
    while let (Some(id), Some(length)) = (u16_le(rest, 0), u16_le(rest, 2)) {
        let content = rest.get(4..).unwrap_or_default();
        let Some((field, next)) = content.split_at_checked(length.into()) else {
            break;
        };
        if id == 1 {
            return field;
        }
        rest = next;
    }
    &[]
}
