//! The ticket that somebody holds: in a form that a portal made, or in the cookie that came of one.

use std::time::Duration;

use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sde_ticket::{Act, Ticket};
use serde::Deserialize;
use tokio::time::timeout;

use crate::door::Door;
use crate::door::counts::Reason;
use crate::page::{Notice, notice};

/// What takes more than one request: its ticket is kept in a cookie.
pub struct Visit {
    /// What it is.
    pub act: Act,
    /// Its cookie. The prefix makes browsers keep it to this host and to TLS (RFC 6265bis §4.1.3.2).
    cookie: &'static str,
    /// Where its pages are, one folder a request's UID.
    path: &'static str,
}

/// Looking at what is under review.
pub const VIEW: Visit = Visit {
    act: Act::View,
    cookie: "__Host-sde-view",
    path: "/view",
};

/// Bringing the files of an Import.
pub const UPLOAD: Visit = Visit {
    act: Act::Upload,
    cookie: "__Host-sde-upload",
    path: "/upload",
};

impl Visit {
    /// Where the pages of a request are.
    pub fn home(&self, held: &Held) -> String {
        format!("{}/{}/", self.path, held.ticket.uid)
    }

    /// Lets somebody in: the ticket becomes a cookie, for as long as it is good.
    pub fn enter(&self, held: &Held) -> Response {
        let life = held.ticket.exp.saturating_sub(crate::airlock::now());
        // Not Strict: it is the portal, another host, that leads here.
        let cookie = format!(
            "{}={}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=Lax",
            self.cookie, held.token
        );
        let headers = [(SET_COOKIE, cookie), (LOCATION, self.home(held))];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

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

    /// Of the cookie of a visit, for the request of this UID.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub fn in_cookie(
        door: &Door,
        visit: &Visit,
        uid: &str,
        headers: &HeaderMap,
    ) -> Result<Self, Notice> {
        let mut pairs = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split("; "));
        let token = pairs
            .find_map(|pair| pair.strip_prefix(visit.cookie)?.strip_prefix('='))
            .unwrap_or_default();
        let held = Self::check(door, visit.act, token.to_owned())?;
        if held.ticket.uid == uid {
            return Ok(held);
        }
        door.counts.refused(visit.act, Reason::Ticket);
        Err(notice(
            StatusCode::FORBIDDEN,
            "You have opened another request since",
            "One request can be open at a time. Go back to the portal and open this one again from there.",
        ))
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
