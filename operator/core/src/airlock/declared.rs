//! What the requester says of each file: whether it is complete, and what it asks for by itself, whatever a scan says.

use std::collections::BTreeMap;

use sde_crds::airlock_request::{
    AirlockRequestSpec, Direction, Output, Statistic, SuppressionMethod,
};
use sde_crds::policy_airlock::AirlockPolicy;

/// What keeps the declaration from covering a sealed folder of `files` files; empty when every file is declared exactly once (R60).
pub fn problems(spec: &AirlockRequestSpec, files: i64) -> Vec<String> {
    let mut named: BTreeMap<i64, usize> = BTreeMap::new();
    let outputs = spec.outputs.iter().flatten();
    let imports = spec.imports.iter().flatten();
    let declared = outputs
        .flat_map(|o| &o.files)
        .chain(imports.flat_map(|i| &i.files));
    for file in declared {
        *named.entry(*file).or_default() += 1;
    }
    let mut problems = Vec::new();
    // What is taken from a grant is the grant: there is nothing to declare.
    let missing = (0..files).filter(|f| !named.contains_key(f));
    if spec.direction != Direction::TransferToSde {
        list(&mut problems, "is declared by nothing", missing);
    }
    let twice = named.iter().filter(|(_, n)| **n > 1).map(|(f, _)| *f);
    list(&mut problems, "is declared more than once", twice);
    let beyond = named.keys().copied().filter(|f| *f >= files);
    list(&mut problems, "is declared but was not sealed", beyond);
    let counts = spec.outputs.iter().flatten().filter_map(|o| o.counts_file);
    list(
        &mut problems,
        "is named as countsFile but was not sealed",
        counts.filter(|f| *f >= files),
    );
    problems
}

fn list(problems: &mut Vec<String>, what: &str, files: impl Iterator<Item = i64>) {
    problems.extend(files.map(|file| format!("file {file} {what}")));
}

/// Rules that the declaration itself breaks: every approval must answer for them.
pub fn held_by(spec: &AirlockRequestSpec, policy: &AirlockPolicy) -> Vec<&'static str> {
    let outputs = || spec.outputs.iter().flatten();
    let mut rules = Vec::new();
    if outputs().any(|o| o.statistic == Statistic::Model) {
        rules.push("AL-M002");
    }
    if outputs().any(|o| small_counts(o, policy)) {
        rules.push("AL-S001");
    }
    if outputs().any(|o| o.statistic == Statistic::Figure && o.counts_file.is_none()) {
        rules.push("AL-S012");
    }
    rules
}

/// Whether an output may show counts of people below the policy's minimum, as it is declared.
fn small_counts(output: &Output, policy: &AirlockPolicy) -> bool {
    let suppression = &output.suppression;
    match suppression.method {
        SuppressionMethod::None => true,
        SuppressionMethod::Suppressed | SuppressionMethod::SuppressedAndSecondary => suppression
            .threshold
            .is_none_or(|t| t < policy.minimum_count),
        SuppressionMethod::NotApplicable
        | SuppressionMethod::Rounded
        | SuppressionMethod::Perturbed => false,
    }
}
