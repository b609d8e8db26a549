//! Whether a form comes from a page of ours.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether the browser says so.
pub fn is_ours(headers: &HeaderMap) -> bool {
    // A cookie that is SameSite=Lax goes with no form of another site; but a site is all hosts of a domain, ours one of many, and a
    // browser that knows no SameSite sends it with any form. So the browser must say that it was our own page, and silence is a no.
    // Sec-Fetch-Site is what it has compared itself (Fetch Metadata); else Origin is compared here.
    match headers.get("sec-fetch-site") {
        Some(site) => site.as_bytes() == b"same-origin",
        None => {
            let (origin, host) = (headers.get(ORIGIN), headers.get(HOST));
            let origin = origin.and_then(|o| o.as_bytes().strip_prefix(b"https://"));
            origin.is_some() && origin == host.map(|h| h.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_our_own_pages_send_forms() {
        let says = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            is_ours(&pairs.collect())
        };
        let (host, site, origin) = ("host", "sec-fetch-site", "origin");
        let ours = (host, "door.example:8443");
        assert!(says(&[ours, (site, "same-origin")]));
        assert!(says(&[ours, (origin, "https://door.example:8443")]));
        for other in ["same-site", "cross-site", "none", ""] {
            assert!(!says(&[ours, (site, other)]));
            // Whatever else it says.
            assert!(!says(&[
                ours,
                (site, other),
                (origin, "https://door.example:8443")
            ]));
        }
        for other in [
            "null",
            "",
            "https://",
            "https://door.example",
            "http://door.example:8443",
            "https://portal.example",
            "https://door.example:8443.evil.example",
        ] {
            assert!(!says(&[ours, (origin, other)]), "{other}");
        }
        assert!(!says(&[ours]) && !says(&[]) && !says(&[(origin, "https://")]));
    }
}
