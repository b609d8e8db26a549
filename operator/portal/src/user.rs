//! The name a person signs in by, as the API's own rule has it (`sde_crds::schema::user`).

use std::fmt;

use http::HeaderValue;
use thiserror::Error;

/// Longest name.
const MAX: usize = 63;

/// A name that the API server may be told: lower case, without a colon, so never `system:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User(String);

/// The sign-in service calls the person something that no Project can name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "people are known here by names of at most 63 lower-case letters, digits, dots, hyphens, underscores and @, beginning and ending with a letter or digit"
)]
pub struct NotAName;

impl User {
    /// Takes a name as it is: nothing is folded or cut, since two people could then become one.
    ///
    /// # Errors
    /// [`NotAName`].
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let edge = |b: Option<u8>| b.is_some_and(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        let inner = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'@');
        let bytes = text.as_bytes();
        let fits = bytes.len() <= MAX
            && edge(bytes.first().copied())
            && edge(bytes.last().copied())
            && bytes.iter().all(|b| inner(*b));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAName)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For the header `Impersonate-User`. None only if the rule above let something through that no header can hold.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_crd_s_rule_are_taken_and_no_others() {
        for good in ["u-7c1e", "a", "alice@example.org", "a.b_c-d", "0x"] {
            let user = User::parse(good).expect(good);
            assert_eq!(user.header().expect("header"), good);
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "Alice",
            "system:admin",
            "system:masters",
            "a:b",
            "-a",
            "a-",
            "@a",
            "a b",
            "a\n",
            "ä",
            "a\r\nimpersonate-group: system:masters",
            &long,
        ] {
            assert_eq!(User::parse(bad), Err(NotAName), "{bad:?}");
        }
    }

    #[test]
    fn the_rule_is_the_crd_s() {
        let schema = sde_crds::schema::user(&mut schemars_generator());
        let text = serde_json::to_string(&schema).expect("schema");
        assert!(
            text.contains(r#""pattern":"^[a-z0-9]([-a-z0-9._@]*[a-z0-9])?$""#),
            "{text}"
        );
        assert!(text.contains(r#""maxLength":63"#), "{text}");
    }

    fn schemars_generator() -> schemars::SchemaGenerator {
        schemars::SchemaGenerator::default()
    }
}
