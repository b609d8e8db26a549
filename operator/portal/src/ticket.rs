//! Tickets for the door, through which files and looks at files go: this portal signs them and never touches a byte.

use std::path::PathBuf;

use jiff::Timestamp;
use maud::{Markup, html};
use rand::RngCore;
use sde_crds::AirlockRequest;
use sde_crds::airlock_status::{Serving, ServingKind};
use sde_ticket::{Act, Audience, Issuer, Ticket, TicketSigner};
use thiserror::Error;
use url::Url;

use crate::args::Role;
use crate::user::User;

/// What signs them. The key is read each time, so that a new one needs no restart.
pub struct Tickets {
    role: Role,
    key: PathBuf,
    door: Url,
}

/// No ticket.
#[derive(Debug, Error)]
pub enum NoTicket {
    /// The key cannot be read.
    #[error("{}: {source}", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What the status says is ready is not something that a ticket may name.
    #[error("{0} is no address that a ticket may name")]
    Address(String),
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] sde_ticket::TicketError),
}

impl Tickets {
    /// Signs with the key of a file, for the door at an address.
    pub fn new(role: Role, key: PathBuf, door: Url) -> Self {
        Self { role, key, door }
    }

    /// Whether the key is there and is one.
    ///
    /// # Errors
    /// [`NoTicket`].
    pub fn check(&self) -> Result<(), NoTicket> {
        self.signer().map(drop)
    }

    fn signer(&self) -> Result<TicketSigner, NoTicket> {
        let pem = std::fs::read_to_string(&self.key).map_err(|source| NoTicket::Key {
            path: self.key.clone(),
            source,
        })?;
        Ok(TicketSigner::new(self.issuer(), &pem)?)
    }

    fn issuer(&self) -> Issuer {
        match self.role {
            Role::Request => Issuer::PortalRequest,
            Role::Decide => Issuer::PortalDecide,
        }
    }

    fn sign(
        &self,
        user: &User,
        project: &str,
        request: &AirlockRequest,
        serving: &Serving,
        now: Timestamp,
    ) -> Result<String, NoTicket> {
        let act = match serving.kind {
            ServingKind::View => Act::View,
            ServingKind::Deliver => Act::Collect,
            ServingKind::Receive => Act::Upload,
        };
        let status = request.status.clone().unwrap_or_default();
        let mut id = [0u8; 16];
        rand::rng().fill_bytes(&mut id);
        let iat = u64::try_from(now.as_second()).unwrap_or_default();
        let ticket = Ticket {
            iss: self.issuer(),
            aud: Audience::Door,
            sub: user.to_string(),
            iat,
            exp: iat + act.max_seconds(),
            jti: id.iter().map(|b| format!("{b:02x}")).collect(),
            act,
            project: project.to_owned(),
            request: request.metadata.name.clone().unwrap_or_default(),
            uid: request.metadata.uid.clone().unwrap_or_default(),
            content: status.content.map(|c| c.digest).unwrap_or_default(),
            at: serving
                .at
                .parse()
                .map_err(|_| NoTicket::Address(serving.at.clone()))?,
            pod: serving.pod.clone(),
        };
        Ok(self.signer()?.sign(&ticket)?)
    }

    /// A form that takes a fresh ticket to the door; none when nothing of that kind is ready.
    pub fn form(
        &self,
        kind: ServingKind,
        user: &User,
        project: &str,
        request: &AirlockRequest,
        now: Timestamp,
    ) -> Option<Markup> {
        let serving = request.status.as_ref()?.serving.as_ref()?;
        let serving = serving.iter().find(|s| s.kind == kind)?;
        let (path, says) = match kind {
            ServingKind::View => ("/view", "Look at the files"),
            ServingKind::Deliver => ("/collect", "Collect the files"),
            ServingKind::Receive => ("/upload", "Open the upload page"),
        };
        let form = match self.sign(user, project, request, serving, now) {
            Ok(ticket) => {
                let to = self.door.join(path).ok()?;
                html! {
                    form method="post" action=(to) {
                        input type="hidden" name="ticket" value=(ticket);
                        button type="submit" { (says) }
                    }
                    @if kind == ServingKind::Deliver { (in_terminal(project, request, &self.door, &ticket)) }
                }
            }
            Err(error) => {
                tracing::error!("no ticket can be signed: {error}");
                html! { p { "The files are ready, but this portal cannot sign a ticket for the door at the moment. Tell your platform team." } }
            }
        };
        Some(form)
    }
}

/// The same ticket for whoever collects in a terminal, where the files are compared with what was released.
fn in_terminal(project: &str, request: &AirlockRequest, door: &Url, ticket: &str) -> Markup {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let door = door.as_str().trim_end_matches('/');
    html! {
        details {
            summary { "In a terminal" }
            p { "This collects the files into a new folder and proves that they are exactly what was reviewed and released:" }
            pre tabindex="0" { "kubectl sde airlock download " (project) " " (name) " --door " (door) }
            label for="ticket" { "When it asks for the ticket, paste this" }
            textarea id="ticket" readonly rows="6" spellcheck="false" { (ticket) }
            p class="hint" { "It is good for " (Act::Collect.max_seconds() / 60) " minutes and for one delivery, in whoever's hands it is: show it to nobody." }
        }
    }
}
