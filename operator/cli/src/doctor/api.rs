//! The API server: its version, our kinds, and the policies that hold when the operator does not.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use sde_crds::names::{GROUP, VERSION};
use sde_policies::embedded::POLICIES;

use super::check::Check;
use super::facts::Facts;

const SECTION: &str = "API server";
/// What to do about what the chart installs.
pub const INSTALL: &str = "Install or upgrade the chart: helm upgrade --install sde-operator charts/sde-operator -n sde-system.";

/// The oldest minor version of Kubernetes 1 that is supported.
pub const OLDEST_MINOR: u32 = 34;

/// Our kinds, by plural.
const KINDS: [&str; 9] = [
    "sdepolicies",
    "datasets",
    "projects",
    "projectapprovals",
    "workspaces",
    "airlockreceipts",
    "destructionrecords",
    "airlockrequests",
    "airlockreviews",
];

/// The checks.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let mut all = vec![version(facts)];
    all.push(kinds(facts));
    all.extend(policies(facts));
    all
}

/// The minor version of `v1.34.1`; none for another major or no version.
pub fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("v1.")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn version(facts: &Facts) -> Check {
    let found = match &facts.version {
        Err(why) => return Check::unreadable(SECTION, "the version", why),
        Ok(found) => found,
    };
    match minor(found) {
        Some(m) if m >= OLDEST_MINOR => Check::ok(SECTION, format!("Kubernetes {found}")),
        _ => Check::fail(
            SECTION,
            format!("Kubernetes {found}"),
            format!("Upgrade to 1.{OLDEST_MINOR} or later."),
        ),
    }
}

fn kinds(facts: &Facts) -> Check {
    let crds = match &facts.crds {
        Err(why) => return Check::unreadable(SECTION, "CustomResourceDefinitions", why),
        Ok(crds) => crds,
    };
    let served = |plural: &str| {
        crds.iter().any(|c| {
            let established = c
                .status
                .iter()
                .flat_map(|s| s.conditions.iter().flatten())
                .any(|c| c.type_ == "Established" && c.status == "True");
            c.spec.names.plural == plural
                && established
                && c.spec
                    .versions
                    .iter()
                    .any(|v| v.name == VERSION && v.served)
        })
    };
    let missing: Vec<_> = KINDS.into_iter().filter(|k| !served(k)).collect();
    if missing.is_empty() {
        Check::ok(
            SECTION,
            format!("all {} kinds of {GROUP}/{VERSION} are served", KINDS.len()),
        )
    } else {
        Check::fail(
            SECTION,
            format!("not served: {}", missing.join(", ")),
            INSTALL,
        )
    }
}

fn policies(facts: &Facts) -> Vec<Check> {
    let (policies, bindings) = match (&facts.policies, &facts.bindings) {
        (Ok(policies), Ok(bindings)) => (policies, bindings),
        (Err(why), _) | (_, Err(why)) => {
            return vec![Check::unreadable(
                SECTION,
                "ValidatingAdmissionPolicies",
                why,
            )];
        }
    };
    let mut problems = Vec::new();
    for (short, source) in POLICIES {
        let name = format!("{short}.{GROUP}");
        let installed = policies
            .iter()
            .find(|p| p.metadata.name.as_deref() == Some(name.as_str()));
        problems.extend(problem(
            &name,
            installed,
            bindings,
            source,
            &facts.namespace,
        ));
    }
    if problems.is_empty() {
        problems.push(Check::ok(
            SECTION,
            format!(
                "all {} admission policies are installed, bound and unchanged",
                POLICIES.len()
            ),
        ));
    }
    problems
}

fn problem(
    name: &str,
    installed: Option<&ValidatingAdmissionPolicy>,
    bindings: &[ValidatingAdmissionPolicyBinding],
    source: &str,
    namespace: &str,
) -> Option<Check> {
    let Some(policy) = installed else {
        return Some(Check::fail(
            SECTION,
            format!("policy {name} is missing"),
            INSTALL,
        ));
    };
    let spec = policy.spec.clone().unwrap_or_default();
    if spec.failure_policy.as_deref() != Some("Fail") {
        return Some(Check::fail(
            SECTION,
            format!("policy {name} does not fail closed"),
            INSTALL,
        ));
    }
    // A binding with a selector of its own would leave out what it does not match.
    let binding = bindings.iter().filter_map(|b| b.spec.as_ref()).find(|b| {
        b.policy_name.as_deref() == Some(name)
            && b.validation_actions.iter().flatten().any(|a| a == "Deny")
            && b.param_ref.is_none()
            && b.match_resources.is_none()
    });
    if binding.is_none() {
        return Some(Check::fail(
            SECTION,
            format!("policy {name} is not bound with Deny for everything it matches"),
            INSTALL,
        ));
    }
    // The chart puts its own namespace in.
    let source = source.replace("sde-system", namespace);
    let first = source.split("\n---\n").next().unwrap_or_default();
    let ours: Option<ValidatingAdmissionPolicy> = serde_yaml_ng::from_str(first).ok();
    let same = ours.and_then(|p| p.spec).is_some_and(|o| {
        let validations = |s: &Option<Vec<_>>| {
            s.iter()
                .flatten()
                .map(
                    |v: &k8s_openapi::api::admissionregistration::v1::Validation| {
                        v.expression.clone()
                    },
                )
                .collect::<Vec<_>>()
        };
        let rules =
            |s: &k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicySpec| {
                let rules = s.match_constraints.iter().flat_map(|m| {
                    let excluded = m.exclude_resource_rules.iter().flatten();
                    m.resource_rules.iter().flatten().chain(excluded)
                });
                rules
                    .map(|r| {
                        (
                            r.api_groups.clone(),
                            r.resources.clone(),
                            r.operations.clone(),
                        )
                    })
                    .collect::<Vec<_>>()
            };
        let selector =
            |s: &k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicySpec| {
                let selector = s.match_constraints.as_ref()?.namespace_selector.clone()?;
                selector.match_expressions
            };
        validations(&o.validations) == validations(&spec.validations)
            && o.variables == spec.variables
            && o.match_conditions == spec.match_conditions
            && rules(&o) == rules(&spec)
            && selector(&o) == selector(&spec)
    });
    (!same).then(|| {
        Check::fail(
            SECTION,
            format!("policy {name} is not the one of this version (namespace {namespace})"),
            format!("Somebody changed it, or kubectl-sde is of another version than the chart, or the operator is in another namespace (--namespace). {INSTALL}"),
        )
    })
}
