//! ACRO's record of its own checks (`results.json` of ACRO 0.4 and later): what it did not pass, and what the researcher asks
//! to be excepted from. Recognised by its content, like everything.

use serde_json::Value;

use crate::report::Place;
use crate::rules;
use crate::walk::Walk;

/// What ACRO said of the outputs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Acro {
    /// Outputs that it failed.
    pub refused: u64,
    /// Outputs that the researcher asks to be released all the same.
    pub exceptions: u64,
}

impl Acro {
    /// The record, if this JSON is one.
    pub fn of(value: &Value) -> Option<Self> {
        value.get("version")?.as_str()?;
        let results = value.get("results")?.as_object()?;
        let mut acro = Self::default();
        for output in results.values() {
            let text = |name: &str| output.get(name).and_then(Value::as_str);
            let (status, _) = (text("status")?, output.get("files")?.as_array()?);
            // What it did not judge is left to our own rules: it adds such outputs to every record. A status of a later version
            // is none that passes.
            acro.refused += u64::from(!matches!(status, "pass" | "review"));
            acro.exceptions += u64::from(text("exception").is_some_and(|e| !e.trim().is_empty()));
        }
        Some(acro)
    }

    /// Tells of both.
    pub fn judge(&self, walk: &mut Walk<'_>, place: &Place) {
        if self.refused > 0 {
            let what = format!("{} outputs that ACRO did not pass", self.refused);
            walk.findings.count(&rules::S013, place, self.refused, what);
        }
        if self.exceptions > 0 {
            let what = format!(
                "{} outputs with a request for an exception",
                self.exceptions
            );
            walk.findings
                .count(&rules::S013, place, self.exceptions, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acro_did_not_pass() {
        let output = |status: &str, exception: &str| serde_json::json!({"uid": "o", "status": status, "files": [{"name": "o.csv", "sdc": {}}], "exception": exception});
        let of =
            |results: Value| Acro::of(&serde_json::json!({"version": "1.0.2", "results": results}));
        let both = of(
            serde_json::json!({"a": output("pass", ""), "b": output("fail", "rare disease"), "c": output("review", "")}),
        );
        let wanted = Acro {
            refused: 1,
            exceptions: 1,
        };
        assert_eq!(both, Some(wanted));
        assert_eq!(
            of(serde_json::json!({"a": output("pass", " ")})),
            Some(Acro::default())
        );
        assert_eq!(of(serde_json::json!({"a": {"n": 5}})), None);
    }
}
