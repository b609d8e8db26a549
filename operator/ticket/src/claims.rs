//! What a ticket says, and what it may say.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::error::TicketError;

/// The port that airlock jobs serve the door on.
pub const PORT: u16 = 8444;

/// Seconds that the issuer's clock may be ahead of the verifier's.
const SKEW: u64 = 30;

/// Bytes of a name, digest or user.
const TEXT_MAX: usize = 253;

/// Who signs tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Issuer {
    /// The researchers' portal.
    #[serde(rename = "portal-request")]
    PortalRequest,
    /// The reviewers' portal.
    #[serde(rename = "portal-decide")]
    PortalDecide,
}

/// Whom tickets are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// The door, and the job behind it.
    #[serde(rename = "door")]
    Door,
}

/// What a ticket allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Collect a released Export, once.
    Collect,
    /// Look at what is under review.
    View,
    /// Bring the files of an Import.
    Upload,
}

/// A ticket: the claims of the JWT, under their registered names where there are any (RFC 7519 §4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Who signed it.
    pub iss: Issuer,
    /// Whom it is for.
    pub aud: Audience,
    /// Who holds it: the name that the API server knows the person by.
    pub sub: String,
    /// When it was made, seconds since 1970 (UTC).
    pub iat: u64,
    /// When it ends, seconds since 1970 (UTC).
    pub exp: u64,
    /// What tells it from all others: 128 random bits as 32 hexadecimal digits, or a UUID.
    pub jti: String,
    /// What it allows.
    pub act: Act,
    /// The Project's name.
    pub project: String,
    /// The AirlockRequest's name.
    pub request: String,
    /// The AirlockRequest's UID.
    pub uid: String,
    /// Digest of the sealed content (`status.content.digest`); empty for an upload, before which nothing is sealed, and only then.
    pub content: String,
    /// Where the job serves: its pod's address and [`PORT`].
    pub at: SocketAddr,
    /// UID of the job's pod.
    pub pod: String,
}

impl Issuer {
    /// As in the claim, and the name of its key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PortalRequest => "portal-request",
            Self::PortalDecide => "portal-decide",
        }
    }

    /// Whether it may issue tickets for that. No portal can do the other's part.
    #[must_use]
    pub const fn may(self, act: Act) -> bool {
        match self {
            Self::PortalRequest => matches!(act, Act::Collect | Act::Upload),
            Self::PortalDecide => matches!(act, Act::View),
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Act {
    /// The longest that a ticket for it may be good for, in seconds. A collection begins at once; reviewing and bringing files take
    /// longer.
    #[must_use]
    pub const fn max_seconds(self) -> u64 {
        match self {
            Self::Collect => 10 * 60,
            Self::View | Self::Upload => 60 * 60,
        }
    }

    /// Whether it is about content that was sealed.
    #[must_use]
    pub const fn of_sealed(self) -> bool {
        match self {
            Self::Collect | Self::View => true,
            Self::Upload => false,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Collect => "Collect",
            Self::View => "View",
            Self::Upload => "Upload",
        })
    }
}

impl Ticket {
    /// Whether a portal may make this ticket at all, whatever the time.
    pub(crate) fn possible(&self) -> Result<(), TicketError> {
        if !self.iss.may(self.act) {
            return Err(TicketError::Act {
                issuer: self.iss,
                act: self.act,
            });
        }
        let longest = self.act.max_seconds();
        match self.exp.checked_sub(self.iat) {
            Some(1..) if self.exp - self.iat <= longest => {}
            _ => return Err(TicketError::Lifetime(longest)),
        }
        let ip = self.at.ip();
        if self.at.port() != PORT || ip.is_unspecified() || ip.is_multicast() {
            return Err(TicketError::Address);
        }
        let fields = [
            ("user", &self.sub),
            ("project", &self.project),
            ("request", &self.request),
            ("request's UID", &self.uid),
            ("pod's UID", &self.pod),
        ];
        for (name, text) in fields {
            if text.is_empty() || !is_text(text) {
                return Err(TicketError::Field(name));
            }
        }
        if self.content.is_empty() == self.act.of_sealed() || !is_text(&self.content) {
            return Err(TicketError::Field("content digest"));
        }
        // These become parts of header lines and file names.
        for (name, text) in [("project", &self.project), ("request", &self.request)] {
            if !text.bytes().all(is_name) {
                return Err(TicketError::Field(name));
            }
        }
        for (name, text) in [("request's UID", &self.uid), ("pod's UID", &self.pod)] {
            if !text.bytes().all(is_uid) {
                return Err(TicketError::Field(name));
            }
        }
        if !matches!(self.jti.len(), 32 | 36) || !self.jti.bytes().all(is_uid) {
            return Err(TicketError::Field("id"));
        }
        Ok(())
    }

    /// Whether it is good at that time, in seconds since 1970.
    pub(crate) fn in_time(&self, now: u64) -> Result<(), TicketError> {
        if self.iat > now.saturating_add(SKEW) {
            return Err(TicketError::NotYetValid);
        }
        if self.exp <= now {
            return Err(TicketError::Expired);
        }
        Ok(())
    }
}

fn is_text(text: &str) -> bool {
    text.len() <= TEXT_MAX && !text.chars().any(char::is_control)
}

/// Of a name of Kubernetes objects (RFC 1123).
fn is_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')
}

fn is_uid(byte: u8) -> bool {
    matches!(byte, b'a'..=b'f' | b'0'..=b'9' | b'-')
}
