//! Workspace: one notebook, opened only after the lock of its own pod is proven.

pub mod desired;
pub mod inbox;
pub mod notebook;
pub mod observe;
mod room;
pub mod status;
pub mod validate;

pub use desired::{Desired, desired};
pub use observe::Observed;
pub use status::status;
pub use validate::{Validated, validate};
