//! What the fault proxy counts and what it does to the n-th write of a scope.

use std::time::Duration;

use http::{HeaderValue, Method};
use hyper::body::Bytes;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The controller is killed; the request never reaches the API server.
    KillBefore,
    /// The request is applied, then the controller is killed before it sees the answer.
    KillAfter,
    /// The API server never sees the request; the controller gets this status code.
    Answer(u16),
    /// The request is applied, but the controller gets this status code.
    ApplyThenAnswer(u16),
    /// The request is applied, but the connection is closed without an answer.
    ApplyThenDrop,
    /// The request never reaches the API server and no answer comes until the client gives up.
    Hang,
    /// The request is applied and no answer comes until the client gives up.
    ApplyThenHang,
}

impl Fault {
    /// Whether the API server gets to see the request.
    pub fn applies(self) -> bool {
        matches!(
            self,
            Self::KillAfter | Self::ApplyThenAnswer(_) | Self::ApplyThenDrop | Self::ApplyThenHang
        )
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KillBefore => f.write_str("kill before"),
            Self::KillAfter => f.write_str("kill after"),
            Self::Answer(code) => write!(f, "{code} instead"),
            Self::ApplyThenAnswer(code) => write!(f, "applied, then {code}"),
            Self::ApplyThenDrop => f.write_str("applied, connection dropped"),
            Self::Hang => f.write_str("time-out"),
            Self::ApplyThenHang => f.write_str("applied, time-out"),
        }
    }
}

/// A fault at one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which write of the scope.
    pub point: Point,
    /// What happens to it.
    pub fault: Fault,
}

/// One write of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// The n-th write, from 1.
    Nth(usize),
    /// The n-th write, from 1, of this shape: the same point of a project's life however often others were repeated before it.
    NthOf(Shape, usize),
}

/// A write without what differs between two lives of the same course.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape(String);

impl Shape {
    /// The shape of a write: method and path with `*` for the scope's text and `#` for each part that is made of a UID.
    pub fn of(method: &Method, path: &str, scope: &str) -> Self {
        let path = if scope.is_empty() {
            path.to_owned()
        } else {
            path.replace(scope, "*")
        };
        let path = without_uuids(&path);
        let random =
            |word: &str| word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Separators stay at the end of each word.
        let words = path.split_inclusive(['/', '-', '.']).map(|word| {
            let bare = word.trim_end_matches(['/', '-', '.']);
            if random(bare) {
                word.replace(bare, "#")
            } else {
                word.to_owned()
            }
        });
        Self(format!("{method} {}", words.collect::<String>()))
    }
}

/// A path with `#` for each UUID in it, of which some parts are shorter than what is taken for random by itself.
fn without_uuids(path: &str) -> String {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let of_uuid = |words: &[&str]| {
        let fits = |(word, length): (&&str, usize)| {
            word.len() == length && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        words.len() == GROUPS.len() && words.iter().zip(GROUPS).all(fits)
    };
    let segments = path.split('/').map(|segment| {
        let mut words: Vec<&str> = segment.split('-').collect();
        let at = (0..words.len())
            .find(|from| of_uuid(words.get(*from..from + GROUPS.len()).unwrap_or_default()));
        if let Some(from) = at {
            words.splice(from..from + GROUPS.len(), ["#"]);
        }
        words.join("-")
    });
    segments.collect::<Vec<_>>().join("/")
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One write that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// HTTP method.
    pub method: Method,
    /// Path without query.
    pub path: String,
    /// What it has in common with the same write of another life.
    pub shape: Shape,
    /// The status code that the API server answered; `None` when it never saw the request or has not answered.
    pub status: Option<u16>,
    /// What the proxy did to it.
    pub fault: Option<Fault>,
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(status) = self.status {
            write!(f, " -> {status}")?;
        }
        if let Some(fault) = self.fault {
            write!(f, " [{fault}]")?;
        }
        Ok(())
    }
}

/// A whole request, to be sent again by somebody else.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Content-Type header.
    pub content_type: Option<HeaderValue>,
    /// Body.
    pub body: Bytes,
}

/// The writes of one scope: those whose path or body contains its text.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) text: String,
    pub(super) rule: Option<Rule>,
    pub(super) writes: Vec<Write>,
    /// Whole requests, where they are wanted.
    pub(super) tape: Option<Vec<Recorded>>,
}

impl Scope {
    /// Notes a write and returns the fault that is due at it.
    pub(super) fn note(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let shape = Shape::of(method, path, &self.text);
        let of_shape = self
            .writes
            .iter()
            .filter(|write| write.shape == shape)
            .count()
            + 1;
        let nth = self.writes.len() + 1;
        let due = self.rule.as_ref().filter(|rule| match &rule.point {
            Point::Nth(n) => *n == nth,
            Point::NthOf(wanted, n) => *wanted == shape && *n == of_shape,
        });
        let fault = due.map(|rule| rule.fault);
        self.writes.push(Write {
            method: method.clone(),
            path: path.to_owned(),
            shape,
            status: None,
            fault,
        });
        fault
    }
}

/// Whether a request changes the store on behalf of a reconcile. The lease is written by the clock, reviews ask a question, and a dry
/// run changes nothing.
pub(super) fn is_write(method: &Method, path: &str, query: &str) -> bool {
    let mutating = matches!(
        *method,
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    );
    let lease = path.starts_with("/apis/coordination.k8s.io/");
    let review = path.starts_with("/apis/authorization.k8s.io/")
        || path.starts_with("/apis/authentication.k8s.io/");
    mutating && !lease && !review && !query.contains("dryRun=All")
}

/// The body that the API server sends with an error, `metav1.Status`.
pub(super) fn status_body(code: u16) -> String {
    let reason = match code {
        403 => "Forbidden",
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "injected by the fault proxy", "reason": reason, "code": code,
    })
    .to_string()
}

/// What `Retry-After` says with 429 and 503.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(point: Point) -> Scope {
        let rule = Rule {
            point,
            fault: Fault::Answer(500),
        };
        Scope {
            text: "prj-1".to_owned(),
            rule: Some(rule),
            ..Scope::default()
        }
    }

    #[test]
    fn a_point_by_shape_is_the_same_whatever_was_repeated_before() {
        let status = "/apis/sde-operator.dev/v1alpha1/projects/prj-1/status";
        let shape = Shape::of(&Method::PATCH, &status.replace("prj-1", "other"), "other");
        let mut scope = scope(Point::NthOf(shape, 2));
        assert_eq!(scope.note(&Method::PATCH, status), None);
        assert_eq!(
            scope.note(&Method::PATCH, "/api/v1/namespaces/sde-project-prj-1"),
            None
        );
        assert_eq!(scope.note(&Method::PATCH, status), Some(Fault::Answer(500)));
        assert_eq!(scope.note(&Method::PATCH, status), None);
    }

    #[test]
    fn uids_are_no_part_of_a_shape() {
        let a = Shape::of(
            &Method::PATCH,
            "/apis/sde-operator.dev/v1alpha1/destructionrecords/prj-1-5fc9f455",
            "prj-1",
        );
        let b = Shape::of(
            &Method::PATCH,
            "/apis/sde-operator.dev/v1alpha1/destructionrecords/prj-2-0a1b2c3d",
            "prj-2",
        );
        assert_eq!(a, b);
        let event = Shape::of(
            &Method::PATCH,
            "/apis/events.k8s.io/v1/namespaces/default/events/prj-1.18ea384f9ecf7446",
            "prj-1",
        );
        assert_eq!(
            event.to_string(),
            "PATCH /apis/events.k8s.io/v1/namespaces/default/events/*.#"
        );
        let volume = Shape::of(
            &Method::PATCH,
            "/api/v1/persistentvolumes/pvc-5bc2b8c1-8d5f-4c7a-9d0e-0a1b2c3d4e5f",
            "prj-1",
        );
        assert_eq!(volume.to_string(), "PATCH /api/v1/persistentvolumes/pvc-#");
    }

    #[test]
    fn leases_reviews_and_dry_runs_are_no_writes() {
        assert!(is_write(&Method::POST, "/api/v1/namespaces", ""));
        assert!(!is_write(
            &Method::PUT,
            "/apis/coordination.k8s.io/v1/namespaces/sde-system/leases/sde-controller",
            ""
        ));
        assert!(!is_write(
            &Method::POST,
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            ""
        ));
        assert!(!is_write(
            &Method::PATCH,
            "/api/v1/namespaces/x",
            "fieldManager=a&dryRun=All"
        ));
        assert!(!is_write(&Method::GET, "/api/v1/namespaces", "watch=true"));
    }
}
