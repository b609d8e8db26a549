//! In which form the admission policies are in force, found out and never believed (R2; decision 0013).
//!
//! `ask` is what to ask an API server: requests that our policies refuse to everybody, and their positive controls.
//! `answer` is what the answers show. `demand` is what a tier makes of it, and how old it may be.

pub mod answer;
pub mod ask;
pub mod demand;

pub use answer::{Answer, Finding, Round, Server, find};
pub use ask::{Asker, Attempt, Request, attempts};
pub use demand::{Demand, Standing};

#[cfg(test)]
mod tests;
