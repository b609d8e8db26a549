//! The viewing code: what the viewer shows a reviewer who has opened every file, and what makes their approval count.
//!
//! It is an HMAC (RFC 2104) over the request, what was sealed, what was found and the person, so that it is good for nothing else and
//! for nobody else. Two hold its key: the controller, and the viewer of that one request.

use std::fmt;

pub use crate::airlock::key::NotAKey;
use crate::airlock::key::{DIGITS, base32, hmac, key};

/// Characters of a code: 80 bits, five to a character.
pub const LENGTH: usize = 16;

/// What each HMAC is for, so that none stands for another.
const KEY: &str = "sde-operator.dev/viewing-key/v1";
const CODE: &str = "sde-operator.dev/viewing-code/v1";

/// The deployment's secret, from which each request's key is derived. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ViewingSecret(pub(super) [u8; 32]);

impl ViewingSecret {
    /// 32 random bytes.
    ///
    /// # Errors
    /// [`NotAKey`] for any other number of them.
    pub fn new(bytes: &[u8]) -> Result<Self, NotAKey> {
        bytes.try_into().map(Self).map_err(|_| NotAKey)
    }

    /// The key of one request.
    #[must_use]
    pub fn of(&self, request_uid: &str) -> ViewingKey {
        ViewingKey(hmac(&self.0, &[KEY, request_uid]))
    }
}

impl fmt::Debug for ViewingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ViewingSecret(..)")
    }
}

key! {
    /// The key of one request's codes: 64 hexadecimal digits in a task. Never printed.
    ViewingKey
}

/// What a code is of.
#[derive(Debug, Clone, Copy)]
pub struct Viewed<'a> {
    /// The request's UID.
    pub request_uid: &'a str,
    /// Digest of what was sealed.
    pub content: &'a str,
    /// Digest of what was found in it.
    pub findings: &'a str,
    /// Who has opened every file, as the API server knows them.
    pub person: &'a str,
}

impl ViewingKey {
    /// The code: the first 80 bits of HMAC-SHA256 over all of it, in base 32 without padding.
    #[must_use]
    pub fn code(&self, of: &Viewed<'_>) -> String {
        let parts = [CODE, of.request_uid, of.content, of.findings, of.person];
        base32(&hmac(&self.0, &parts)[..LENGTH * 5 / 8])
    }
}

/// A code as somebody typed it: case, spaces and hyphens do not matter. None when it has not the shape of one.
#[must_use]
pub fn typed(text: &str) -> Option<String> {
    let left_out = |c: &char| !c.is_whitespace() && *c != '-';
    let code: String = text.chars().filter(left_out).collect();
    let code = code.to_ascii_uppercase();
    let shaped = code.len() == LENGTH && code.bytes().all(|b| DIGITS.contains(&b));
    shaped.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "33333333-3333-4333-8333-333333333333";

    fn viewed<'a>() -> Viewed<'a> {
        Viewed {
            request_uid: UID,
            content: "v1:sha256:11",
            findings: "v1:sha256:22",
            person: "checker-a",
        }
    }

    /// By Python's hmac and base64 modules: `hmac.new(key, b"".join(len(p).to_bytes(8, "big") + p for p in parts), "sha256")`, twice.
    #[test]
    fn a_code_is_what_another_implementation_computes() {
        let secret = ViewingSecret::new(&[7; 32]).expect("a key");
        let key: String = secret.of(UID).into();
        assert_eq!(
            key,
            "7af78a1c565909892b6726387f8d33cfc34073025a1b2b5981dbf25b76d5f8f5"
        );
        assert_eq!(secret.of(UID).code(&viewed()), "IOFVXO6FNR2OA24P");
    }

    #[test]
    fn whatever_differs_gives_another_code() {
        let secret = ViewingSecret::new(&[7; 32]).expect("a key");
        let key = secret.of(UID);
        let all = [
            key.code(&viewed()),
            secret.of("another").code(&viewed()),
            ViewingSecret::new(&[8; 32])
                .expect("a key")
                .of(UID)
                .code(&viewed()),
            key.code(&Viewed {
                request_uid: "another",
                ..viewed()
            }),
            key.code(&Viewed {
                content: "v1:sha256:12",
                ..viewed()
            }),
            key.code(&Viewed {
                findings: "v1:sha256:23",
                ..viewed()
            }),
            key.code(&Viewed {
                person: "checker-b",
                ..viewed()
            }),
            // The same letters, cut elsewhere.
            key.code(&Viewed {
                findings: "v1:sha256:22c",
                person: "hecker-a",
                ..viewed()
            }),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|code| typed(code).as_ref() == Some(code)));
    }

    #[test]
    fn a_code_is_known_by_its_shape_however_it_is_typed() {
        let code = Some("ABCDEFGH234567AB".to_owned());
        for text in [
            "ABCDEFGH234567AB",
            " abcd efgh 2345 67ab\n",
            "ABCD-EFGH-2345-67AB",
        ] {
            assert_eq!(typed(text), code, "{text:?}");
        }
        for text in [
            "",
            "ABCDEFGH234567A",
            "ABCDEFGH234567AB2",
            "ABCDEFGH234567A1",
            "ABCDEFGH234567Aß",
        ] {
            assert_eq!(typed(text), None, "{text:?}");
        }
    }

    #[test]
    fn keys_are_not_printed_and_survive_a_task() {
        let secret = ViewingSecret::new(&[7; 32]).expect("a key");
        assert_eq!(
            format!("{secret:?} {:?}", secret.of(UID)),
            "ViewingSecret(..) ViewingKey(..)"
        );
        let text = serde_json::to_string(&secret.of(UID)).expect("JSON");
        assert_eq!(
            serde_json::from_str::<ViewingKey>(&text).expect("a key"),
            secret.of(UID)
        );
        assert!(serde_json::from_str::<ViewingKey>("\"07\"").is_err());
        assert_eq!(ViewingSecret::new(&[7; 31]), Err(NotAKey));
    }
}
