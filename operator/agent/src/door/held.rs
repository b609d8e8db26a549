//! The ticket that somebody holds: in a form that a portal made, or in the cookie that came of one.

use std::time::Duration;

use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use sde_ticket::{Act, Ticket};
use serde::Deserialize;
use tokio::time::timeout;

use crate::door::Door;
use crate::door::counts::Reason;
use crate::page::{Notice, notice};

/// The cookie of a viewer's ticket. The prefix makes browsers keep it to this host and to TLS (RFC 6265bis §4.1.3.2).
pub const COOKIE_NAME: &str = "__Host-sde-view";

/// For a form to arrive.
const FORM: Duration = Duration::from_secs(10);

/// A token, and what it says.
pub struct Held {
    /// As it was given.
    pub token: String,
    /// As it was checked.
    pub ticket: Ticket,
}

#[derive(Deserialize)]
struct Fields {
    ticket: String,
}

impl Held {
    /// Of a form with the one field `ticket`.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub async fn in_form(door: &Door, act: Act, request: Request) -> Result<Self, Notice> {
        let form = timeout(FORM, Form::<Fields>::from_request(request, &())).await;
        let Ok(Ok(Form(fields))) = form else {
            door.counts.refused(act, Reason::Form);
            return Err(notice(
                StatusCode::BAD_REQUEST,
                "This is not a form of the portal",
                "Go back to the portal and try again from there.",
            ));
        };
        Self::check(door, act, fields.ticket)
    }

    /// Of the viewer's cookie.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub fn in_cookie(door: &Door, headers: &HeaderMap) -> Result<Self, Notice> {
        let mut pairs = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split("; "));
        let token = pairs
            .find_map(|pair| pair.strip_prefix(COOKIE_NAME)?.strip_prefix('='))
            .unwrap_or_default();
        Self::check(door, Act::View, token.to_owned())
    }

    fn check(door: &Door, act: Act, token: String) -> Result<Self, Notice> {
        let checked = door.keys.borrow().verify(&token);
        match checked {
            Ok(ticket) if ticket.act == act => Ok(Self { token, ticket }),
            Ok(_) => {
                tracing::warn!("refused: a ticket for something else");
                door.counts.refused(act, Reason::Ticket);
                Err(notice(
                    StatusCode::FORBIDDEN,
                    "This link is for something else",
                    "Go back to the portal and open it from there.",
                ))
            }
            Err(error) => {
                tracing::warn!(%error, "refused");
                door.counts.refused(act, Reason::Ticket);
                Err(notice(
                    StatusCode::UNAUTHORIZED,
                    "This link is not valid, or not any more",
                    "Links are good for minutes. Go back to the portal and open it again from there.",
                ))
            }
        }
    }
}
