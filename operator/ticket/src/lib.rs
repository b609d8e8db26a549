//! Tickets for the airlock's door: who may do what, with which sealed bytes, at which job's pod, for how many minutes.
//!
//! A ticket is a JWT (RFC 7519) in compact form, signed with ES256 (RFC 7518 §3.4) by one of the two portals. The door and the job
//! behind it both check it, with the portals' public keys. Pure: the time is an argument, and randomness comes from the caller.
//!
//! JSON Web Signature has a history of verifiers that let the token choose how it is checked. Here it chooses nothing: the only
//! header that is accepted is, byte for byte, the one that is written.

mod claims;
mod error;
mod jws;

pub use claims::{Act, Audience, Issuer, PORT, Ticket};
pub use error::TicketError;
pub use jws::{TOKEN_MAX, TicketSigner, Verifier};
