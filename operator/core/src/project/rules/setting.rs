//! Safe settings: the holder's own environment, or others assessed in advance and for as long as the project lasts (R3-R7, R20).

use sde_crds::declarations::SettingKind;
use sde_crds::policy_lists::Requirement;

use super::facts::{Facts, Out, Subject::Project};
use super::{Rule, Who};
use crate::conditions::types;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "setting",
        rows: "R6, R20",
        checks: "the setting is stated, with why where it is not the holder's own",
        who: Who::Custodian,
        condition: types::SETTING_APPROVED,
        reason: "SettingNotDeclared",
        acts: true,
        check: setting,
    },
    Rule {
        id: "setting-listed",
        rows: "R3",
        checks: "other environments are ones that were assessed in advance",
        who: Who::Platform,
        condition: types::SETTING_APPROVED,
        reason: "SettingNotApproved",
        acts: true,
        check: listed,
    },
    Rule {
        id: "setting-assessment",
        rows: "R3, R4, R5, R7",
        checks: "the assessment of another environment is current, against guidance no older than this policy's, and lasts as long as the project",
        who: Who::Organisation,
        condition: types::SETTING_APPROVED,
        reason: "SettingAssessmentLapsed",
        acts: true,
        check: assessment,
    },
];

fn setting(facts: &Facts<'_>, out: &mut Out) {
    let Some(setting) = &facts.spec.setting else {
        if facts.requires(Requirement::Setting) {
            out.refuse(
                &Project,
                "setting is missing: say in whose environment the data is used.",
            );
        }
        return;
    };
    out.look();
    // The API server asks for both; a policy of an older version might not have.
    if setting.kind != SettingKind::OwnSDE
        && (setting.justification.is_none() || setting.sdes.as_ref().is_none_or(Vec::is_empty))
    {
        let text = "A setting other than OwnSDE needs sdes and justification.";
        out.refuse(&Project, text);
    }
}

fn listed(facts: &Facts<'_>, out: &mut Out) {
    let named = facts.spec.setting.iter().filter_map(|s| s.sdes.as_ref());
    for name in named.flatten() {
        let listed = facts.policy.third_party_sdes.iter().flatten();
        if !listed.clone().any(|s| s.name == *name) {
            let text = format!(
                "Environment {name} is not among SdePolicy.spec.thirdPartySdes: it must be assessed and listed first."
            );
            out.refuse(&Project, text);
        }
    }
}

fn assessment(facts: &Facts<'_>, out: &mut Out) {
    let named = facts.spec.setting.iter().filter_map(|s| s.sdes.as_ref());
    for name in named.flatten() {
        let Some(sde) = facts
            .policy
            .third_party_sdes
            .iter()
            .flatten()
            .find(|s| s.name == *name)
        else {
            continue;
        };
        let what = format!("assessment of environment {name}");
        let renew = "assess it again and update SdePolicy.spec.thirdPartySdes";
        out.evidence(&Project, &what, &sde.assessment, renew);
        let ends = facts.spec.schedule.expires;
        if sde.assessment.expires.is_none_or(|last| last < ends) {
            let text = format!(
                "The {what} does not last until {ends}, when the Project ends: shorten schedule.expires or have it assessed for longer."
            );
            out.refuse(&Project, text);
        }
        // Versions are dates, which compare as text.
        if sde.guidance_version < facts.policy.guidance_version {
            let text = format!(
                "The {what} is against guidance of {}, older than {}: have it assessed against the present one.",
                sde.guidance_version, facts.policy.guidance_version
            );
            out.refuse(&Project, text);
        }
    }
}
