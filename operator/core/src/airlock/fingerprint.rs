//! Fingerprints: by these a project's files are known again once people have refused them (AL-G011), and by nothing else. They are under
//! a key that the controller and the project's jobs of kind Seal have, another one for each project: who has no key can neither tell
//! what a file is nor whether two projects have the same one.

use crate::airlock::key::{base32, hmac, key};
use crate::airlock::viewing::ViewingSecret;

/// Characters of a fingerprint: 160 bits, five to a character.
pub const LENGTH: usize = 32;

/// What each HMAC is for, so that none stands for another.
const KEY: &str = "sde-operator.dev/fingerprint-key/v1";
const FINGERPRINT: &str = "sde-operator.dev/fingerprint/v1";

key! {
    /// The key of one project's fingerprints: 64 hexadecimal digits in a task. Never printed.
    FingerprintKey
}

impl ViewingSecret {
    /// The key of one project's fingerprints. They need to last no longer than viewing codes do: as long as requests.
    #[must_use]
    pub fn fingerprints(&self, project_uid: &str) -> FingerprintKey {
        FingerprintKey(hmac(&self.0, &[KEY, project_uid]))
    }
}

impl FingerprintKey {
    /// Of a file, by its SHA-256 in hexadecimal digits: the first 160 bits of HMAC-SHA256, in base 32 without padding.
    #[must_use]
    pub fn of(&self, sha256: &str) -> String {
        base32(&hmac(&self.0, &[FINGERPRINT, sha256])[..LENGTH * 5 / 8])
    }
}

/// Whether a text is written as one.
pub(super) fn is_fingerprint(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_again_in_its_project_alone() {
        let secret = ViewingSecret::new(&[7; 32]).expect("a key");
        let (one, other) = (secret.fingerprints("p-1"), secret.fingerprints("p-2"));
        assert_eq!(one.of("aa"), secret.fingerprints("p-1").of("aa"));
        assert_ne!(one.of("aa"), one.of("ab"));
        assert_ne!(one.of("aa"), other.of("aa"));
        assert!(is_fingerprint(&one.of("aa")));
        // Under the same identifier it is not the key of viewing codes.
        let viewing: String = secret.of("p-1").into();
        assert_ne!(viewing, String::from(one.clone()));
        assert_eq!(format!("{one:?}"), "FingerprintKey(..)");
    }
}
