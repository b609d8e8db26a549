//! The controller's own keys, in Secrets of its namespace: made when absent, never templated, never replaced.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sde_core::airlock::viewing::{NotAKey, ViewingSecret};
use sde_crds::names;
use sde_evidence::{KeyError as EvidenceKeyError, PseudonymError, PseudonymKey, SigningKey};
use thiserror::Error;

use crate::apply::ApplyError;
use crate::leadership::Leadership;

/// Secret with the attestation key: `private.pem` (PKCS#8) and `public.pem` (SPKI).
pub const ATTESTATION_SECRET: &str = "sde-attestation-key";
/// Secret with the pseudonym key: `key`, 32 random bytes.
pub const PSEUDONYM_SECRET: &str = "sde-pseudonym-key";
/// Secret with the key of viewing codes: `key`, 32 random bytes.
pub const VIEWING_SECRET: &str = "sde-viewing-key";
/// Secrets with the keys that sign tickets for the door, by who signs: the portal's two halves. As the attestation key's.
pub const TICKET_SECRETS: [(&str, &str); 2] = [
    (
        names::PORTAL_REQUEST_SERVICE_ACCOUNT,
        "sde-ticket-portal-request",
    ),
    (
        names::PORTAL_DECIDE_SERVICE_ACCOUNT,
        "sde-ticket-portal-decide",
    ),
];
const PRIVATE: &str = "private.pem";
const PUBLIC: &str = "public.pem";
const KEY: &str = "key";

/// Why the keys cannot be used. None of it is mended by making new ones: old records would lose theirs.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The Secret could not be read or made.
    #[error("secret {secret}: {source}")]
    Api {
        /// Its name.
        secret: &'static str,
        /// Why.
        source: ApplyError,
    },
    /// The Secret is there but lacks a key or holds something unusable.
    #[error("secret {secret}: {key} is missing or unusable")]
    Content {
        /// Its name.
        secret: &'static str,
        /// The key in it.
        key: &'static str,
    },
    /// The public half stored beside the private one is another key's.
    #[error("secret {0}: {PUBLIC} does not belong to {PRIVATE}")]
    Mismatch(&'static str),
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
    /// A signing key could not be made, read or written.
    #[error(transparent)]
    Attestation(#[from] EvidenceKeyError),
    /// The key of viewing codes could not be used.
    #[error(transparent)]
    Viewing(#[from] NotAKey),
    /// The pseudonym key could not be used.
    #[error(transparent)]
    Pseudonym(#[from] PseudonymError),
}

/// The keys.
pub struct Keys {
    /// Signs destruction attestations.
    pub attestation: SigningKey,
    /// Its public half (SPKI PEM), for status and records.
    pub attestation_public_pem: String,
    /// Makes people's pseudonyms in records.
    pub pseudonym: PseudonymKey,
    /// From which the keys of viewing codes are derived.
    pub viewing: ViewingSecret,
    /// Public halves of the keys that sign tickets for the door (SPKI PEM), by who signs. Their private halves are the portal's.
    pub tickets: BTreeMap<String, String>,
}

impl Keys {
    /// Reads the keys, making those that are absent. Only a leader may, so that two cannot make one each.
    pub async fn load_or_create(
        client: Client,
        namespace: &str,
        leadership: &Leadership,
        timeout: Duration,
    ) -> Result<Self, KeysError> {
        let secrets = Secrets {
            api: Api::namespaced(client, namespace),
            leadership,
            timeout,
        };
        let attestation = secrets.ensure(ATTESTATION_SECRET, signing_data).await?;
        let pseudonym = secrets.ensure(PSEUDONYM_SECRET, random_data).await?;
        let viewing = secrets.ensure(VIEWING_SECRET, random_data).await?;
        let mut tickets = BTreeMap::new();
        for (signer, secret) in TICKET_SECRETS {
            let (_, public) = pair(secret, &secrets.ensure(secret, signing_data).await?)?;
            tickets.insert(signer.to_owned(), public);
        }
        Self::from_data(&attestation, &pseudonym, &viewing, tickets)
    }

    fn from_data(
        attestation: &Data,
        pseudonym: &Data,
        viewing: &Data,
        tickets: BTreeMap<String, String>,
    ) -> Result<Self, KeysError> {
        let (signing, public) = pair(ATTESTATION_SECRET, attestation)?;
        Ok(Self {
            attestation: signing,
            attestation_public_pem: public,
            pseudonym: PseudonymKey::new(bytes(PSEUDONYM_SECRET, pseudonym)?)?,
            viewing: ViewingSecret::new(bytes(VIEWING_SECRET, viewing)?)?,
            tickets,
        })
    }
}

/// The random bytes of a Secret.
fn bytes<'a>(secret: &'static str, data: &'a Data) -> Result<&'a [u8], KeysError> {
    let missing = KeysError::Content { secret, key: KEY };
    data.get(KEY).map(|key| key.0.as_slice()).ok_or(missing)
}

/// The key of a Secret, and its public half.
fn pair(secret: &'static str, data: &Data) -> Result<(SigningKey, String), KeysError> {
    let key = SigningKey::from_pkcs8_pem(&text(secret, data, PRIVATE)?)?;
    let public = key.verifying_key().to_spki_pem()?;
    if text(secret, data, PUBLIC)?.trim() != public.trim() {
        return Err(KeysError::Mismatch(secret));
    }
    Ok((key, public))
}

type Data = BTreeMap<String, ByteString>;

fn text(secret: &'static str, data: &Data, key: &'static str) -> Result<String, KeysError> {
    let content = data
        .get(key)
        .and_then(|bytes| String::from_utf8(bytes.0.clone()).ok());
    content.ok_or(KeysError::Content { secret, key })
}

fn random() -> Result<[u8; 32], KeysError> {
    let mut bytes = [0; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|e| KeysError::Random(e.to_string()))?;
    Ok(bytes)
}

fn signing_data() -> Result<Data, KeysError> {
    let mut failed = None;
    let generated = SigningKey::generate(|bytes| match random() {
        Ok(fresh) => *bytes = fresh,
        // Zero is no valid key, so a failed source can never become one.
        Err(error) => {
            *bytes = [0; 32];
            failed = Some(error);
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let key = generated?;
    Ok([
        (PRIVATE, key.to_pkcs8_pem()?),
        (PUBLIC, key.verifying_key().to_spki_pem()?),
    ]
    .map(|(name, pem)| (name.to_owned(), ByteString(pem.into_bytes())))
    .into())
}

fn random_data() -> Result<Data, KeysError> {
    Ok([(KEY.to_owned(), ByteString(random()?.to_vec()))].into())
}

struct Secrets<'a> {
    api: Api<Secret>,
    leadership: &'a Leadership,
    timeout: Duration,
}

impl Secrets<'_> {
    async fn ensure(
        &self,
        secret: &'static str,
        make: fn() -> Result<Data, KeysError>,
    ) -> Result<Data, KeysError> {
        let api = |source| KeysError::Api { secret, source };
        if let Some(data) = self.read(secret).await.map_err(api)? {
            return Ok(data);
        }
        let object = Secret {
            metadata: ObjectMeta {
                name: Some(secret.to_owned()),
                labels: Some(
                    [(
                        names::MANAGED_BY_LABEL.to_owned(),
                        names::MANAGED_BY.to_owned(),
                    )]
                    .into(),
                ),
                ..ObjectMeta::default()
            },
            data: Some(make()?),
            // A key that changes under old records would make them unverifiable.
            immutable: Some(true),
            ..Secret::default()
        };
        self.leadership
            .check()
            .map_err(|_| api(ApplyError::NotLeader))?;
        match self
            .call(self.api.create(&PostParams::default(), &object))
            .await
        {
            Ok(_) => tracing::info!(secret, "made a key"),
            Err(ApplyError::Conflict) => {}
            Err(error) => return Err(api(error)),
        }
        // Read back in either case: what is stored is what counts.
        self.read(secret)
            .await
            .map_err(api)?
            .ok_or(api(ApplyError::NotFound))
    }

    async fn read(&self, secret: &'static str) -> Result<Option<Data>, ApplyError> {
        let found = self.call(self.api.get_opt(secret)).await?;
        Ok(found.map(|s| s.data.unwrap_or_default()))
    }

    async fn call<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Result<T, ApplyError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApplyError::Timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_keys_load_again_and_sign() {
        let (attestation, pseudonym) = (signing_data().expect("key"), random_data().expect("key"));
        let keys =
            Keys::from_data(&attestation, &pseudonym, &pseudonym, BTreeMap::new()).expect("keys");
        assert!(
            keys.attestation_public_pem
                .starts_with("-----BEGIN PUBLIC KEY-----")
        );
        assert!(!keys.attestation.sign(b"x").is_empty());
        assert_ne!(signing_data().expect("key")[PRIVATE], attestation[PRIVATE]);
    }

    #[test]
    fn a_public_half_of_another_key_is_refused() {
        let (mut attestation, pseudonym) =
            (signing_data().expect("key"), random_data().expect("key"));
        attestation.insert(PUBLIC.into(), signing_data().expect("key")[PUBLIC].clone());
        assert!(matches!(
            Keys::from_data(&attestation, &pseudonym, &pseudonym, BTreeMap::new()),
            Err(KeysError::Mismatch(ATTESTATION_SECRET))
        ));
    }

    #[test]
    fn a_secret_without_its_key_is_refused() {
        let attestation = signing_data().expect("key");
        let fresh = random_data().expect("key");
        let missing = Keys::from_data(&attestation, &Data::new(), &fresh, BTreeMap::new());
        assert!(matches!(
            missing,
            Err(KeysError::Content {
                secret: PSEUDONYM_SECRET,
                ..
            })
        ));
        let missing = Keys::from_data(&attestation, &fresh, &Data::new(), BTreeMap::new());
        assert!(matches!(
            missing,
            Err(KeysError::Content {
                secret: VIEWING_SECRET,
                ..
            })
        ));
        let missing = Keys::from_data(&Data::new(), &fresh, &fresh, BTreeMap::new());
        assert!(matches!(
            missing,
            Err(KeysError::Content { key: PRIVATE, .. })
        ));
    }
}
