//! The attacks through the API server: each by each of its identities, with its control.

use std::collections::BTreeMap;

use crate::ask::{Answered, Asker};
use crate::attacked::{self, Place};
use crate::catalogue::{Attack, Group, Request};
use crate::controls;
use crate::error::{RedteamError, Result};
use crate::judge::{Counted, judge};
use crate::report::Finding;
use crate::signing;
use crate::words::{Words, placeholders};

/// The cluster's administrator, among the identities of the catalogue: controls are theirs.
pub const ADMIN: &str = "admin";

/// Who asks, by identity, and what the placeholders stand for.
pub struct Court {
    /// Identities of the catalogue. Attempts of an identity that is not here are not made.
    askers: BTreeMap<&'static str, Asker>,
    /// Words of what is attacked.
    attack: Words,
    /// Words of the controls.
    control: Words,
}

/// One attempt, and its control.
pub struct Attempt {
    attack: Attack,
    who: String,
    /// The answer to the attempt.
    pub answered: Answered,
    /// The answer to the control.
    pub control: Answered,
}

impl Court {
    /// The court of a place: its words are read as the administrator, whose own identity is added to `others`.
    ///
    /// # Errors
    /// When a signing request cannot be made, or something of the place cannot be read.
    pub async fn open(
        admin: Asker,
        place: &Place,
        others: BTreeMap<&'static str, Asker>,
    ) -> Result<Self> {
        let csr = |name: &str| {
            signing::request(name).map_err(|error| RedteamError::malformed(name, error))
        };
        let of_controller = csr(&attacked::controller_user(&place.system))?;
        let attack = attacked::words(&admin.client, place, of_controller)
            .await
            .map_err(|error| RedteamError::Read(Box::new(error)))?;
        let mut control = controls::words(csr(controls::NOBODY)?);
        for shared in attacked::SHARED {
            control.extend(attack.get(shared).map(|word| (shared, word.clone())));
        }
        let mut askers = others;
        askers.insert(ADMIN, admin);
        Ok(Self {
            askers,
            attack,
            control,
        })
    }

    /// Makes an attack: one attempt each identity. Left out is what this cluster has no words for, and where somebody who is
    /// impersonated already would impersonate somebody else, in the attack or in its control.
    pub async fn try_one(&self, attack: &Attack) -> Vec<Attempt> {
        let Some(request) = attack.request.as_ref().filter(|r| self.has_words(r)) else {
            return Vec::new();
        };
        let (who, same, words) = match &attack.control_request {
            // Such a control names the real project where it needs it.
            Some(control) => (control.who.as_str(), &control.request, &self.attack),
            None => (ADMIN, request, &self.control),
        };
        let Some(witness) = self.asker(who, same) else {
            return Vec::new();
        };
        let mut answers = Vec::new();
        for who in &attack.who {
            if let Some(asker) = self.asker(who, request) {
                answers.push((who.clone(), asker.ask(request, &self.attack).await));
            }
        }
        if answers.is_empty() {
            return Vec::new();
        }
        let control = witness.ask(same, words).await;
        let attempt = |(who, answered)| Attempt {
            attack: attack.clone(),
            who,
            answered,
            control: control.clone(),
        };
        answers.into_iter().map(attempt).collect()
    }

    fn has_words(&self, request: &Request) -> bool {
        let body = request.body.to_string();
        let user = request.impersonate.as_deref().unwrap_or_default();
        [request.path.as_str(), &body, user]
            .into_iter()
            .flat_map(placeholders)
            .all(|name| self.attack.contains_key(name))
    }

    fn asker(&self, who: &str, request: &Request) -> Option<&Asker> {
        let nested = |asker: &&Asker| asker.user.is_some() && request.impersonate.is_some();
        self.askers.get(who).filter(|asker| !nested(asker))
    }
}

impl Attempt {
    /// The finding's id.
    pub fn id(&self) -> String {
        format!("{}@{}", self.attack.id, self.who)
    }

    /// What came of it; `counted` is what a receiver says, where there is one.
    pub fn finding(&self, counted: Option<&Counted>, witness: String) -> Finding {
        Finding {
            id: self.id(),
            who: self.who.clone(),
            verdict: judge(&self.answered.told, &self.control.told, counted),
            witness,
            ..Finding::of(
                Group::Api,
                &self.attack,
                self.answered.told.line(),
                self.control.told.line(),
            )
        }
    }
}
