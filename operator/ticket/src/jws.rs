//! From a ticket to its token and back: JWS compact serialisation (RFC 7515 §3.1) with ES256 and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey};

use crate::claims::{Issuer, Ticket};
use crate::error::TicketError;

/// Bytes of a token: the longest ticket fits, and a cookie holds it (RFC 6265 §6.1).
pub const TOKEN_MAX: usize = 3500;

/// The only header there is.
const HEADER: &str = r#"{"typ":"JWT","alg":"ES256"}"#;

/// One portal's key, to sign with.
pub struct TicketSigner {
    issuer: Issuer,
    key: SigningKey,
}

impl TicketSigner {
    /// From an unencrypted PKCS#8 PEM of a P-256 key.
    ///
    /// # Errors
    /// [`TicketError::PrivateKey`].
    pub fn new(issuer: Issuer, pkcs8_pem: &str) -> Result<Self, TicketError> {
        let key = SigningKey::from_pkcs8_pem(pkcs8_pem).map_err(|_| TicketError::PrivateKey)?;
        Ok(Self { issuer, key })
    }

    /// Whose key it is.
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        self.issuer
    }

    /// Signs a ticket. What [`Verifier::verify`] would refuse at every time is not signed.
    ///
    /// # Errors
    /// [`TicketError`]: the ticket is of another issuer, or one that nobody may make.
    pub fn sign(&self, ticket: &Ticket) -> Result<String, TicketError> {
        if ticket.iss != self.issuer {
            return Err(TicketError::Issuer {
                signer: self.issuer,
                claimed: ticket.iss,
            });
        }
        ticket.possible()?;
        let claims = serde_json::to_vec(ticket).map_err(|_| TicketError::Malformed)?;
        let mut token = URL_SAFE_NO_PAD.encode(HEADER);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature: Signature = self.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        if token.len() > TOKEN_MAX {
            return Err(TicketError::Malformed);
        }
        Ok(token)
    }
}

impl fmt::Debug for TicketSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketSigner({})", self.issuer)
    }
}

/// The portals' public keys.
#[derive(Debug, Clone)]
pub struct Verifier(BTreeMap<Issuer, VerifyingKey>);

impl Verifier {
    /// From SPKI PEMs (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// [`TicketError::PublicKey`].
    pub fn new(keys: BTreeMap<Issuer, String>) -> Result<Self, TicketError> {
        let parsed = keys.into_iter().map(|(issuer, pem)| {
            let key = VerifyingKey::from_public_key_pem(&pem)
                .map_err(|_| TicketError::PublicKey(issuer))?;
            Ok((issuer, key))
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The ticket of a token, if a portal made it, and might, and it is good `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`TicketError`]: it opens nothing.
    pub fn verify(&self, token: &str, now: u64) -> Result<Ticket, TicketError> {
        if token.len() > TOKEN_MAX {
            return Err(TicketError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TicketError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TicketError::Malformed)?;
        if decoded(header)? != HEADER.as_bytes() {
            return Err(TicketError::Malformed);
        }
        // Its issuer is read before the signature only to choose the key; nothing else is believed yet.
        let ticket: Ticket =
            serde_json::from_slice(&decoded(claims)?).map_err(|_| TicketError::Malformed)?;
        let key = self
            .0
            .get(&ticket.iss)
            .ok_or(TicketError::UnknownIssuer(ticket.iss))?;
        let signature =
            Signature::from_slice(&decoded(signature)?).map_err(|_| TicketError::Signature)?;
        key.verify(signed.as_bytes(), &signature)
            .map_err(|_| TicketError::Signature)?;
        ticket.possible()?;
        ticket.in_time(now)?;
        Ok(ticket)
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TicketError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TicketError::Malformed)
}
