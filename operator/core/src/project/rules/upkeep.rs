//! What is told and shuts nothing: copies handed out earlier, review of the policy, places nobody can see (R22, R63, R79).

use super::facts::{Facts, Out, Subject::Project};
use super::{Rule, Who};
use crate::conditions::types;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "legacy-copies",
        rows: "R22",
        checks: "copies handed out earlier are confirmed as destroyed",
        who: Who::Organisation,
        condition: types::LEGACY_COPIES_RESOLVED,
        reason: "CopiesOutstanding",
        acts: false,
        check: legacy_copies,
    },
    Rule {
        id: "policy-review",
        rows: "R79",
        checks: "the SdePolicy was held against the guidance in time",
        who: Who::Platform,
        condition: types::POLICY_REVIEWED,
        reason: "PolicyReviewOverdue",
        acts: false,
        check: policy_review,
    },
    Rule {
        id: "access-location",
        rows: "R63",
        checks: "nothing: where people connect from is declared, and no source on this cluster tells it",
        who: Who::Platform,
        condition: types::LOCATION_ENFORCED,
        reason: "DeclaredOnly",
        acts: false,
        check: access_location,
    },
];

fn legacy_copies(facts: &Facts<'_>, out: &mut Out) {
    // The present spec: a confirmation is a fact, which needs nobody's approval and opens nothing.
    for copy in facts.present.legacy_copies.iter().flatten() {
        out.look();
        if copy.confirmation.is_none() {
            let text = format!(
                "Destruction of copy {} by {} is not confirmed.",
                copy.reference, copy.holder
            );
            out.refuse(&Project, text);
        }
    }
}

fn policy_review(facts: &Facts<'_>, out: &mut Out) {
    if let Some(by) = facts.policy.review_by {
        let renew = "hold the SdePolicy against the present guidance and set reviewBy";
        out.until(&Project, "the review of the SdePolicy", by, renew);
    }
}

fn access_location(facts: &Facts<'_>, out: &mut Out) {
    let declared = facts.spec.people.iter().flat_map(|p| &p.access_from);
    let countries: std::collections::BTreeSet<&str> = declared.map(String::as_str).collect();
    let list: Vec<&str> = countries.into_iter().collect();
    let text = format!(
        "accessFrom ({}) is declared, and used for transfers and consent. Nothing here tells from where people connect, so it is not enforced.",
        list.join(", ")
    );
    out.refuse(&Project, text);
}
