//! A portal with an issuer that signs real tokens and an API server's listener that writes down who asked for what.

mod acting;
mod api;
mod browser;
pub mod fixtures;
mod forms;
mod importing;
mod issuer;
mod rendering;
mod signing_in;
mod transferring;
