//! What people do at the portals, each step in the browser: sign in, look until something shows, ask, submit, decide.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use sde_ticket::{Issuer, Ticket, Verifier};
use serde_json::{Value, json};

use super::error::{Result, SuiteError, check};
use super::lab::Lab;
use super::portal_pages::Album;
use super::waiting::PATIENCE;
use crate::controlplane::error::malformed;
use crate::controlplane::install::SYSTEM_NAMESPACE;
use crate::portal::browser::Page;
use crate::portal::front::Front;
use crate::portal::portals::Side;

/// Somebody at one of the portals.
#[derive(Clone, Copy)]
pub(super) struct Visitor<'a> {
    front: &'a Front,
    side: Side,
    /// Whose browser it is; the name they sign in under.
    user: &'a str,
}

impl<'a> Visitor<'a> {
    /// Signs in as a person whom the portal takes.
    ///
    /// # Errors
    /// When it does not.
    pub(super) async fn at(front: &'a Front, side: Side, user: &'a str) -> Result<Self> {
        let visitor = Self { front, side, user };
        // Whoever it was before, in another test, has left.
        front
            .browser
            .act(&visitor.browser(), "forget", json!({}))
            .await?;
        let page = front.sign_in(&visitor.browser(), side, user).await?;
        shows(&page, &format!("Signed in as {user}"))?;
        Ok(visitor)
    }

    /// One browser a person and portal: what one portal remembers of somebody is not the other's business.
    fn browser(&self) -> String {
        format!("{} at {}", self.user, self.side.command())
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub(super) async fn visit(&self, path: &str) -> Result<Page> {
        let url = self.front.portal(self.side).url(path);
        Ok(self.front.browser.visit(&self.browser(), &url).await?)
    }

    /// Follows a link.
    ///
    /// # Errors
    /// When there is none, or the keyboard does not reach it.
    pub(super) async fn follow(&self, text: &str) -> Result<Page> {
        Ok(self.front.browser.follow(&self.browser(), text).await?)
    }

    /// Fills a form and sends it.
    ///
    /// # Errors
    /// When there is none, or the keyboard does not reach its button.
    pub(super) async fn submit(&self, button: &str, fields: Value) -> Result<Page> {
        let browser = &self.front.browser;
        Ok(browser.submit(&self.browser(), button, fields).await?)
    }

    /// Does anything else that the script can and that ends on a page.
    ///
    /// # Errors
    /// When it cannot be done.
    pub(super) async fn page(&self, act: &str, given: Value) -> Result<Page> {
        Ok(self.front.browser.page(&self.browser(), act, given).await?)
    }

    /// Opens a page again and again until it shows something.
    ///
    /// # Errors
    /// When it does not in time.
    pub(super) async fn until(&self, path: &str, words: &str) -> Result<Page> {
        let end = Instant::now() + PATIENCE;
        loop {
            let page = self.visit(path).await?;
            if says(&page, words) {
                return Ok(page);
            }
            if Instant::now() > end {
                let what = format!("{path} never said {words:?}, but:\n{}", page.text);
                let limit = PATIENCE;
                return Err(SuiteError::TimedOut { what, limit });
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Has the page looked at and its picture taken.
    ///
    /// # Errors
    /// When something is wrong with it.
    pub(super) async fn pictured(&self, album: &Album<'_>, name: &str) -> Result<Page> {
        album.page(&self.browser(), self.side, name).await
    }

    /// The same of an answer to a form.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn answered(&self, album: &Album<'_>, name: &str) -> Result<Page> {
        album.answer(&self.browser(), self.side, name).await
    }

    /// A researcher asks for a folder and submits what was copied; every page is pictured when there is an album. Returns when it is in review.
    ///
    /// # Errors
    /// When a page does not come, or something is wrong with it.
    pub(super) async fn asks(
        &self,
        project: &str,
        name: &str,
        album: Option<&Album<'_>>,
    ) -> Result<Page> {
        let opened = self.submit("Open", json!({"project": project})).await?;
        shows(&opened, project)?;
        self.follow(&format!("Ask for an export from {project}"))
            .await?;
        if let Some(album) = album {
            self.pictured(album, "request-new").await?;
            let empty = self.submit("Copy the folder", json!({})).await?;
            shows(&empty, "There is something to put right")?;
            self.answered(album, "request-new-problems").await?;
        }
        let asked =
            json!({"folder": "tables", "name": name, "justification": "A table for the article"});
        let made = self.submit("Copy the folder", asked).await?;
        shows(&made, &format!("Request {name}"))?;
        let path = format!("/projects/{project}/requests/{name}");
        let sealed = "Say what each file is, and submit";
        self.until(&path, sealed).await?;
        if let Some(album) = album {
            self.pictured(album, "request-sealed").await?;
        }
        self.follow(sealed).await?;
        if let Some(album) = album {
            self.pictured(album, "request-declare").await?;
        }
        let declared = json!({
            "output-0-statistic": "Code", "output-0-use": "Software", "output-0-suppression": "NotApplicable", "sure": true,
        });
        let page = self.submit("Submit", declared).await?;
        check(
            page.status == Some(200) && !says(&page, "There is something to put right"),
            format_args!("it was not submitted:\n{}", page.text),
        )?;
        self.until(&path, "In review").await
    }
}

/// Whether a page shows something, as text or on a button.
pub(super) fn says(page: &Page, words: &str) -> bool {
    let mut buttons = page.forms.iter().flat_map(|form| &form.buttons);
    page.text.contains(words) || buttons.any(|button| button == words)
}

/// Fails unless a page shows something.
///
/// # Errors
/// With all that it shows instead.
pub(super) fn shows(page: &Page, words: &str) -> Result<()> {
    check(
        says(page, words),
        format_args!("{} does not say {words:?}:\n{}", page.url, page.text),
    )
}

/// The ticket in a form that leads to the door, verified as the door does.
///
/// # Errors
/// When there is no such form, or the door would not believe it.
pub(super) async fn ticket(lab: &Lab, issuer: Issuer, page: &str) -> Result<Ticket> {
    let secrets: Api<Secret> = Api::namespaced(lab.plane.admin(), SYSTEM_NAMESPACE);
    let mut keys = BTreeMap::new();
    for (of, name) in [
        (Issuer::PortalRequest, "sde-ticket-portal-request"),
        (Issuer::PortalDecide, "sde-ticket-portal-decide"),
    ] {
        let data = secrets.get(name).await?.data.unwrap_or_default();
        let public = data.get("public.pem").map(|pem| pem.0.clone());
        let public = String::from_utf8(public.unwrap_or_default()).map_err(malformed(name))?;
        keys.insert(of, public);
    }
    let verifier = Verifier::new(keys).map_err(malformed("the public keys of tickets"))?;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_err(malformed("the time"))?;
    let ticket = verifier
        .verify(page, now.as_secs())
        .map_err(malformed("the ticket"))?;
    check(
        ticket.iss == issuer,
        format_args!("the ticket is {:?}'s", ticket.iss),
    )?;
    Ok(ticket)
}
