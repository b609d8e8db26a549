//! Office documents: parts that carry more than is shown.

use std::io;

use super::{Input, Walk};
use crate::bytes::find;
use crate::report::Place;
use crate::rules;

/// Parts of documents, in lower case: macros, embedded objects, caches, links.
const PARTS: [&[u8]; 8] = [
    b"vbaproject.bin",
    b"embeddings/",
    b"externallinks/",
    b"pivotcache",
    b"activex/",
    b"basic/",
    b"object ",
    b"macrosheets/",
];

impl Walk<'_> {
    /// A zip of parts; documents from before 2007 are not opened.
    pub(super) fn office(
        &mut self,
        input: &mut dyn Input,
        length: u64,
        place: &Place,
    ) -> io::Result<()> {
        let mut first = [0; 2];
        input.rewind()?;
        input.read_exact(&mut first)?;
        if &first == b"PK" {
            self.zip(input, length, true, place)
        } else {
            let what = "a document in a format from before 2007 is not opened";
            self.findings.unread(place, what);
            Ok(())
        }
    }

    /// One part, by its path in the document: that name is part of the format.
    pub(super) fn office_part(&mut self, name: &[u8], place: &Place) {
        let name = name.to_ascii_lowercase();
        if PARTS.iter().any(|part| find(&name, part).is_some()) {
            let what = "macros, embedded objects, caches or external links";
            self.findings.add(&rules::D003, place, what);
        }
    }
}
