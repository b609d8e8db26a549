//! 7z, by sevenz-rust2.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sevenz_rust2::{Archive, BlockDecoder, Error, Password};

use super::sevenzip_header::modest;
use super::tarball::escapes;
use super::{Input, Walk};
use crate::report::{Layer, Place};
use crate::rules;

impl Walk<'_> {
    /// Looks at every entry.
    pub(super) fn seven(&mut self, input: &mut dyn Input, length: u64, place: &Place) {
        let limit = self.budget.dictionary();
        if !matches!(modest(input, length, limit), Ok(true)) {
            let what = "a directory that is cut off, or needs more memory than allowed";
            self.findings.unread(place, what);
            return;
        }
        // Somebody else's parser over hostile bytes: should it panic, this file is held and the others go on.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.blocks(input, limit, place)));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) if opaque(&error) => {
                let what = "encrypted, or compressed in a way that is not opened here";
                self.findings.add(&rules::G014, place, what);
            }
            Ok(Err(_)) => self.findings.unread(place, "the archive cannot be read"),
            Err(_) => self
                .findings
                .unread(place, "the archive made its reader fail"),
        }
    }

    fn blocks(
        &mut self,
        mut input: &mut dyn Input,
        limit: u64,
        place: &Place,
    ) -> Result<(), Error> {
        let none = Password::empty();
        let archive = Archive::read(&mut input, &none)?;
        let mut number = 0;
        for file in &archive.files {
            if escapes(file.name().as_bytes()) {
                self.findings
                    .add(&rules::G023, place, "a path that leads out of the folder");
            }
        }
        for (index, block) in archive.blocks.iter().enumerate() {
            let coders = block.coders.iter();
            let memory = coders
                .map(|c| dictionary(c.encoder_method_id(), c.properties()))
                .fold(0, u64::saturating_add);
            if memory > limit {
                self.findings.add(
                    &rules::G023,
                    place,
                    "needs more memory to be opened than allowed",
                );
                continue;
            }
            let mut stopped = false;
            BlockDecoder::new(1, index, &archive, &none, &mut input).for_each_entries(
                &mut |_, reader| {
                    number += 1;
                    stopped |= !self.seven_entry(reader, number, place);
                    Ok(!stopped)
                },
            )?;
            if stopped {
                break;
            }
        }
        Ok(())
    }

    /// One entry; false when there were too many.
    fn seven_entry(&mut self, reader: &mut dyn Read, number: u32, place: &Place) -> bool {
        let place = place.within(Layer::Entry(number));
        if !self.budget.entry() {
            self.findings
                .add(&rules::G023, &place, "more entries than allowed");
            return false;
        }
        let mut metered = self.budget.meter(reader, None);
        self.budget.nest();
        self.stream(&mut metered, &place);
        self.budget.unnest();
        self.expanded(&metered, &place);
        !metered.exceeded
    }
}

/// Bytes of dictionary that a coder asks for (LZMA, LZMA2; 7zFormat).
pub(super) fn dictionary(method: &[u8], properties: &[u8]) -> u64 {
    match (method, properties) {
        ([3, 1, 1], _) => crate::bytes::u32_le(properties, 1).map_or(0, u64::from),
        ([0x21], [bits, ..]) => match bits & 0x3f {
            bits @ 0..40 => (2 | u64::from(bits & 1)) << (bits / 2 + 11),
            _ => u64::MAX,
        },
        _ => 0,
    }
}

fn opaque(error: &Error) -> bool {
    matches!(
        error,
        Error::PasswordRequired
            | Error::UnsupportedCompressionMethod(_)
            | Error::MaybeBadPassword(_)
            | Error::Unsupported(_)
    )
}
