//! What is left of the limits, shared by all layers.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::limits::Limits;

/// What is left.
pub struct Budget {
    expanded: Rc<Cell<u64>>,
    entries: u32,
    candidates: u32,
    work: u64,
    ratio: u64,
    nested: u32,
}

/// Bytes of dictionary that a decoder may ask for: the largest presets of xz and 7z take 64 MiB, the usual ones 8.
const DICTIONARY: u64 = 64 << 20;
/// The same inside another.
const NESTED: u64 = 8 << 20;
/// What xz needs besides its dictionary, KiB.
const XZ_REST: u64 = 2048;

/// Below this a layer may grow as it likes: small files of zeros are no bombs.
const FREE: u64 = 8 << 20;

impl Budget {
    /// All of it.
    pub fn new(limits: &Limits) -> Self {
        Self {
            expanded: Rc::new(Cell::new(limits.expanded_bytes)),
            entries: limits.entries,
            candidates: limits.candidates,
            work: limits.work_bytes,
            ratio: limits.ratio,
            nested: 0,
        }
    }

    /// Bytes of dictionary that the next decoder may ask for.
    pub fn dictionary(&self) -> u64 {
        if self.nested == 0 { DICTIONARY } else { NESTED }
    }

    /// The same as xz counts it.
    pub fn xz_kib(&self) -> u32 {
        u32::try_from(self.dictionary() / 1024 + XZ_REST).unwrap_or(0)
    }

    /// A decoder with a dictionary stays open while what it gives is looked at.
    pub fn nest(&mut self) {
        self.nested = self.nested.saturating_add(1);
    }

    /// And is done.
    pub fn unnest(&mut self) {
        self.nested = self.nested.saturating_sub(1);
    }

    /// One more entry; false when there were too many.
    pub fn entry(&mut self) -> bool {
        take(&mut self.entries)
    }

    /// One more guess; false when there were too many.
    pub fn candidate(&mut self) -> bool {
        take(&mut self.candidates)
    }

    /// So many bytes read; false when there were too many.
    pub fn work(&mut self, bytes: u64) -> bool {
        match self.work.checked_sub(bytes) {
            Some(left) => {
                self.work = left;
                true
            }
            None => false,
        }
    }

    /// A reader of something decompressed, from `compressed` bytes where that is known.
    pub fn meter<R: Read>(&self, inner: R, compressed: Option<u64>) -> Metered<R> {
        let may = compressed.map_or(u64::MAX, |c| c.saturating_mul(self.ratio).max(FREE));
        Metered {
            inner,
            may,
            all: Rc::clone(&self.expanded),
            exceeded: false,
        }
    }
}

fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// Reads until it would be too much.
pub struct Metered<R> {
    inner: R,
    may: u64,
    all: Rc<Cell<u64>>,
    /// Whether it would have been too much.
    pub exceeded: bool,
}

impl<R> Metered<R> {
    /// What is inside.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let bytes = read as u64;
        if bytes > self.may || bytes > self.all.get() {
            self.exceeded = true;
            self.may = 0;
            return Ok(0);
        }
        self.may -= bytes;
        self.all.set(self.all.get() - bytes);
        Ok(read)
    }
}
