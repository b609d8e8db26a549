//! Transfers to another environment (R57): from a Dataset grant, never an outbox, to one that the approved Project names and the
//! SdePolicy lists, with an assessment in date and its keys. What is taken from the grant is encrypted to those keys before it is
//! sealed, so that nothing else is ever kept, reviewed or handed out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sde_crds::airlock_review::ReviewRole;
use sde_crds::declarations::SettingKind;
use sde_crds::policy::SdePolicySpec;
use sde_crds::policy_airlock::AirlockPolicy;
use sde_crds::policy_lists::SdeKeys;
use sde_crds::project::ProjectSpec;
use serde::{Deserialize, Serialize};

use crate::airlock::observe::{Observed, Project};
use crate::rejection::Rejection;
use crate::time::today;

/// Other environments by name, with their keys where they have given any.
pub type Sdes = BTreeMap<String, Option<SdeKeys>>;

/// What Seal must know of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferTask {
    /// Digest that the grant's manifest must have (`sde-agent manifest`); none when only folders of it are granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// To whom every file is encrypted.
    pub keys: SdeKeys,
}

/// Digest by which a status, and whoever reviews it, names the keys of an environment.
#[must_use]
pub fn recipient(keys: &SdeKeys) -> Option<String> {
    let digest = sde_evidence::canonical_digest(keys).ok()?;
    Some(digest.to_string())
}

/// Environments of the policy whose assessment is current.
pub fn current(policy: &SdePolicySpec, now: Timestamp) -> Sdes {
    let today = today(now);
    let listed = policy.third_party_sdes.iter().flatten();
    listed
        .filter(|s| s.assessment.date <= today && s.assessment.expires.is_some_and(|e| today <= e))
        .map(|s| (s.name.clone(), s.keys.clone()))
        .collect()
}

/// Environments that are named as third parties by the spec in force and by the present one. One that is abroad takes a transfer to
/// its country besides, whose basis the Project's rules have judged (R63-R71); where nobody says what is abroad, all are.
pub fn named(
    spec: &ProjectSpec,
    present: &ProjectSpec,
    policy: &SdePolicySpec,
) -> BTreeSet<String> {
    let of = |spec: &ProjectSpec| {
        let setting = spec.setting.iter();
        let parties = setting.filter(|s| s.kind == SettingKind::ThirdParty);
        let named = parties.flat_map(|s| s.sdes.iter().flatten().cloned());
        named.collect::<BTreeSet<_>>()
    };
    let lawful = |name: &String| {
        let mut listed = policy.third_party_sdes.iter().flatten();
        listed.any(|sde| {
            let home = policy.transfers.as_ref().map(|t| &t.country);
            let mut declared = spec.transfers.iter().flatten();
            sde.name == *name
                && (home == Some(&sde.country) || declared.any(|t| t.country == sde.country))
        })
    };
    let both = of(spec)
        .intersection(&of(present))
        .cloned()
        .collect::<BTreeSet<_>>();
    both.into_iter().filter(lawful).collect()
}

/// The keys of the environment to which a request goes, while it is listed.
pub fn keys(observed: &Observed) -> Option<&SdeKeys> {
    let transfer = observed.spec().transfer.as_ref()?;
    observed.sdes.get(&transfer.sde)?.as_ref()
}

/// Why a transfer must not go on now; none when it may.
pub(super) fn refused(
    observed: &Observed,
    project: &Project,
    policy: &AirlockPolicy,
) -> Option<Rejection> {
    let spec = observed.spec();
    let asker = &spec.requester;
    let no = |reason, message: &str| Some(Rejection::new(reason, message.to_owned()));
    let custodian = |user: &str| {
        let mut reviewers = policy.reviewers.iter();
        reviewers.any(|r| r.user == user && r.roles.contains(&ReviewRole::Custodian))
    };
    if !custodian(asker) || observed.insider(asker) {
        return no(
            "RequesterNotApproved",
            &format!(
                "{asker} is not a Custodian of the SdePolicy's airlock, or is of the Project: a transfer is a custodian's act."
            ),
        );
    }
    let Some(transfer) = spec.transfer.as_ref().filter(|t| {
        project.grants.contains(&t.grant)
            && project.sdes.contains(&t.sde)
            && observed.sdes.contains_key(&t.sde)
    }) else {
        return no(
            "TransferNotListed",
            "The grant must be one of the Project's in force, with its bytes verified; the environment one that the approved Project names (spec.setting, kind ThirdParty), abroad with a transfer to its country (spec.transfers), and that the SdePolicy lists with a current assessment.",
        );
    };
    let Some(keys) = keys(observed) else {
        return no(
            "TransferKeysMissing",
            &format!(
                "The SdePolicy holds no keys of {}: set thirdPartySdes[].keys to those that it has published.",
                transfer.sde
            ),
        );
    };
    let sealed = observed.status().content;
    if sealed.is_some_and(|c| c.recipient.is_none() || c.recipient != recipient(keys)) {
        return no(
            "TransferKeysChanged",
            &format!(
                "What was sealed is encrypted to other keys than the SdePolicy now holds of {}: withdraw the request and make another.",
                transfer.sde
            ),
        );
    }
    None
}
