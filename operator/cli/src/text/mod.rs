//! Plain text for people: colours, lines, trees, tables and times. Pure.

mod line;
mod paint;
mod table;
mod tree;
mod when;

pub use line::Line;
pub use paint::{Paint, Tone};
pub use table::table;
pub use tree::Tree;
pub use when::{ago, span, stamp};
