//! Who may ask a job that serves: the holder of a ticket for this act, this request, these bytes and this very pod. The door has
//! checked it before; a job that is dialled by anything else checks for itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use sde_core::airlock::task::{DoorTask, Task};
use sde_ticket::{Act, Issuer, PORT, Ticket, Verifier};
use tokio::net::TcpListener;

use crate::airlock::error::JobError;
use crate::page::{Notice, notice};

/// What a ticket must be for.
#[derive(Debug)]
pub struct Access {
    verifier: Verifier,
    act: Act,
    uid: String,
    pod: String,
    door: DoorTask,
}

impl Access {
    /// To the job of this task in this pod.
    ///
    /// # Errors
    /// [`JobError::Unable`] when the task does not say who may ask.
    pub fn of(task: &Task, pod: &str, act: Act) -> Result<Self, JobError> {
        let door = task
            .door
            .as_ref()
            .ok_or(JobError::Unable("the task does not say who may ask"))?;
        let known = [Issuer::PortalRequest, Issuer::PortalDecide];
        let keys: BTreeMap<Issuer, String> = known
            .into_iter()
            .filter_map(|issuer| Some((issuer, door.keys.get(issuer.as_str())?.clone())))
            .collect();
        let verifier = Verifier::new(keys)
            .map_err(|_| JobError::Unable("a key of the task is no public key"))?;
        Ok(Self {
            verifier,
            act,
            uid: task.salt.clone(),
            pod: pod.to_owned(),
            door: door.clone(),
        })
    }

    /// What it is to, for people.
    pub fn title(&self) -> String {
        format!("{} of {}", self.door.request, self.door.project)
    }

    /// The ticket of a request, or the answer that refuses it.
    ///
    /// # Errors
    /// A page: without a ticket that is good now, or with one for something else.
    pub fn check(&self, headers: &HeaderMap) -> Result<Ticket, Notice> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let ticket = self.verifier.verify(token, now()).map_err(|error| {
            tracing::warn!(%error, "refused");
            notice(
                StatusCode::UNAUTHORIZED,
                "This link is not valid any more",
                "Go back to the portal and open it again from there.",
            )
        })?;
        let ours = ticket.act == self.act
            && ticket.uid == self.uid
            && ticket.pod == self.pod
            && ticket.content == self.door.content
            && ticket.project == self.door.project
            && ticket.request == self.door.request
            && (ticket.act == Act::View || ticket.sub == self.door.requester);
        if ours {
            return Ok(ticket);
        }
        tracing::warn!("refused: a ticket for something else");
        Err(notice(
            StatusCode::FORBIDDEN,
            "This link is for something else",
            "Go back to the portal and open the request again from there.",
        ))
    }
}

/// Seconds since 1970; 0 for a clock before that, at which no ticket is valid.
pub fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// Where jobs that serve listen.
///
/// # Errors
/// [`JobError::Io`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, JobError> {
    if address.port() != PORT {
        return Err(JobError::Unable("tickets are for another port"));
    }
    TcpListener::bind(address)
        .await
        .map_err(JobError::io("no socket to serve on"))
}
