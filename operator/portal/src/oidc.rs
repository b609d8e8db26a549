//! The sign-in service: found by its discovery document, asked by authorisation code with PKCE, state and nonce.

mod error;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims,
    IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse, reqwest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

pub use self::error::{OidcError, SignInError};
use crate::args::Settings;

/// Where the issuer sends people back to.
pub const CALLBACK: &str = "/sign-in/callback";
/// Longest wait for one answer of the issuer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often an issuer that never answered is asked.
const AGAIN: Duration = Duration::from_secs(5);
/// How often the keys of one that did are read anew.
const REFRESH: Duration = Duration::from_secs(600);
/// Signatures that are taken: by public key alone, so that no client secret makes an ID token.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims beyond the standard ones.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Extra(HashMap<String, Value>);

impl AdditionalClaims for Extra {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Extra,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type Client = openidconnect::Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Claims = IdTokenClaims<Extra, CoreGenderClaim>;

/// A sign-in that was begun; kept in an encrypted cookie of the browser that began it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    /// Page to go to afterwards.
    pub to: String,
    /// Until when, in seconds since 1970.
    pub until: i64,
}

/// Who signed in, as the issuer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInAs {
    /// Value of the username claim.
    pub name: String,
    /// Value of the projects claim.
    pub projects: Vec<String>,
}

/// The sign-in service, as it was last found.
pub struct Oidc {
    issuer: IssuerUrl,
    id: ClientId,
    secret: ClientSecret,
    redirect: RedirectUrl,
    username_claim: String,
    projects_claim: Option<String>,
    http: reqwest::Client,
    found: RwLock<Option<Arc<CoreProviderMetadata>>>,
}

impl Oidc {
    /// Reads what is needed to ask; asks nothing.
    ///
    /// # Errors
    /// [`OidcError`].
    pub fn new(settings: &Settings) -> Result<Self, OidcError> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|source| OidcError::File {
                path: path.clone(),
                source,
            })
        };
        let unusable = |what| {
            move |e: &dyn std::fmt::Display| OidcError::Unusable {
                what,
                cause: e.to_string(),
            }
        };
        let secret = read(&settings.client_secret_file)?.trim().to_owned();
        if secret.is_empty() {
            return Err(OidcError::EmptySecret(settings.client_secret_file.clone()));
        }
        // Who follows redirects of an issuer can be sent anywhere.
        let mut http = reqwest::ClientBuilder::new()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT);
        if let Some(path) = &settings.issuer_ca {
            let what = "the issuer's certificate authority";
            let all = reqwest::Certificate::from_pem_bundle(read(path)?.as_bytes())
                .map_err(|e| unusable(what)(&e))?;
            if all.is_empty() {
                return Err(unusable(what)(&"the file holds no certificate"));
            }
            for certificate in all {
                http = http.add_root_certificate(certificate);
            }
        }
        // As it was written: an issuer with and one without a slash at the end are two.
        let issuer =
            IssuerUrl::new(settings.issuer.clone()).map_err(|e| unusable("--issuer")(&e))?;
        let redirect = settings
            .public_url
            .join(CALLBACK)
            .map_err(|e| unusable("--public-url")(&e))?;
        Ok(Self {
            issuer,
            id: ClientId::new(settings.client_id.clone()),
            secret: ClientSecret::new(secret),
            redirect: RedirectUrl::from_url(redirect),
            username_claim: settings.username_claim.clone(),
            projects_claim: settings.projects_claim.clone(),
            http: http
                .build()
                .map_err(|e| unusable("HTTPS to the issuer")(&e))?,
            found: RwLock::default(),
        })
    }

    /// Whether the issuer has answered.
    pub fn ready(&self) -> bool {
        self.found().is_some()
    }

    fn found(&self) -> Option<Arc<CoreProviderMetadata>> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    /// Reads the issuer's addresses and keys.
    ///
    /// # Errors
    /// Why not, for the log.
    pub async fn discover(&self) -> Result<(), String> {
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http)
            .await
            .map_err(|e| chain(&e))?;
        let mut slot = self.found.write().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Arc::new(found));
        Ok(())
    }

    /// Keeps asking: soon again until the issuer first answers, and now and then afterwards, for its new keys.
    pub async fn keep(&self) {
        loop {
            match self.discover().await {
                Ok(()) => {
                    tracing::debug!(issuer = %self.issuer.as_str(), "the issuer's keys are read")
                }
                Err(error) => tracing::warn!(
                    issuer = %self.issuer.as_str(),
                    "the issuer does not answer as one, nobody new can sign in: {error}"
                ),
            }
            let pause = if self.ready() { REFRESH } else { AGAIN };
            tokio::time::sleep(pause).await;
        }
    }

    fn client(&self) -> Result<Client, SignInError> {
        let found = self.found().ok_or(SignInError::NotReady)?;
        let client = Client::from_provider_metadata(
            found.as_ref().clone(),
            self.id.clone(),
            Some(self.secret.clone()),
        );
        Ok(client.set_redirect_uri(self.redirect.clone()))
    }

    /// Where the browser must go, and what must be known when it comes back.
    ///
    /// # Errors
    /// [`SignInError::NotReady`].
    pub fn begin(&self, to: String, until: i64) -> Result<(Url, Flow), SignInError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client()?
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let flow = Flow {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            to,
            until,
        };
        Ok((url, flow))
    }

    /// Whether what came back is of this sign-in.
    pub fn belongs(&self, flow: &Flow, state: &str, issuer: Option<&str>) -> bool {
        // RFC 9207: an issuer that names itself must be ours.
        flow.state == state && issuer.is_none_or(|i| i == self.issuer.as_str())
    }

    /// Exchanges the code and says who it was given to.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn finish(&self, flow: Flow, code: String) -> Result<SignedInAs, SignInError> {
        let client = self.client()?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|e| SignInError::NoToken(e.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier))
            .request_async(&self.http)
            .await
            .map_err(|e| SignInError::NoToken(chain(&e)))?;
        let nonce = Nonce::new(flow.nonce);
        match self.believed(&client, &tokens, &nonce) {
            // It may have signed with a key that is newer than what we know.
            Err(SignInError::BadToken(first)) => {
                self.discover()
                    .await
                    .map_err(|_| SignInError::BadToken(first))?;
                self.believed(&self.client()?, &tokens, &nonce)
            }
            other => other,
        }
    }

    fn believed(
        &self,
        client: &Client,
        tokens: &Tokens,
        nonce: &Nonce,
    ) -> Result<SignedInAs, SignInError> {
        let bad = |e: &dyn std::fmt::Display| SignInError::BadToken(e.to_string());
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let token = tokens.id_token().ok_or_else(|| bad(&"no ID token"))?;
        let claims = token
            .claims(&verifier, nonce)
            .map_err(|e| bad(&chain(&e)))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|e| bad(&e))?;
            let key = token.signing_key(&verifier).map_err(|e| bad(&e))?;
            let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(|e| bad(&e))?;
            if found != *expected {
                return Err(bad(&"the access token is another one's"));
            }
        }
        let name = name(claims, &self.username_claim)
            .ok_or_else(|| SignInError::NoName(self.username_claim.clone()))?;
        Ok(SignedInAs {
            name,
            projects: self.projects(claims),
        })
    }

    fn projects(&self, claims: &Claims) -> Vec<String> {
        let claim = self.projects_claim.as_ref();
        let value = claim.and_then(|claim| claims.additional_claims().0.get(claim));
        let list = value.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// The value of the claim by which people are known.
fn name(claims: &Claims, claim: &str) -> Option<String> {
    match claim {
        "sub" => Some(claims.subject().as_str().to_owned()),
        "preferred_username" => Some(claims.preferred_username()?.as_str().to_owned()),
        // An address that nobody has checked may be anybody's.
        "email" if claims.email_verified() == Some(true) => {
            Some(claims.email()?.as_str().to_owned())
        }
        "email" => None,
        other => Some(
            claims
                .additional_claims()
                .0
                .get(other)?
                .as_str()?
                .to_owned(),
        ),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
