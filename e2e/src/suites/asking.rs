//! One request to an API server as it is, as any user, and its answer: for suites to which a refusal is a result.

use http::Method;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use sde_policies::cases::User;
use serde_json::{Value, json};

use super::error::Result;

/// A group with every right. Requests of cases are sent as members of it, so that what refuses them is a policy and never RBAC.
pub const ALL_RIGHTS: &str = "sde-e2e:all-rights";

/// What the API server said.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The object, or the Status of a refusal.
    pub body: Value,
}

impl Answer {
    /// Whether it was done.
    pub fn accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The refusal in words.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.message())
    }
}

/// Sends one request as it is, as another user if one is named. A refusal is an answer, not an error.
///
/// # Errors
/// When the API server could not be asked.
pub async fn ask(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
    user: Option<&User>,
) -> Result<Answer> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", "application/json");
    if let Some(user) = user {
        request = request
            .header("Impersonate-User", &user.username)
            .header("Impersonate-Group", ALL_RIGHTS);
        for group in &user.groups {
            request = request.header("Impersonate-Group", group);
        }
    }
    let body = body.map_or_else(Body::empty, |body| body.to_string().into_bytes().into());
    let request = request.body(body).map_err(kube::Error::HttpError)?;
    let answer = client.send(request).await?;
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await?.to_bytes();
    // Some refusals of the aggregation and proxy layers are plain text.
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| json!({"message": String::from_utf8_lossy(&bytes)}));
    Ok(Answer { status, body })
}
