//! Web pages: one frame, one stylesheet. Markup is escaped unless it says otherwise, and nothing here says otherwise but the
//! document type.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// The stylesheet of every page.
pub const STYLE: &str = include_str!("style.css");

/// The only content security policy there is: no script, nothing from elsewhere, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// On every answer, whatever it is.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(POLICY),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    ),
    // Not no-referrer, with which a browser hides the origin of our own forms too.
    (
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("x-frame-options"),
        HeaderValue::from_static("DENY"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// A whole page.
pub fn page(title: &str, main: &Markup) -> Html<String> {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a class="skip" href="#main" { "Skip to the content" }
                main id="main" tabindex="-1" { (main) }
            }
        }
    };
    Html(markup.into_string())
}

/// A small page that says what happened and what to do.
#[derive(Debug, Clone, Copy)]
pub struct Notice {
    status: StatusCode,
    title: &'static str,
    advice: &'static str,
}

/// A [`Notice`].
pub const fn notice(status: StatusCode, title: &'static str, advice: &'static str) -> Notice {
    Notice {
        status,
        title,
        advice,
    }
}

impl IntoResponse for Notice {
    fn into_response(self) -> Response {
        let main = html! {
            h1 { (self.title) }
            p { (self.advice) }
        };
        (self.status, page(self.title, &main)).into_response()
    }
}

/// The stylesheet, at `/style.css`.
pub async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Sets the headers that every answer has, over what is there.
pub async fn secured(mut response: Response) -> Response {
    set(response.headers_mut());
    response
}

fn set(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
}
