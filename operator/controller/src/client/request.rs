//! Verb and resource of an API request, for metrics: as in RBAC, without any object's name.

use http::{HeaderMap, Method, Uri, header::CONTENT_TYPE};

/// The verb, and `resource` or `resource/subresource`; `other` for paths that are no resource.
pub fn classify(method: &Method, uri: &Uri, headers: &HeaderMap) -> (&'static str, String) {
    let (resource, named) = resource(uri.path());
    let watch = uri
        .query()
        .is_some_and(|q| q.split('&').any(|p| p == "watch=true" || p == "watch=1"));
    let content = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let verb = match method.as_str() {
        "GET" if watch => "watch",
        "GET" if named => "get",
        "GET" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" if content.starts_with("application/apply-patch") => "apply",
        "PATCH" => "patch",
        "DELETE" if named => "delete",
        "DELETE" => "deletecollection",
        _ => "other",
    };
    (verb, resource)
}

/// `/api/v1/...` or `/apis/<group>/<version>/...`, then optionally `namespaces/<ns>`, then
/// `<resource>[/<name>[/<subresource>]]`.
fn resource(path: &str) -> (String, bool) {
    let mut parts = path.split('/').filter(|p| !p.is_empty()).peekable();
    let skip = match parts.next() {
        Some("api") => 1,
        Some("apis") => 2,
        _ => return ("other".into(), false),
    };
    let rest: Vec<_> = parts.skip(skip).collect();
    let rest = match rest.as_slice() {
        // A namespace's own status and finalize look like resources within it.
        ["namespaces", _, "status" | "finalize"] => &rest[..],
        ["namespaces", _, inner @ ..] if !inner.is_empty() => inner,
        all => all,
    };
    match rest {
        [] => ("other".into(), false),
        [resource] => ((*resource).into(), false),
        [resource, _] => ((*resource).into(), true),
        [resource, _, subresource, ..] => (format!("{resource}/{subresource}"), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, uri: &str, content: &str) -> (&'static str, String) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = content.parse() {
            headers.insert(CONTENT_TYPE, value);
        }
        let method: Method = method.parse().expect("method");
        classify(&method, &uri.parse().expect("uri"), &headers)
    }

    #[test]
    fn names_never_show() {
        let apply = "application/apply-patch+yaml";
        let cases = [
            ("GET", "/api/v1/namespaces", "", "list", "namespaces"),
            (
                "GET",
                "/api/v1/namespaces/secret-name",
                "",
                "get",
                "namespaces",
            ),
            (
                "PATCH",
                "/api/v1/namespaces/a?force=true",
                apply,
                "apply",
                "namespaces",
            ),
            (
                "GET",
                "/api/v1/pods?watch=true&resourceVersion=1",
                "",
                "watch",
                "pods",
            ),
            (
                "DELETE",
                "/api/v1/namespaces/a/pods/b",
                "",
                "delete",
                "pods",
            ),
            (
                "PATCH",
                "/api/v1/namespaces/a/pods/b",
                "application/merge-patch+json",
                "patch",
                "pods",
            ),
            (
                "PATCH",
                "/apis/sde-operator.dev/v1alpha1/projects/p/status",
                apply,
                "apply",
                "projects/status",
            ),
            (
                "PUT",
                "/apis/coordination.k8s.io/v1/namespaces/a/leases/l",
                "",
                "update",
                "leases",
            ),
            (
                "PUT",
                "/api/v1/namespaces/a/finalize",
                "",
                "update",
                "namespaces/finalize",
            ),
            (
                "POST",
                "/apis/events.k8s.io/v1/namespaces/a/events",
                "",
                "create",
                "events",
            ),
            ("GET", "/version", "", "list", "other"),
        ];
        for (method, uri, content, verb, resource) in cases {
            assert_eq!(
                of(method, uri, content),
                (verb, resource.to_owned()),
                "{method} {uri}"
            );
        }
    }
}
