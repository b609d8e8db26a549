//! Dataset: whether a registered release can be granted, and how many Projects hold it.

pub mod observe;
pub mod status;
pub mod validate;

pub use observe::Observed;
pub use status::status;
pub use validate::validate;
