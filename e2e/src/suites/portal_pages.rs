//! Pages as everybody can use them: read by axe-core, reached by keyboard, loading nothing from elsewhere, and their pictures for the docs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::error::{Result, check, check_equal};
use crate::cluster::paths;
use crate::portal::browser::Page;
use crate::portal::front::Front;
use crate::portal::portals::Side;

/// The pages that were looked at, and those that they lead to.
pub(super) struct Album<'a> {
    front: &'a Front,
    folder: PathBuf,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    seen: BTreeSet<String>,
    linked: BTreeSet<String>,
    wrong: Vec<String>,
}

impl<'a> Album<'a> {
    /// An empty one. Pictures go to `docs/src/images/portal` with `SDE_BLESS=1`, otherwise beside what was built.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn new(front: &'a Front) -> Result<Self> {
        let bless = std::env::var("SDE_BLESS").is_ok_and(|value| value == "1");
        let folder = if bless {
            paths::repository().join("docs/src/images/portal")
        } else {
            paths::target().join("e2e/portal")
        };
        paths::create_dir(&folder)?;
        Ok(Self {
            front,
            folder,
            notes: Mutex::default(),
        })
    }

    /// Looks at the page that somebody is on: nothing wrong, all reached by keyboard, nothing from elsewhere; takes its picture. What
    /// is wrong is kept for [`complete`](Self::complete), so that one page does not hide the others.
    ///
    /// # Errors
    /// When the page is not there.
    pub(super) async fn page(&self, person: &str, side: Side, name: &str) -> Result<Page> {
        let page = self.answer(person, side, name).await?;
        let browser = &self.front.browser;
        // Once more with scripts allowed: what the page's own policy then forbids, it tried.
        browser.act(person, "strict", json!({})).await?;
        let heard = browser.heard(person).await?;
        let complaints: &[String] = &heard.complaints;
        check(
            complaints.is_empty(),
            format_args!("{name}: {complaints:?}"),
        )?;
        let own = self.front.portal(side).url("");
        check_equal(&format!("{name}: asked of"), &heard.origins, &vec![own])?;
        Ok(page)
    }

    /// The same for the answer to a form, which cannot be loaded again.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub(super) async fn answer(&self, person: &str, side: Side, name: &str) -> Result<Page> {
        let browser = &self.front.browser;
        let page = browser.page(person, "look", json!({})).await?;
        let own = self.front.portal(side).url("/");
        check(
            page.url.starts_with(&own),
            format_args!("{name}: {person} is at {}", page.url),
        )?;
        self.note(&own, &page);
        check(
            page.title.ends_with("Secure data environment"),
            format_args!("{name}: its title is {:?}", page.title),
        )?;
        let keyboard = browser.keyboard(person).await?;
        if keyboard.reached == 0 || !keyboard.unreached.is_empty() || !keyboard.unmarked.is_empty()
        {
            self.wrong(format!("{name}: {keyboard:?}"));
        }
        for violation in browser.axe(person).await? {
            self.wrong(format!("{name}: {violation}"));
        }
        let file = self.folder.join(format!("{name}.png"));
        browser
            .act(person, "screenshot", json!({"file": file}))
            .await?;
        browser.heard(person).await?;
        Ok(page)
    }

    fn wrong(&self, what: String) {
        self.notes().wrong.push(what);
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, own: &str, page: &Page) {
        let mut notes = self.notes();
        notes.seen.insert(shape(own, &page.url));
        let links = page.links.iter().map(|link| &link.href);
        let within = links.filter(|href| href.starts_with(own));
        notes.linked.extend(within.map(|href| shape(own, href)));
    }

    /// Whether nothing was wrong with any page, and every page that a page leads to was looked at.
    ///
    /// # Errors
    /// With everything that was wrong.
    pub(super) fn complete(&self) -> Result<()> {
        let mut notes = self.notes();
        // The first leads to the provider, and the others are files to keep, not pages.
        let file = |path: &str| path.contains("/attestations/*/") || path.contains("/receipts/*/");
        let page = |path: &&String| !path.ends_with("/sign-in") && !file(path);
        let missed: Vec<String> = notes
            .linked
            .difference(&notes.seen)
            .filter(page)
            .map(|path| format!("nobody looked at {path}"))
            .collect();
        notes.wrong.extend(missed);
        check(notes.wrong.is_empty(), notes.wrong.join("\n"))
    }
}

/// A page's host and path, with a star for every name in it.
fn shape(own: &str, url: &str) -> String {
    let path = url.strip_prefix(own).unwrap_or(url);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut named = false;
    let words: Vec<&str> = path
        .split('/')
        .map(|word| {
            let star = named && word != "new";
            named = [
                "projects",
                "requests",
                "closures",
                "attestations",
                "receipts",
            ]
            .contains(&word);
            if star { "*" } else { word }
        })
        .collect();
    format!("{own}{}", words.join("/"))
}

/// What is looked for is found where it is: on a page that is wrong.
pub(super) async fn control(front: &Front) -> Result<()> {
    let (browser, person) = (&front.browser, "tester");
    let bad = front.bad_page();
    browser.visit(person, &bad).await?;
    let violations = browser.axe(person).await?.join("\n");
    for rule in [
        "color-contrast",
        "html-has-lang",
        "image-alt",
        "label",
        "select-name",
    ] {
        check(
            violations.contains(rule),
            format_args!("axe found no {rule}:\n{violations}"),
        )?;
    }
    let keyboard = browser.keyboard(person).await?;
    check_equal(
        "what the keyboard does not reach",
        &keyboard.unreached,
        &vec!["Not to be reached by keyboard".to_owned()],
    )?;
    check_equal(
        "what does not show the focus",
        &keyboard.unmarked,
        &vec!["unmarked".to_owned()],
    )?;
    browser.heard(person).await?;
    let page = browser.page(person, "strict", json!({})).await?;
    check_equal("title, as no script ran", &page.title.as_str(), &"Bad")?;
    let heard = browser.heard(person).await?;
    let complaints = heard.complaints.join("\n");
    check(
        complaints.contains("script-src"),
        format_args!("the refused script was not heard of: {complaints}"),
    )?;
    check(
        heard
            .origins
            .iter()
            .any(|origin| origin == "https://127.0.0.1:9"),
        format_args!(
            "the request to elsewhere was not heard of: {:?}",
            heard.origins
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_differ_by_names_are_one_page() {
        let own = "https://request.localhost:1/";
        let one = shape(
            own,
            "https://request.localhost:1/projects/a/requests/b?said=x#y",
        );
        assert_eq!(one, "https://request.localhost:1/projects/*/requests/*");
        let new = shape(own, "https://request.localhost:1/projects/a/requests/new");
        assert_ne!(one, new);
        assert_eq!(shape(own, own), own);
    }
}
