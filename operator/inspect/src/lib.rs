//! What is in these bytes? From the contents of one file to findings that people must look at.
//!
//! Pure: no I/O but the reader that is handed in, no clock, no randomness, no names. [`inspect`] looks at one file, by its
//! content only; [`name`] judges what a file is called, [`request`] what several files are together, and [`Folder`] does all
//! three, for an Import and for what goes to another environment too. Memory is bounded whatever the size of the input, work by [`Limits`]. What cannot be read is a finding, never a pass.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail loudly"))]

mod bytes;
mod findings;
mod folder;
mod genomic;
mod image;
mod import;
mod inspect;
mod kind;
mod limits;
mod malware;
mod name;
mod page;
mod recognise;
mod report;
mod request;
mod rules;
mod sample;
mod table;
mod text;
mod transfer;
mod walk;

pub use folder::{DeclaredFile, Folder};
pub use genomic::genomic;
pub use import::{Direction, OnImport, of_import, on_import, only_imports};
pub use inspect::{InspectError, inspect};
pub use kind::{Class, Kind};
pub use limits::{Declared, Limits, Thresholds};
pub use malware::Malware;
pub use name::name;
pub use page::page;
pub use report::{Facts, Finding, Layer, Place, Report, Severity};
pub use request::request;
pub use rules::{Rule, table as rules};
pub use sample::{Delimiter, recognise};
