//! Keys, tokens and passwords, by the forms their issuers publish.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// Beginning, how many characters of a token must follow at least, and what it is.
const FORMS: [(&str, usize, &str); 24] = [
    ("PRIVATE KEY-----", 0, "a private key"),
    ("PRIVATE KEY BLOCK-----", 0, "a private key"),
    ("PuTTY-User-Key-File-", 0, "a private key"),
    ("AGE-SECRET-KEY-1", 40, "an age key"),
    ("BEGIN CRYPT4GH ENCRYPTED PRIVATE", 0, "a Crypt4GH key"),
    ("AKIA", 16, "an AWS key"),
    ("ASIA", 16, "an AWS key"),
    ("AIza", 35, "a Google key"),
    ("ya29.", 30, "a Google token"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("github_pat_", 40, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("hf_", 34, "a Hugging Face token"),
    ("npm_", 36, "an npm token"),
    ("pypi-AgEI", 40, "a PyPI token"),
    ("dop_v1_", 60, "a DigitalOcean token"),
    ("sk_live_", 20, "a Stripe key"),
    ("sk-ant-", 40, "an API key"),
    ("AccountKey=", 60, "an Azure key"),
    ("eyJhbGciOi", 60, "a signed token (JWT)"),
];

static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(FORMS.iter().map(|(form, _, _)| form)).ok());

/// Words before a value that is a password.
const WORDS: [&[u8]; 5] = [
    b"password",
    b"passwd",
    b"secret_key",
    b"api_key",
    b"access_token",
];

/// How many, where first and what.
#[derive(Default)]
pub struct Secrets {
    count: u64,
    first: Option<(u64, &'static str)>,
}

impl Secrets {
    /// One line, or a piece of one.
    pub fn line(&mut self, line: &[u8], number: u64) {
        if let Some(what) = secret(line) {
            self.count += 1;
            self.first.get_or_insert((number, what));
        }
    }

    /// All is read.
    pub fn finish(&self, walk: &mut Walk<'_>, place: &Place) {
        if let Some((line, what)) = self.first {
            walk.findings
                .count(&rules::G022, &place.line(line), self.count, what);
        }
    }
}

/// What secret is in a line.
fn secret(line: &[u8]) -> Option<&'static str> {
    for hit in FINDER.as_ref()?.find_iter(line) {
        let Some((_, least, what)) = FORMS.get(hit.pattern().as_usize()) else {
            continue;
        };
        let after = line.get(hit.end()..).unwrap_or_default();
        let token = after.iter().take_while(|b| in_token(**b)).count();
        let before = hit.start().checked_sub(1).and_then(|b| line.get(b));
        let begins = *least == 0 || before.is_none_or(|b| !b.is_ascii_alphanumeric());
        if token >= *least && begins {
            return Some(what);
        }
    }
    password(line).then_some("a password")
}

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=')
}

/// `password = "..."` with a quoted value of 8 characters or more that is neither a placeholder nor read from elsewhere.
fn password(line: &[u8]) -> bool {
    if !line.iter().any(|b| matches!(b, b'=' | b':')) || line.len() > 4096 {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    WORDS.iter().any(|word| {
        let Some(at) = crate::bytes::find(&lower, word) else {
            return false;
        };
        let after = line.get(at + word.len()..).unwrap_or_default();
        let value = after.trim_ascii_start();
        let value = value
            .strip_prefix(b"\"")
            .unwrap_or(value)
            .trim_ascii_start();
        let Some((b'=' | b':', value)) = value.split_first() else {
            return false;
        };
        let Some((quote @ (b'"' | b'\''), value)) = value.trim_ascii_start().split_first() else {
            return false;
        };
        let value = value.split(|b| b == quote).next().unwrap_or_default();
        let letters = value.iter().any(u8::is_ascii_alphabetic);
        let others = value.iter().any(|b| !b.is_ascii_alphabetic());
        value.len() >= 8 && letters && others && !value.iter().any(|b| b"<>{}$ *".contains(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_seen_and_talk_about_them_is_not() {
        assert!(FINDER.is_some());
        let key = format!("key = AKIA{}", "ABCDEFGH12345678");
        assert_eq!(secret(key.as_bytes()), Some("an AWS key"));
        let pem = format!("-----BEGIN {} KEY-----", "EC PRIVATE");
        assert_eq!(secret(pem.as_bytes()), Some("a private key"));
        assert!(secret(b"PASSWORD = \"tr0ub4dor&3\"").is_some());
        for line in [
            "the continent of ASIA and more",
            "password = os.environ[\"DB_PASSWORD\"]",
            "\"password\": \"<your password>\"",
            "password: \"${PASSWORD_1}\"",
            "# password reset is described below",
        ] {
            assert_eq!(secret(line.as_bytes()), None, "{line}");
        }
    }
}
