//! Why there is no page, as a page: what happened, in whose words, and what to do.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::html;

use crate::page;
use crate::sign_in;

/// Why there is no page.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in; where to go once somebody is.
    SignIn(String),
    /// A form was sent and nobody is signed in any more.
    SignedOut,
    /// A form that none of our pages sent in this session.
    Forged,
    /// A form that is larger, slower or otherwise than any of ours.
    BadForm,
    /// There is no such page.
    NoPage,
    /// The API server refused or did not answer.
    Api {
        /// What was being done.
        doing: String,
        /// Its error.
        source: Box<kube::Error>,
    },
    /// Something of ours stands in the way; the sentence says what to do.
    Refused(String),
}

impl PageError {
    /// An API error, with what was being done.
    pub fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Api {
            doing,
            source: Box::new(source),
        }
    }
}

/// The API server's own words, since our policies' messages say what to do; of anything else just that it failed.
pub fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 401 => {
            "The API server does not know this portal. Tell your platform team.".to_owned()
        }
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        kube::Error::Api(status) => format!("HTTP {} {}", status.code, status.reason),
        _ => "The API server cannot be reached. Try again in a minute.".to_owned(),
    }
}

/// Whether the API server answered with this code.
pub fn is_code(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}

fn status(error: &kube::Error) -> StatusCode {
    match error {
        kube::Error::Api(status) => match status.code {
            403 => StatusCode::FORBIDDEN,
            404 => StatusCode::NOT_FOUND,
            409 => StatusCode::CONFLICT,
            400 | 422 => StatusCode::UNPROCESSABLE_ENTITY,
            429 => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_GATEWAY,
        },
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(to) => Redirect::to(&sign_in::address(&to)).into_response(),
            Self::SignedOut => page::error(
                StatusCode::UNAUTHORIZED,
                "You are signed out",
                html! {
                    p { "You were signed out before the form arrived, so nothing was done." }
                    p { a href="/" { "Sign in and begin again" } }
                },
            ),
            Self::Forged => page::error(
                StatusCode::FORBIDDEN,
                "This form was not sent from here",
                html! {
                    p { "The form did not come from a page of this portal in your present session, so nothing was done." }
                    p { a href="/" { "Open the page again" } " and send the form from there." }
                },
            ),
            Self::BadForm => page::error(
                StatusCode::BAD_REQUEST,
                "The form could not be read",
                html! { p { "It is larger or slower than any form of this portal. Nothing was done." } },
            ),
            Self::NoPage => page::error(
                StatusCode::NOT_FOUND,
                "There is no such page",
                html! { p { "Check the address, or " a href="/" { "go to the first page" } "." } },
            ),
            Self::Api { doing, source } => {
                tracing::warn!(doing, "{source}");
                page::error(
                    status(&source),
                    "That did not work",
                    html! {
                        p { "It failed while " (doing) ". This is the answer:" }
                        blockquote { p { (words(&source)) } }
                        p { a href="/" { "Go to the first page" } }
                    },
                )
            }
            Self::Refused(text) => page::error(
                StatusCode::UNPROCESSABLE_ENTITY,
                "That cannot be done",
                html! {
                    p { (page::sentence(&text)) }
                    p { a href="/" { "Go to the first page" } }
                },
            ),
        }
    }
}
