//! One export from question to release, and every page on the way.

use sde_crds::airlock_status::AirlockPhase;
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, project};
use super::error::{Result, check};
use super::lab::Lab;
use super::life::RESEARCHER;
use super::portal_pages::Album;
use crate::portal::browser::Page;
use crate::portal::front::Front;
use crate::portal::portals::Side;

fn shows(page: &Page, words: &str) -> Result<()> {
    check(
        page.text.contains(words),
        format_args!("{} does not say {words:?}:\n{}", page.url, page.text),
    )
}

/// A researcher asks, two people agree, it is released: all of it in the browser.
pub(super) async fn released(lab: &Lab, front: &Front) -> Result<()> {
    let name = "portalone";
    project(lab, name)?.open().await?;
    let album = Album::new(front)?;
    let browser = &front.browser;
    let page = front.sign_in(RESEARCHER, Side::Request, RESEARCHER).await?;
    shows(&page, "Signed in as researcher")?;
    album
        .page(RESEARCHER, Side::Request, "request-first")
        .await?;
    browser
        .submit(RESEARCHER, "Open", json!({"project": name}))
        .await?;
    let export = Export::ask(lab, name, "tables").await?;
    let seen = export.confirmed().await?;
    browser.visit(RESEARCHER, &front.request.url("/")).await?;
    album
        .page(RESEARCHER, Side::Request, "request-list")
        .await?;
    let page = browser.follow(RESEARCHER, "tables").await?;
    shows(&page, "In review")?;
    album.page(RESEARCHER, Side::Request, "request-one").await?;
    for checker in CHECKERS {
        let page = front.sign_in(checker, Side::Decide, checker).await?;
        shows(&page, "You may decide")?;
        album.page(checker, Side::Decide, "decide-queue").await?;
        export.review(checker, &seen, json!({})).await?;
    }
    export.phase(AirlockPhase::Released).await?;
    album.complete()
}
