//! Every case comes out as its file says, by kube-cel. Suite `policies` of `cargo e2e test` asks a real API server the same.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use sde_policies::cases::{self, Expect};
use sde_policies::evaluate::{Decision, Evaluator, Programs};
use sde_policies::file;

#[test]
fn every_case_comes_out_as_its_file_says() {
    let policies = file::read(file::folder()).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for file in cases::read(file::folder()).unwrap() {
        let policy = &policies[file.short_name()];
        assert_eq!(policy.name(), file.policy);
        let spec = policy.policy.spec.as_ref().unwrap();
        let evaluator = Evaluator::new(&file.policy, spec, &mut Programs::default()).unwrap();
        for case in &file.cases {
            asked += 1;
            let found = evaluator.decide(case);
            let right = match (&found, case.expect) {
                (Decision::Denied(message), Expect::Deny) => {
                    message.contains(case.message.as_deref().unwrap())
                }
                (found, Expect::Allow) => found.passes(),
                (_, Expect::Deny) => false,
            };
            if !right {
                let wanted = case.message.as_deref().unwrap_or_default();
                wrong.push(format!(
                    "{}: {}: expected {:?} {wanted:?}, found {found:?}",
                    file.short_name(),
                    case.name,
                    case.expect
                ));
            }
        }
    }
    println!("{asked} cases, {} wrong", wrong.len());
    assert!(asked > 200, "only {asked} cases were asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
