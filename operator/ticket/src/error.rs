//! Why a ticket is refused, or cannot be made.

use thiserror::Error;

use crate::claims::{Act, Issuer};

/// Why a ticket is refused, or cannot be made. Says nothing of what the token holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TicketError {
    /// Not an unencrypted PKCS#8 PEM of a P-256 private key.
    #[error("not a P-256 private key in PKCS#8 PEM")]
    PrivateKey,
    /// Not an SPKI PEM of a P-256 public key.
    #[error("the key of {0} is not a P-256 public key in SPKI PEM")]
    PublicKey(Issuer),
    /// Not three parts, not our header, not base64url, or not a ticket's claims.
    #[error("not a ticket")]
    Malformed,
    /// No key of its issuer is known.
    #[error("no key of {0} is known")]
    UnknownIssuer(Issuer),
    /// Its signature is not that of its issuer's key.
    #[error("the ticket's signature is wrong")]
    Signature,
    /// A signer was asked to sign in another's name.
    #[error("this key signs for {signer}, not for {claimed}")]
    Issuer {
        /// Whose key it is.
        signer: Issuer,
        /// Who the ticket says has issued it.
        claimed: Issuer,
    },
    /// Its issuer may not allow that.
    #[error("{issuer} may not issue tickets for {act}")]
    Act {
        /// Who issued it.
        issuer: Issuer,
        /// What it would allow.
        act: Act,
    },
    /// It would be good for longer than its act allows, or for no time.
    #[error("the ticket's lifetime is not between 1 and {0} seconds")]
    Lifetime(u64),
    /// It begins in the future.
    #[error("the ticket is not valid yet")]
    NotYetValid,
    /// It is over.
    #[error("the ticket has expired")]
    Expired,
    /// The address is not a job's: another port, or none that can be dialled.
    #[error("the ticket's address is not that of an airlock job")]
    Address,
    /// A text is empty, too long, or of another form; which one.
    #[error("the ticket's {0} is not well-formed")]
    Field(&'static str),
}
