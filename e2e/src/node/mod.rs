//! The node lane: the operator installed on a real kind cluster, people with identities of their own, notebooks.

pub mod acts;
pub mod attestation;
pub mod door;
pub mod notebook;
pub mod partner;
pub mod people;
pub mod session;
pub mod site;
pub mod story;

pub use site::Site;
