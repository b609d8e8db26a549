//! What the beginning of some bytes says that they are. Every recogniser is a function of those bytes alone.

mod archives;
mod data;
mod genomic;
mod media;
mod models;
pub mod strong;
pub mod text;

pub use archives::{octal, tar};

use crate::kind::Kind;

/// Bytes at the beginning that recognisers may look at.
pub const HEAD: usize = 64 * 1024;

/// The kind of binary content, if it is one of ours. `head` is the beginning, all of it when `whole`.
pub fn binary(head: &[u8], whole: bool) -> Option<Kind> {
    genomic::recognise(head)
        .or_else(|| archives::recognise(head))
        .or_else(|| data::recognise(head))
        .or_else(|| media::recognise(head))
        .or_else(|| models::recognise(head, whole))
}
