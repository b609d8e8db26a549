//! Images and PDF: what they carry besides what they show.

mod jpeg;
mod pdf;
mod pixels;
mod png;

pub use jpeg::jpeg;
pub use pdf::pdf;
pub use png::png;

use std::io;

use crate::report::{Layer, Place};
use crate::rules;
use crate::walk::{Input, Walk, Window};

/// Looks at what follows the end of an image or document.
fn trailing(
    walk: &mut Walk<'_>,
    input: &mut dyn Input,
    end: u64,
    length: u64,
    place: &Place,
) -> io::Result<()> {
    if end >= length {
        return Ok(());
    }
    let what = format!("{} bytes follow the end", length - end);
    walk.findings.add(&rules::G021, &place.offset(end), what);
    let mut rest = Window::new(input, end, length - end);
    if place.inside.len() < walk.limits.depth {
        walk.node(&mut rest, &place.within(Layer::Trailing(end)))?;
    }
    Ok(())
}

/// Metadata seen in one image.
#[derive(Default)]
struct Metadata {
    bytes: u64,
    first: u64,
}

impl Metadata {
    /// One piece of it.
    fn add(&mut self, bytes: u64, at: u64) {
        if self.bytes == 0 {
            self.first = at;
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// All of it is seen.
    fn judge(&self, walk: &mut Walk<'_>, place: &Place) {
        if self.bytes > walk.thresholds.metadata_bytes {
            let what = format!("{} bytes of metadata", self.bytes);
            walk.findings
                .add(&rules::G021, &place.offset(self.first), what);
        }
    }
}

/// An image larger than people look at.
fn absurd(walk: &mut Walk<'_>, width: u64, height: u64, place: &Place) -> bool {
    let too_large = width.saturating_mul(height) > walk.thresholds.pixels;
    if too_large {
        let what = format!("an image of {width} by {height} pixels");
        walk.findings.add(&rules::G021, place, what);
    }
    too_large
}
