//! The admission policies of this folder: reads them and their cases, makes their static form, and decides cases with a CEL evaluator of
//! our own process, so that every case has an answer before any API server is asked.

pub mod cases;
pub mod embedded;
pub mod error;
#[cfg(feature = "evaluate")]
pub mod evaluate;
pub mod file;
pub mod generate;
pub mod selector;

pub use error::{PolicyError, Result};
