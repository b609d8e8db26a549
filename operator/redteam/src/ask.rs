//! One request to the API server, and what its answer says. What writes is a dry run: decided as a real request is, without effect.

use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;

use crate::catalogue::Request;
use crate::judge::Told;
use crate::words::{Words, filled};

/// The longest the API server may take to answer; it gives a node 30 s to be reached.
const LIMIT: Duration = Duration::from_secs(40);

/// Who asks.
#[derive(Clone)]
pub struct Asker {
    /// The connection. It must not ask again by itself: what is judged is the answer, also one that says the server is busy.
    pub client: kube::Client,
    /// Whom the connection's user impersonates; itself when none.
    pub user: Option<String>,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What it says.
    pub told: Told,
    /// Under which id it is in the API server's audit log, when it was sent.
    pub audit: Option<String>,
}

impl Answered {
    /// An attempt that could not be made.
    pub fn failed(why: &str) -> Self {
        Self {
            told: Told::Failed(why.to_owned()),
            audit: None,
        }
    }
}

impl Asker {
    /// Sends a request.
    pub async fn ask(&self, request: &Request, words: &Words) -> Answered {
        match tokio::time::timeout(LIMIT, self.send(request, words)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => Answered::failed(&error.to_string()),
            Err(_) => Answered::failed(&format!("no answer in {} s", LIMIT.as_secs())),
        }
    }

    async fn send(&self, request: &Request, words: &Words) -> Result<Answered, kube::Error> {
        let connect = request.method == "CONNECT";
        let writes = !connect && request.method != "GET";
        let mut path = filled(&request.path, words);
        // A review answers and stores nothing; it knows no dry run.
        if writes && !path.contains("selfsubjectreviews") {
            path += if path.contains('?') { "&" } else { "?" };
            path += "dryRun=All";
        }
        let method = if connect { "GET" } else { &request.method };
        // The API server takes the id that it is given, and an answer that switches protocols does not carry one.
        let audit = format!("redteam-{:032x}", rand::random::<u128>());
        let mut builder = http::Request::builder()
            .method(method)
            .uri(&path)
            .header("Audit-ID", &audit);
        if connect {
            let protocol = if path.contains("/portforward") {
                "SPDY/3.1+portforward.k8s.io"
            } else {
                "v5.channel.k8s.io"
            };
            for (name, value) in [
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "cmVkdGVhbS1yZWR0ZWFtIQ=="),
                ("Sec-WebSocket-Protocol", protocol),
            ] {
                builder = builder.header(name, value);
            }
        }
        let other = request.impersonate.as_ref().map(|u| filled(u, words));
        if let Some(user) = other.as_ref().or(self.user.as_ref()) {
            builder = builder.header("Impersonate-User", user);
        }
        let kind = match (method, &request.body) {
            ("PATCH", Value::Array(_)) => "application/json-patch+json",
            ("PATCH", _) => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = match &request.body {
            Value::Null => Vec::new(),
            body => {
                builder = builder.header(http::header::CONTENT_TYPE, kind);
                filled(&body.to_string(), words).into_bytes()
            }
        };
        let request = builder
            .body(Body::from(body))
            .map_err(kube::Error::HttpError)?;
        let response = self.client.send(request).await?;
        let status = response.status();
        let audit = Some(audit);
        if status == http::StatusCode::SWITCHING_PROTOCOLS {
            let told = Told::Reached("HTTP 101: connected".to_owned());
            return Ok(Answered { told, audit });
        }
        let bytes = response
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        Ok(Answered {
            told: told(status.as_u16(), &text),
            audit,
        })
    }
}

/// An HTTP answer as an outcome: only what the API server's authorisation, admission or validation refused is refused.
fn told(status: u16, body: &str) -> Told {
    let said = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|status| status["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| body.chars().take(120).collect());
    let said: String = said.chars().take(400).collect();
    match status {
        200..=299 => Told::Reached(format!("HTTP {status}")),
        403 | 422 => Told::Refused(format!("HTTP {status}: {said}")),
        // Admission let it through: then the pod's network refused, or the pod has its node for good.
        502..=504 if said.contains("error trying to reach service") => {
            Told::Refused(format!("HTTP {status}: {said}"))
        }
        409 if said.contains("is already assigned to node") => {
            Told::Refused(format!("HTTP {status}: {said}"))
        }
        404 if said.contains("could not find the requested resource")
            || said.contains("404 page not found") =>
        {
            Told::Absent(format!("the API server does not serve it: {said}"))
        }
        _ => Told::Failed(format!("HTTP {status}: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_are_refused() {
        assert!(matches!(told(201, "{}"), Told::Reached(_)));
        assert!(matches!(
            told(403, r#"{"message": "denied request"}"#),
            Told::Refused(_)
        ));
        assert!(matches!(
            told(409, r#"{"message": "exists"}"#),
            Told::Failed(_)
        ));
        let bound = r#"{"message": "pod u is already assigned to node \"worker\""}"#;
        assert!(matches!(told(409, bound), Told::Refused(_)));
        let silent = "error trying to reach service: dial tcp 10.244.1.99:8888: i/o timeout";
        assert!(matches!(told(503, silent), Told::Refused(_)));
        assert!(matches!(told(503, "overloaded"), Told::Failed(_)));
        assert!(matches!(
            told(
                404,
                r#"{"message": "the server could not find the requested resource"}"#
            ),
            Told::Absent(_)
        ));
        assert!(matches!(
            told(404, r#"{"message": "pods \"x\" not found"}"#),
            Told::Failed(_)
        ));
    }
}
