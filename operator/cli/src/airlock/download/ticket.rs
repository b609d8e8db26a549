//! The ticket that the portal has signed. Only the door and the job believe it; here is looked that the right text was pasted, since
//! each delivery is for one ticket.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::error::CliError;

/// What is looked at.
#[derive(Deserialize)]
struct Claims {
    uid: String,
    act: String,
    project: String,
    request: String,
}

/// The ticket, if it is one to collect this request.
///
/// # Errors
/// [`CliError::Refused`], before anything was sent.
pub(super) fn of(text: &str, uid: &str) -> Result<String, CliError> {
    let ticket = text.trim();
    if ticket.is_empty() {
        return Err(CliError::Refused(
            "no ticket: nothing was collected, and it stays ready for half an hour".to_owned(),
        ));
    }
    let Some(claims) = claims(ticket) else {
        return Err(CliError::Refused(
            "this is no ticket, nothing was sent: copy the whole text from the portal, one line of three parts with two dots"
                .to_owned(),
        ));
    };
    if claims.uid != uid || claims.act != "Collect" {
        return Err(CliError::Refused(format!(
            "nothing was sent: the ticket is to {} request {} {}",
            claims.act.to_lowercase(),
            claims.project,
            claims.request
        )));
    }
    Ok(ticket.to_owned())
}

fn claims(ticket: &str) -> Option<Claims> {
    let mut parts = ticket.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
