//! What all pages have in common: landmarks, one heading, the style sheet, who is signed in. No JavaScript.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use crate::app::App;
use crate::args::Role;
use crate::fields::Problem;
use crate::signed_in::{CSRF, SignedIn};

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

/// What stands round a page's content.
#[derive(Clone, Copy)]
pub struct Shell<'a> {
    role: Option<Role>,
    who: Option<&'a SignedIn>,
    here: &'static str,
}

impl<'a> Shell<'a> {
    /// For somebody; `here` is the entry of the navigation that the page belongs to.
    pub fn of(role: Role, who: &'a SignedIn, here: &'static str) -> Self {
        Self {
            role: Some(role),
            who: Some(who),
            here,
        }
    }

    /// For nobody in particular.
    pub fn nobody(role: Role) -> Self {
        Self {
            role: Some(role),
            who: None,
            here: "",
        }
    }

    fn name(&self) -> &'static str {
        match self.role {
            Some(Role::Request) => "Requests",
            Some(Role::Decide) => "Decisions",
            None => "Portal",
        }
    }

    fn entries(&self) -> &'static [(&'static str, &'static str)] {
        match (self.role, self.who) {
            (Some(Role::Request), Some(_)) => &[("/", "My requests")],
            (Some(Role::Decide), Some(_)) => &[
                ("/", "Review queue"),
                ("/projects", "Projects"),
                ("/closures", "Closures"),
                ("/receipts", "Receipts"),
                ("/attestations", "Attestations"),
            ],
            _ => &[],
        }
    }

    /// The whole page. `title` is its one heading.
    pub fn page(&self, title: &str, content: Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (title) " – " (self.name()) " – Secure data environment" }
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="stylesheet" href="/style.css";
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                }
                body {
                    a class="skip" href="#content" { "Skip to the content" }
                    (self.header())
                    main id="content" tabindex="-1" {
                        h1 { (title) }
                        (content)
                    }
                    footer {
                        p { "Nothing leaves or enters a project as a file but what people released here." }
                    }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header {
                div class="bar" {
                    a class="brand" href="/" { "Secure data environment" span { (self.name()) } }
                    @if !self.entries().is_empty() {
                        nav aria-label="Main" {
                            ul {
                                @for (to, name) in self.entries() {
                                    li {
                                        a href=(to) aria-current=[(*to == self.here).then_some("page")] { (name) }
                                    }
                                }
                            }
                        }
                    }
                    @if let Some(who) = self.who {
                        form class="account" method="post" action="/sign-out" {
                            (csrf(who))
                            span { "Signed in as " strong { (who.user) } }
                            button class="quiet" type="submit" { "Sign out" }
                        }
                    }
                }
            }
        }
    }
}

/// The hidden field that says which session a form is of.
pub fn csrf(who: &SignedIn) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(who.csrf); }
}

/// A page that says why there is no other.
pub fn error(status: StatusCode, title: &str, content: Markup) -> Response {
    let shell = Shell {
        role: None,
        who: None,
        here: "",
    };
    (status, shell.page(title, content)).into_response()
}

/// What must be put right, above a form, each a link to its field.
pub fn problems(all: &[Problem]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    html! {
        section class="problems" role="alert" aria-labelledby="problems" {
            h2 id="problems" { "There is something to put right" }
            ul {
                @for problem in all {
                    li {
                        @if let Some(field) = &problem.field {
                            a href={ "#" (field) } { (sentence(&problem.text)) }
                        } @else {
                            (sentence(&problem.text))
                        }
                    }
                }
            }
        }
    }
}

/// A title that fits a line.
pub fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What was just done.
pub fn done(text: &str) -> Markup {
    html! { p class="done" role="status" { strong { "Done. " } (text) } }
}

/// A text with a capital at its beginning and a full stop at its end.
pub fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut said: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    said.push_str(chars.as_str());
    if !said.ends_with(['.', '!', '?', ':']) {
        said.push('.');
    }
    said
}

/// The style sheet and the icon.
pub fn assets() -> Router<App> {
    let kept = "public, max-age=300";
    Router::new()
        .route(
            "/style.css",
            get(move || async move {
                let css = "text/css; charset=utf-8";
                (
                    [(header::CONTENT_TYPE, css), (header::CACHE_CONTROL, kept)],
                    STYLE,
                )
            }),
        )
        .route(
            "/icon.svg",
            get(move || async move {
                let svg = "image/svg+xml";
                (
                    [(header::CONTENT_TYPE, svg), (header::CACHE_CONTROL, kept)],
                    ICON,
                )
            }),
        )
}
