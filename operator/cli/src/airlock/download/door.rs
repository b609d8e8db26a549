//! The door, as its visitors ask it: over TLS, one form with a ticket, one archive.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, Url};
use sde_core::say::size;
use tokio::sync::mpsc::Sender;

use super::unpack::Chunk;
use crate::error::{CliError, chain};
use crate::out;

/// A door that says nothing for so long is gone; longer than it waits for the job.
const SILENCE: Duration = Duration::from_secs(150);
const CONNECT: Duration = Duration::from_secs(15);

/// How often is said how far it is.
const SAY: Duration = Duration::from_secs(5);

/// Where and how to ask.
pub(super) struct Door {
    collect: Url,
    http: Client,
}

impl Door {
    /// At an address, believing the system's authorities and those of a file.
    ///
    /// # Errors
    /// [`CliError`] when the address or the file cannot be used.
    pub(super) fn at(address: &Url, authority: Option<&Path>) -> Result<Self, CliError> {
        let mut http = Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE);
        if let Some(path) = authority {
            let pem = std::fs::read(path).map_err(CliError::file(path))?;
            let all = Certificate::from_pem_bundle(&pem).map_err(|error| {
                CliError::Usage(format!("{}: no certificates: {error}", path.display()))
            })?;
            http = all
                .into_iter()
                .fold(http, |http, one| http.add_root_certificate(one));
        }
        let wrong =
            |error: &dyn std::fmt::Display| CliError::Usage(format!("--door {address}: {error}"));
        Ok(Self {
            collect: address.join("collect").map_err(|error| wrong(&error))?,
            http: http.build().map_err(|error| wrong(&error))?,
        })
    }

    /// Hands a ticket in; returns the beginning of the archive.
    ///
    /// # Errors
    /// [`CliError::Refused`] with what to do, when there is none.
    pub(super) async fn collect(&self, ticket: &str) -> Result<Response, CliError> {
        let asked = self
            .http
            .post(self.collect.clone())
            .form(&[("ticket", ticket)]);
        let answer = asked.send().await.map_err(|error| {
            CliError::Refused(format!(
                "the door cannot be reached: {}. Take its address from the portal; --certificate-authority names the authority of its certificate",
                chain(&error)
            ))
        })?;
        let archive = answer
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/x-tar");
        match refused(answer.status()) {
            None if archive => Ok(answer),
            None => Err(CliError::Refused(format!(
                "{} answers, and it is no door",
                self.collect
            ))),
            Some(why) => Err(CliError::Refused(why)),
        }
    }
}

/// What an answer other than 200 means, as `sde-agent door` gives it.
fn refused(status: StatusCode) -> Option<String> {
    let why = match status {
        StatusCode::OK => return None,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "the door does not take the ticket, which is good for ten minutes and one delivery: look at the portal's page again for a new one"
        }
        StatusCode::CONFLICT => {
            "this delivery has begun already, and each is for one download: kubectl sde airlock show says when another can be asked for"
        }
        StatusCode::BAD_GATEWAY => {
            "the delivery cannot be reached and may have ended: kubectl sde airlock show says how the request stands"
        }
        other => return Some(format!("the door answers {other}: tell your platform team")),
    };
    Some(why.to_owned())
}

/// Passes the archive on as it comes, until its end or until nobody takes it any more.
///
/// # Errors
/// [`CliError::Refused`] when it broke off.
pub(super) async fn pass_on(mut answer: Response, to: Sender<Chunk>) -> Result<(), CliError> {
    let whole = answer.content_length().unwrap_or_default();
    let (mut passed, mut said) = (0, Instant::now());
    loop {
        let chunk = answer.chunk().await.map_err(|error| {
            CliError::Refused(format!(
                "the download broke off after {}: {}. Nothing is kept; ask for another (kubectl sde airlock download), which counts as one more collection",
                size(passed),
                chain(&error)
            ))
        })?;
        let Some(chunk) = chunk else { return Ok(()) };
        passed += i64::try_from(chunk.len()).unwrap_or_default();
        if said.elapsed() >= SAY {
            said = Instant::now();
            out::note(&format!(
                "  {} of {}",
                size(passed),
                size(i64::try_from(whole).unwrap_or(i64::MAX))
            ));
        }
        if to.send(chunk).await.is_err() {
            return Ok(());
        }
    }
}
