//! JUnit XML for CI: a suite a group, a case a finding; what fails the run fails there.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Finding, Report};
use crate::judge::Verdict;

/// Renders the report.
///
/// # Errors
/// When the XML cannot be written.
pub fn page(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut xml = quick_junit::Report::new("redteam");
    xml.set_time(Duration::from_secs(report.seconds));
    let mut suites: Vec<TestSuite> = Vec::new();
    for finding in &report.findings {
        let name = format!("redteam.{:?}", finding.group);
        if suites
            .last()
            .is_none_or(|suite| suite.name.as_str() != name)
        {
            suites.push(TestSuite::new(name));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(finding));
        }
    }
    let mut run = TestSuite::new("redteam.Run");
    let mut exact = TestCase::new("the residual list is exact", TestCaseStatus::success());
    if !report.problems.is_empty() {
        let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
        failed.set_message(report.problems.join("\n"));
        exact.status = failed;
    }
    run.add_test_case(exact);
    suites.push(run);
    xml.add_test_suites(suites);
    xml.to_string()
}

fn case(finding: &Finding) -> TestCase {
    let mut said = format!(
        "attempt: {}\ncontrol: {}\nwitness: {}",
        finding.attempt, finding.control, finding.witness
    );
    if let Some(verdict) = finding.api_form {
        said += &format!("\nAPI form alone: {}", verdict.name());
    }
    let status = match (finding.verdict, &finding.residual) {
        (Verdict::Blocked | Verdict::NotApplicable, _) => TestCaseStatus::success(),
        (Verdict::Open, Some(residual)) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(format!("open, on the residual list as {residual}"));
            skipped
        }
        (Verdict::Open | Verdict::Inconclusive, _) => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failed.set_message(format!("{}: {said}", finding.verdict.name()));
            failed
        }
    };
    let mut case = TestCase::new(format!("{}: {}", finding.id, finding.title), status);
    case.set_classname(format!("redteam.{:?}", finding.group));
    case.set_system_out(said);
    case
}
