//! Goes through a file and everything inside it, layer by layer, within limits.

mod budget;
mod bzip2;
mod compressed;
mod embedded;
mod members;
mod office;
mod scan;
mod sevenzip;
mod sevenzip_header;
mod tarball;
mod window;
mod zip;
mod zstd;

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use budget::Budget;
pub use compressed::decoder;
pub use window::Window;

use crate::findings::Findings;
use crate::image;
use crate::kind::{Class, Kind};
use crate::limits::{Declared, Limits, Thresholds};
use crate::recognise::{self, HEAD};
use crate::report::Place;
use crate::rules;

/// What can be read from anywhere.
pub trait Input: Read + Seek {}
impl<T: Read + Seek + ?Sized> Input for T {}

/// One inspection under way.
pub struct Walk<'a> {
    /// What may be done.
    pub limits: &'a Limits,
    /// What rules compare with.
    pub thresholds: &'a Thresholds,
    /// What the request says.
    pub declared: &'a Declared,
    /// What was found.
    pub findings: Findings,
    budget: Budget,
}

impl<'a> Walk<'a> {
    /// Nothing looked at yet.
    pub fn new(limits: &'a Limits, thresholds: &'a Thresholds, declared: &'a Declared) -> Self {
        Self {
            limits,
            thresholds,
            declared,
            findings: Findings::new(limits),
            budget: Budget::new(limits),
        }
    }

    /// Looks at one layer that can be read from anywhere. Returns what it is and its length.
    pub fn node(&mut self, mut input: &mut dyn Input, place: &Place) -> io::Result<(Kind, u64)> {
        let length = input.seek(SeekFrom::End(0))?;
        input.rewind()?;
        let mut head = Vec::new();
        (&mut input).take(HEAD as u64).read_to_end(&mut head)?;
        let kind = identify(&head, head.len() as u64 == length);
        input.rewind()?;
        self.by_kind(kind, place);
        if kind.class() == Class::Container {
            self.open(kind, input, length, place)?;
            return Ok((kind, length));
        }
        if done(kind) {
            return Ok((kind, length));
        }
        let (kind, candidates) = self.scan(kind, &mut input, place)?;
        self.embedded(kind, input, length, &candidates, place)?;
        match kind {
            Kind::Png => image::png(self, input, length, place)?,
            Kind::Jpeg => image::jpeg(self, input, length, place)?,
            Kind::Pdf => image::pdf(self, input, length, place)?,
            _ => {}
        }
        Ok((kind, length))
    }

    /// Looks at bytes in memory.
    pub fn memory(&mut self, bytes: &[u8], place: &Place) -> Kind {
        match self.node(&mut Cursor::new(bytes), place) {
            Ok((kind, _)) => kind,
            Err(error) => {
                self.findings
                    .unread(place, format!("cannot be read: {error}"));
                Kind::Unknown
            }
        }
    }

    /// Looks at a layer that can be read once. As much as may be is kept, so that most can be read again.
    pub fn stream(&mut self, reader: &mut dyn Read, place: &Place) -> Kind {
        let mut buffer = Vec::new();
        let read = reader.take(self.limits.buffer).read_to_end(&mut buffer);
        if let Err(error) = read {
            let what = format!("reading stopped after {} bytes: {error}", buffer.len());
            self.findings.unread(place, what);
            return self.memory(&buffer, place);
        }
        if (buffer.len() as u64) < self.limits.buffer {
            return self.memory(&buffer, place);
        }
        self.long(buffer, reader, place)
    }

    /// A layer too long to keep: read through once.
    fn long(&mut self, buffer: Vec<u8>, reader: &mut dyn Read, place: &Place) -> Kind {
        let head = buffer.get(..HEAD).unwrap_or(&buffer);
        let kind = identify(head, false);
        self.by_kind(kind, place);
        let mut all = Cursor::new(buffer).chain(reader);
        match kind {
            Kind::Gzip | Kind::Bgzf | Kind::Zlib | Kind::Xz | Kind::Bzip2 | Kind::Zstd => {
                self.decompress(kind, &mut all, None, place);
            }
            Kind::Tar => self.tar(&mut all, place),
            Kind::Zip | Kind::SevenZip | Kind::Office | Kind::TorchZip => {
                let what = "an archive inside another is too long to be opened there";
                self.findings.unread(place, what);
            }
            _ if done(kind) => {}
            _ => match self.scan(kind, &mut all, place) {
                Ok((kind, candidates)) => {
                    self.unopened(&candidates, place);
                    if matches!(kind, Kind::Png | Kind::Jpeg | Kind::Pdf) {
                        let what = "an image or document inside an archive is too long to be checked there";
                        self.findings.unread(place, what);
                    }
                    return kind;
                }
                Err(error) => self
                    .findings
                    .unread(place, format!("reading stopped: {error}")),
            },
        }
        kind
    }

    /// What follows from the kind alone. Text is judged when it has been read.
    fn by_kind(&mut self, kind: Kind, place: &Place) {
        if kind.class() == Class::Text
            || (kind == Kind::Unknown && place.inside.iter().any(fragment))
        {
            return;
        }
        if kind.class() == Class::Image || kind == Kind::OtherMedia {
            self.findings.facts.figure = true;
        }
        if let Some(rule) = kind.rule() {
            self.findings.add(rule, &place.offset(0), kind.name());
        }
    }

    /// Opens a container.
    fn open(
        &mut self,
        kind: Kind,
        mut input: &mut dyn Input,
        length: u64,
        place: &Place,
    ) -> io::Result<()> {
        if place.inside.len() >= self.limits.depth {
            let what = format!("layers within layers, more than {}", self.limits.depth);
            self.findings.add(&rules::G023, place, what);
            return Ok(());
        }
        match kind {
            Kind::Tar => self.tar(&mut input, place),
            Kind::Zip | Kind::TorchZip => self.zip(input, length, false, place)?,
            Kind::Office => self.office(input, length, place)?,
            Kind::SevenZip => self.seven(input, length, place),
            _ => self.decompress(kind, &mut input, Some(length), place),
        }
        Ok(())
    }
}

/// Layers whose beginning and end are a guess: that such bytes are no known type says nothing.
fn fragment(layer: &crate::report::Layer) -> bool {
    use crate::report::Layer;
    matches!(
        layer,
        Layer::Base64(_) | Layer::Hex(_) | Layer::Embedded(_) | Layer::Metadata(_)
    )
}

/// Kinds of which nothing more need be known.
fn done(kind: Kind) -> bool {
    let blocked = kind
        .rule()
        .is_some_and(|r| r.severity == crate::report::Severity::Block);
    kind == Kind::Empty || (blocked && kind.class() != Class::Container)
}

/// What begins like this.
pub fn identify(head: &[u8], whole: bool) -> Kind {
    if head.is_empty() {
        return Kind::Empty;
    }
    recognise::binary(head, whole)
        .or_else(|| recognise::text::recognise(head))
        .unwrap_or(Kind::Unknown)
}
