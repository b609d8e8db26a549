//! Plain text for people: colours, lines, trees, tables. Pure.

mod line;
mod paint;
mod table;
mod tree;

pub use line::Line;
pub use paint::{Paint, Tone};
pub use table::table;
pub use tree::Tree;
