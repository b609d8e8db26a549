//! Tickets as the portals sign them, and as others would.

use sde_evidence::SigningKey;
use sde_ticket::{Ticket, TicketSigner};

use super::key;

/// Signed by the key of its issuer.
pub fn signed(ticket: &Ticket) -> String {
    let pem = key(ticket.iss).to_pkcs8_pem().expect("PEM");
    let signer = TicketSigner::new(ticket.iss, &pem).expect("a signer");
    signer.sign(ticket).expect("a token")
}

/// Signed by a key that is nobody's.
pub fn forged(ticket: &Ticket) -> String {
    let key = SigningKey::generate(|bytes| *bytes = [9; 32]).expect("a key");
    let pem = key.to_pkcs8_pem().expect("PEM");
    let signer = TicketSigner::new(ticket.iss, &pem).expect("a signer");
    signer.sign(ticket).expect("a token")
}
