//! Both portals, the provider at which people sign in, and the browser that they all use, beside one control plane.

use std::path::Path;

use serde_json::json;

use super::browser::{Browser, Page};
use super::modules::Modules;
use super::portals::{Place, Portal, Side};
use super::provider::Provider;
use super::tls::Tls;
use crate::cluster::paths;
use crate::controlplane::ControlPlane;
use crate::controlplane::error::{Result, malformed};

/// All of it. Everything ends when this is dropped, the browser first.
pub struct Front {
    /// What people use.
    pub browser: Browser,
    /// Where researchers ask.
    pub request: Portal,
    /// Where reviewers and custodians decide.
    pub decide: Portal,
    provider: Provider,
}

impl Front {
    /// Starts everything. The controller must have made its keys.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(plane: &ControlPlane, program: &Path) -> Result<Self> {
        let modules = tokio::task::block_in_place(Modules::ensure)?;
        let folder = plane.file("portal");
        paths::create_dir(&folder)?;
        let tls = Tls::make(&folder)?;
        let places = [Place::new(Side::Request)?, Place::new(Side::Decide)?];
        let clients = places.each_ref().map(|place| place.client.clone());
        let provider = Provider::start(&modules, &folder, &tls, &clients).await?;
        let issuer = provider.issuer();
        let [asks, decides] = places;
        let portal = |place| Portal::start(plane, program, &folder, &tls, &issuer, place);
        let (request, decide) = (portal(asks).await?, portal(decides).await?);
        let browser = Browser::start(&modules, &folder, &tls).await?;
        Ok(Self {
            browser,
            request,
            decide,
            provider,
        })
    }

    /// A portal.
    pub fn portal(&self, side: Side) -> &Portal {
        match side {
            Side::Request => &self.request,
            Side::Decide => &self.decide,
        }
    }

    /// A page of the provider's that is wrong in every way that the browser looks for.
    pub fn bad_page(&self) -> String {
        format!("{}/bad", self.provider.issuer())
    }

    /// Somebody signs in at a portal under a name and is on the page that they then see. `person` is whose browser it is.
    ///
    /// # Errors
    /// When the provider does not ask for a name, or does not send them back.
    pub async fn sign_in(&self, person: &str, side: Side, name: &str) -> Result<Page> {
        let asked = self
            .browser
            .visit(person, &self.portal(side).url("/"))
            .await?;
        if !asked.url.starts_with(&self.provider.issuer()) {
            let what = format!("{person} at {}: {}", asked.url, asked.text);
            return Err(malformed(what)("nobody asked who they are"));
        }
        self.browser
            .submit(person, "Sign in", json!({"name": name}))
            .await
    }
}
