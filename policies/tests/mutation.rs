//! Nothing in a policy is there without a case that needs it: without any one validation, condition, resource, operation or exclusion, at
//! least one case that is refused passes, or one that passes is refused.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use k8s_openapi::api::admissionregistration::v1::{
    NamedRuleWithOperations, ValidatingAdmissionPolicySpec,
};
use sde_policies::cases::{self, Case};
use sde_policies::evaluate::{Evaluator, Programs};
use sde_policies::file;

/// A policy with one thing taken out, and what that was.
type Mutant = (String, ValidatingAdmissionPolicySpec);

#[test]
fn every_part_of_a_policy_is_needed_by_a_case() {
    let policies = file::read(file::folder()).unwrap();
    let mut needless = Vec::new();
    let mut tried = 0;
    for file in cases::read(file::folder()).unwrap() {
        let spec = policies[file.short_name()].policy.spec.as_ref().unwrap();
        let mut programs = Programs::default();
        let evaluator = Evaluator::new("whole", spec, &mut programs).unwrap();
        let passes = |evaluator: &Evaluator<'_>, case: &Case| evaluator.decide(case).passes();
        let whole: Vec<bool> = file
            .cases
            .iter()
            .map(|case| passes(&evaluator, case))
            .collect();
        for (what, mutant) in mutants(spec) {
            tried += 1;
            let evaluator = Evaluator::new("mutant", &mutant, &mut programs).unwrap();
            let mut cases = file.cases.iter().zip(&whole);
            if cases.all(|(case, passed)| passes(&evaluator, case) == *passed) {
                needless.push(format!("{}: {what}", file.short_name()));
            }
        }
    }
    println!("{tried} mutants, {} survive", needless.len());
    assert!(tried > 100, "only {tried} mutants were tried");
    assert!(
        needless.is_empty(),
        "no case needs:\n{}",
        needless.join("\n")
    );
}

fn mutants(spec: &ValidatingAdmissionPolicySpec) -> Vec<Mutant> {
    let mut found = Vec::new();
    for (index, validation) in spec.validations.iter().flatten().enumerate() {
        let mut mutant = spec.clone();
        mutant.validations.as_mut().unwrap().remove(index);
        found.push((format!("validation {}", validation.expression), mutant));
    }
    for (index, condition) in spec.match_conditions.iter().flatten().enumerate() {
        let mut mutant = spec.clone();
        mutant.match_conditions.as_mut().unwrap().remove(index);
        found.push((format!("condition {}", condition.name), mutant));
    }
    let constraints = spec.match_constraints.as_ref().unwrap();
    if constraints.namespace_selector.is_some() {
        let mut mutant = spec.clone();
        mutant
            .match_constraints
            .as_mut()
            .unwrap()
            .namespace_selector = None;
        found.push(("the namespaceSelector".to_owned(), mutant));
    }
    for (index, rule) in constraints.resource_rules.iter().flatten().enumerate() {
        for (what, smaller) in smaller(rule) {
            let mut mutant = spec.clone();
            let constraints = mutant.match_constraints.as_mut().unwrap();
            constraints.resource_rules.as_mut().unwrap()[index] = smaller;
            found.push((format!("rule {index} {what}"), mutant));
        }
    }
    for (index, rule) in constraints
        .exclude_resource_rules
        .iter()
        .flatten()
        .enumerate()
    {
        for (what, smaller) in smaller(rule) {
            let mut mutant = spec.clone();
            let constraints = mutant.match_constraints.as_mut().unwrap();
            constraints.exclude_resource_rules.as_mut().unwrap()[index] = smaller;
            found.push((format!("exclusion {index} {what}"), mutant));
        }
    }
    found
}

/// The rule without one of its resources, and without one of its operations.
fn smaller(rule: &NamedRuleWithOperations) -> Vec<(String, NamedRuleWithOperations)> {
    let mut found = Vec::new();
    for (index, name) in rule.resources.iter().flatten().enumerate() {
        let mut smaller = rule.clone();
        smaller.resources.as_mut().unwrap().remove(index);
        found.push((format!("resource {name}"), smaller));
    }
    for (index, name) in rule.operations.iter().flatten().enumerate() {
        let mut smaller = rule.clone();
        smaller.operations.as_mut().unwrap().remove(index);
        found.push((format!("operation {name}"), smaller));
    }
    found
}
