//! Streams that hold one thing: gzip, BGZF, zlib, xz, bzip2, zstd.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::ZlibDecoder;
use lzma_rust2::XzReader;

use super::Walk;
use super::budget::{Budget, Metered};
use super::bzip2::Blocks;
use super::members::Members;
use super::zstd::Frames;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::report::{Layer, Place};
use crate::rules;

/// What a compressed stream gives, whatever follows it; the reader again when it is none.
pub fn decoder<'a, R: BufRead + 'a>(kind: Kind, input: R) -> Result<Box<dyn Read + 'a>, R> {
    let budget = Budget::new(&Limits::default());
    Ok(match kind {
        Kind::Gzip | Kind::Bgzf => Box::new(Members::new(input)),
        Kind::Zlib => Box::new(ZlibDecoder::new(input)),
        Kind::Bzip2 => Box::new(Blocks::new(input)),
        Kind::Zstd => Box::new(Frames::new(input, budget.dictionary())),
        Kind::Xz => Box::new(XzReader::new_mem_limit(input, true, budget.xz_kib())),
        _ => return Err(input),
    })
}

impl Walk<'_> {
    /// Decompresses and looks at what comes out, and at what follows. `length` is that of the compressed bytes.
    pub(super) fn decompress(
        &mut self,
        kind: Kind,
        input: &mut dyn Read,
        length: Option<u64>,
        place: &Place,
    ) {
        let input = BufReader::new(input);
        match kind {
            Kind::Gzip | Kind::Bgzf => {
                let members = self.inside(Members::new(input), length, place);
                match members.trailing() {
                    Ok(Some(mut rest)) => self.after(&mut rest, place),
                    Ok(None) => {}
                    Err(error) => self.findings.unread(place, error.to_string()),
                }
            }
            Kind::Zlib => {
                let decoder = self.inside(ZlibDecoder::new(input), length, place);
                self.after(&mut decoder.into_inner(), place);
            }
            Kind::Bzip2 => {
                let decoder = self.inside(Blocks::new(input), length, place);
                self.after(&mut decoder.into_inner(), place);
            }
            Kind::Zstd => {
                let decoder = Frames::new(input, self.budget.dictionary());
                self.budget.nest();
                let decoder = self.inside(decoder, length, place);
                self.budget.unnest();
                if decoder.opaque {
                    let what = "needs a dictionary, or more memory than allowed, to be opened";
                    self.findings.add(&rules::G014, place, what);
                }
                if decoder.skipped > 0 {
                    let what = format!("{} bytes in frames that decoders skip", decoder.skipped);
                    self.findings.add(&rules::G021, place, what);
                }
                self.after(&mut decoder.into_inner(), place);
            }
            _ => {
                let decoder = XzReader::new_mem_limit(input, true, self.budget.xz_kib());
                self.budget.nest();
                let decoder = self.inside(decoder, length, place);
                self.budget.unnest();
                self.after(&mut decoder.into_inner(), place);
            }
        }
    }

    /// Looks at what a decoder gives, and gives the decoder back.
    fn inside<R: Read>(&mut self, decoder: R, length: Option<u64>, place: &Place) -> R {
        let mut metered = self.budget.meter(decoder, length);
        self.stream(&mut metered, &place.within(Layer::Decompressed));
        self.expanded(&metered, place);
        metered.into_inner()
    }

    /// Tells of what would have become too much.
    pub(super) fn expanded<R>(&mut self, metered: &Metered<R>, place: &Place) {
        if metered.exceeded {
            let what = "expands further than allowed; what came before was looked at";
            self.findings.add(&rules::G023, place, what);
        }
    }

    /// Looks at what follows the end of a stream.
    fn after(&mut self, rest: &mut dyn Read, place: &Place) {
        let mut first = [0; 1];
        // A failed stream has been told of already, and what follows its failure is not its end.
        if !matches!(rest.read(&mut first), Ok(1)) {
            return;
        }
        self.findings.add(
            &rules::G021,
            place,
            "something follows the end of the compressed stream",
        );
        let mut rest = first.as_slice().chain(rest);
        self.stream(&mut rest, &place.within(Layer::Trailing(0)));
    }
}
