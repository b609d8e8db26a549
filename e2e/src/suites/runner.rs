//! Runs tests one after the other, prints a line each, and counts.

use std::time::{Duration, Instant};

use super::error::SuiteError;

/// What came of a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuiteReport {
    /// Tests that passed.
    pub passed: usize,
    /// Names of those that failed.
    pub failed: Vec<String>,
}

impl SuiteReport {
    /// Adds another suite's result.
    pub fn add(&mut self, other: SuiteReport) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
    }
}

impl std::fmt::Display for SuiteReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed.len())
    }
}

/// Runs the tests of one suite.
#[derive(Debug, Default)]
pub struct Runner {
    filter: Option<String>,
    report: SuiteReport,
}

impl Runner {
    /// A runner of the tests whose name contains `filter`, or of all.
    pub fn new(filter: Option<String>) -> Self {
        Self {
            filter,
            report: SuiteReport::default(),
        }
    }

    /// Whether a test of this name is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter.as_str()))
    }

    /// Runs one test and prints how it went. A test is not stopped by another's failure.
    pub fn test(
        &mut self,
        name: &str,
        body: impl Future<Output = Result<(), SuiteError>>,
    ) -> impl Future<Output = ()> {
        // Boxed before it is part of the suite's own future, or every suite would be as large as all its tests together.
        let body = Box::pin(body);
        async move {
            if !self.wants(name) {
                return;
            }
            let began = Instant::now();
            let result = body.await;
            self.note(name, began.elapsed(), result);
        }
    }

    /// Counts a test that ran elsewhere and prints how it went.
    pub fn note(&mut self, name: &str, took: Duration, result: Result<(), SuiteError>) {
        let seconds = took.as_secs_f32();
        match result {
            Ok(()) => {
                println!("test {name} ... ok ({seconds:.1} s)");
                self.report.passed += 1;
            }
            Err(error) => {
                println!(
                    "test {name} ... FAILED ({seconds:.1} s)\n    {}",
                    error.to_string().replace('\n', "\n    ")
                );
                self.report.failed.push(name.to_owned());
            }
        }
    }

    /// The result so far.
    pub fn finish(self) -> SuiteReport {
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_are_counted_and_filters_leave_out() {
        let mut runner = Runner::new(Some("lock".to_owned()));
        runner.test("lock holds", async { Ok(()) }).await;
        runner
            .test("lock breaks", async {
                Err(SuiteError::Check("open".to_owned()))
            })
            .await;
        runner
            .test("something else", async {
                Err(SuiteError::Check("not run".to_owned()))
            })
            .await;
        let report = runner.finish();
        assert_eq!(report.to_string(), "1 passed, 1 failed");
        assert_eq!(report.failed, ["lock breaks"]);
    }
}
