//! Whom hub and portal may act for: three ClusterRoles, each with its own people and its own kinds, so that no one token
//! is both who asks and who decides.
//!
//! Constrained impersonation (KEP-5284) asks two rights of who acts: `impersonate:user-info` on the person, by name, and
//! `impersonate-on:user-info:<verb>` on what is done. The person's own rights then decide as always.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sde_crds::airlock_review::ReviewRole;
use sde_crds::policy::SdePolicySpec;
use sde_crds::project::Lifecycle;
use sde_crds::{Project, names};

/// First Kubernetes 1.x whose API server has constrained impersonation on by default.
const CONSTRAINED_SINCE: u32 = 36;

/// How impersonation is granted on this cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By person and by what is done (KEP-5284).
    Constrained,
    /// By person alone: who acts for somebody may do all that they may.
    Plain,
}

impl Form {
    /// The form for Kubernetes 1.`minor`. Where a newer API server has the feature switched off, the constrained form
    /// grants nothing, so a wrong guess shuts and never opens.
    pub fn of_minor(minor: u32) -> Self {
        if minor >= CONSTRAINED_SINCE {
            Self::Constrained
        } else {
            Self::Plain
        }
    }

    /// As in the annotation of the roles.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Constrained => "constrained",
            Self::Plain => "plain",
        }
    }
}

/// Everything that the roles depend on.
#[derive(Debug, Clone)]
pub struct Observed {
    /// All Projects, each with the binding of its people, if there is one.
    pub projects: Vec<(Arc<Project>, Option<Arc<RoleBinding>>)>,
    /// The SdePolicy, when there is one.
    pub policy: Option<SdePolicySpec>,
    /// What this cluster's API server knows.
    pub form: Form,
}

/// Verbs on resources of our group.
type Acts = &'static [(&'static [&'static str], &'static [&'static str])];

/// The hub opens, stops and follows Workspaces.
const HUB: Acts = &[(
    &["workspaces"],
    &["get", "list", "watch", "create", "patch"],
)];
/// The portal asks for what goes in or out: for researchers, and for custodians who transfer.
const REQUEST: Acts = &[(
    &["airlockrequests"],
    &["get", "list", "watch", "create", "patch"],
)];
/// The portal shows and decides. It writes no Project: else this one token could submit what it approves.
const DECIDE: Acts = &[
    (&["projectapprovals"], &["get", "list", "watch", "create"]),
    // Votes are hidden from those who vote.
    (&["airlockreviews"], &["create"]),
    (
        &[
            "sdepolicies",
            "datasets",
            "projects",
            "airlockrequests",
            "airlockreceipts",
            "destructionrecords",
        ],
        &["get", "list", "watch"],
    ),
];

/// Computes the roles, the same three whatever is observed.
pub fn desired(observed: &Observed) -> Vec<ClusterRole> {
    let researchers = researchers(&observed.projects);
    let deciders = deciders(observed.policy.as_ref());
    let mut askers = researchers.clone();
    // Where impersonation cannot be narrowed, who asks for them could decide as them too.
    if observed.form == Form::Constrained {
        askers.extend(custodians(observed.policy.as_ref()));
    }
    let role = |name, people, acts| role(name, observed.form, people, acts);
    vec![
        role(names::HUB_IMPERSONATION, &researchers, HUB),
        role(names::PORTAL_REQUEST_IMPERSONATION, &askers, REQUEST),
        role(names::PORTAL_DECIDE_IMPERSONATION, &deciders, DECIDE),
    ]
}

/// People who are bound in an active project and named by its present spec: a name that somebody put into a binding by
/// hand is nobody's to act for.
fn researchers(projects: &[(Arc<Project>, Option<Arc<RoleBinding>>)]) -> BTreeSet<String> {
    let mut people = BTreeSet::new();
    for (project, binding) in projects {
        if project.spec.lifecycle != Lifecycle::Active {
            continue;
        }
        let subjects = binding.iter().flat_map(|b| b.subjects.iter().flatten());
        people.extend(
            subjects
                .filter(|s| s.kind == "User")
                .map(|s| &s.name)
                .filter(|name| project.spec.people.iter().any(|p| &p.user == *name))
                .cloned(),
        );
    }
    people
}

/// People who may ask for a transfer, where there is an environment that one could go to.
fn custodians(policy: Option<&SdePolicySpec>) -> BTreeSet<String> {
    let receives = |p: &&SdePolicySpec| {
        let mut sdes = p.third_party_sdes.iter().flatten();
        sdes.any(|s| s.keys.is_some())
    };
    let airlock = policy.filter(receives).and_then(|p| p.airlock.as_ref());
    let reviewers = airlock.iter().flat_map(|a| &a.reviewers);
    let custodians = reviewers.filter(|r| r.roles.contains(&ReviewRole::Custodian));
    custodians.map(|r| r.user.clone()).collect()
}

fn deciders(policy: Option<&SdePolicySpec>) -> BTreeSet<String> {
    policy
        .into_iter()
        .flat_map(|p| p.deciders.iter().flatten())
        .cloned()
        .collect()
}

/// A rule without names would be one for every name, so a role for nobody has no rule at all.
fn role(name: &str, form: Form, people: &BTreeSet<String>, acts: Acts) -> ClusterRole {
    let mut rules = Vec::new();
    if !people.is_empty() {
        let (group, verb) = match form {
            Form::Constrained => ("authentication.k8s.io", "impersonate:user-info"),
            Form::Plain => ("", "impersonate"),
        };
        rules.push(PolicyRule {
            api_groups: Some(vec![group.to_owned()]),
            resources: Some(vec!["users".to_owned()]),
            resource_names: Some(people.iter().cloned().collect()),
            verbs: vec![verb.to_owned()],
            ..PolicyRule::default()
        });
        if form == Form::Constrained {
            rules.extend(acts.iter().map(|(resources, verbs)| {
                PolicyRule {
                    api_groups: Some(vec![names::GROUP.to_owned()]),
                    resources: Some(resources.iter().map(|&r| r.to_owned()).collect()),
                    verbs: verbs
                        .iter()
                        .map(|verb| format!("impersonate-on:user-info:{verb}"))
                        .collect(),
                    ..PolicyRule::default()
                }
            }));
        }
    }
    ClusterRole {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(
                [(
                    names::MANAGED_BY_LABEL.to_owned(),
                    names::MANAGED_BY.to_owned(),
                )]
                .into(),
            ),
            annotations: Some(
                [(
                    names::IMPERSONATION_ANNOTATION.to_owned(),
                    form.as_str().to_owned(),
                )]
                .into(),
            ),
            ..ObjectMeta::default()
        },
        rules: Some(rules),
        aggregation_rule: None,
    }
}
