//! What a run found, as JSON, as a page to file and print, and as JUnit XML and SARIF. Pure, but for writing the files.

pub mod html;
pub mod junit;
pub mod sarif;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::catalogue::{Attack, Group};
use crate::error::{RedteamError, Result};
use crate::judge::Verdict;
use crate::residuals::{self, Residual};

/// One attack by one attacker, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The attack's id, with `@` and the identity where it went through the API.
    pub id: String,
    /// Its group.
    pub group: Group,
    /// What was tried.
    pub title: String,
    /// By whom.
    pub who: String,
    /// CIS, MTB, ATT&CK, Microsoft.
    pub maps_to: Vec<String>,
    /// With the policies loaded from disk and through the API.
    pub verdict: Verdict,
    /// With the policies loaded through the API alone, after their bindings were deleted; only where it was tried.
    pub api_form: Option<Verdict>,
    /// What the attacker saw.
    pub attempt: String,
    /// What the control saw.
    pub control: String,
    /// What the receiver saw.
    pub witness: String,
    /// The residual it belongs to, when it is open.
    pub residual: Option<String>,
}

impl Finding {
    /// A finding of a catalogue's entry, whose verdict and witness are still to be filled in.
    pub fn of(group: Group, attack: &Attack, attempt: String, control: String) -> Self {
        Self {
            id: attack.id.clone(),
            group,
            title: attack.title.clone(),
            who: attack.who.join(", "),
            maps_to: attack.maps_to.clone(),
            verdict: Verdict::Inconclusive,
            api_form: None,
            attempt,
            control,
            witness: attack.witness.clone(),
            residual: None,
        }
    }
}

/// A node as its kubelet describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Kubelet's version.
    pub kubelet: String,
    /// Container runtime and version.
    pub runtime: String,
    /// Kernel release.
    pub kernel: String,
    /// Operating system.
    pub system: String,
}

/// What was attacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The cluster's name.
    pub cluster: String,
    /// The API server's version.
    pub version: String,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The pod network.
    pub network: String,
    /// Which forms of the policies were in force, and how that was seen.
    pub policies: String,
    /// Commit of the repository, when it is known.
    pub commit: String,
}

/// A measured duration or size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// Of what.
    pub what: String,
    /// With its unit.
    pub value: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What was attacked.
    pub subject: Subject,
    /// When the run began, RFC 3339.
    pub began: String,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Findings by verdict.
    pub counts: BTreeMap<&'static str, usize>,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// Every finding.
    pub findings: Vec<Finding>,
    /// The published residuals.
    pub residuals: Vec<Residual>,
    /// Why the run failed; empty when it did not.
    pub problems: Vec<String>,
}

impl Report {
    /// A report whose counts are those of its findings.
    pub fn new(
        subject: Subject,
        began: String,
        seconds: u64,
        findings: Vec<Finding>,
        residuals: Vec<Residual>,
        problems: Vec<String>,
    ) -> Self {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for finding in &findings {
            *counts.entry(finding.verdict.name()).or_default() += 1;
        }
        Self {
            subject,
            began,
            seconds,
            counts,
            measures: Vec::new(),
            findings,
            residuals,
            problems,
        }
    }

    /// Says of each open finding which residual it belongs to.
    pub fn name_residuals(&mut self) {
        let (known, _) = residuals::by_finding(&self.residuals);
        for finding in &mut self.findings {
            if finding.verdict == Verdict::Open {
                finding.residual = known.get(finding.id.as_str()).map(|id| (*id).to_owned());
            }
        }
    }

    /// One line for the terminal.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = self
            .counts
            .iter()
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        format!("{} findings: {}", self.findings.len(), counts.join(", "))
    }

    /// Writes `report.json`, `report.html`, `junit.xml` and `report.sarif` into a folder and returns the page's path.
    ///
    /// # Errors
    /// When a form cannot be made or a file not be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(folder).map_err(RedteamError::write(folder))?;
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(RedteamError::write(&path))?;
            Ok::<_, RedteamError>(path)
        };
        let json = |value: serde_json::Result<String>| {
            value
                .map(|text| text + "\n")
                .map_err(|error| RedteamError::malformed("report", error))
        };
        write("report.json", json(serde_json::to_string_pretty(self))?)?;
        let sarif = serde_json::to_string_pretty(&sarif::page(self));
        write("report.sarif", json(sarif)?)?;
        let junit = junit::page(self).map_err(|e| RedteamError::malformed("junit.xml", e))?;
        write("junit.xml", junit)?;
        let page = html::page(self).map_err(|e| RedteamError::malformed("report.html", e))?;
        write("report.html", page)
    }
}

#[cfg(test)]
pub mod tests {
    //! Golden forms of one small report.
    use super::*;

    /// A finding of that verdict.
    pub fn finding(id: &str, verdict: Verdict) -> Finding {
        Finding {
            id: id.to_owned(),
            group: Group::Network,
            title: "TCP to <the sentinel>".to_owned(),
            who: "researcher".to_owned(),
            maps_to: vec!["T1048".to_owned()],
            verdict,
            api_form: None,
            attempt: "refused: silent".to_owned(),
            control: "reached: answered".to_owned(),
            witness: "sentinel: 0 of the attack, 1 of the control".to_owned(),
            residual: None,
        }
    }

    fn report() -> Report {
        let mut open = finding("NET-OPEN", Verdict::Open);
        open.residual = Some("R9".to_owned());
        open.api_form = Some(Verdict::Open);
        let mut report = Report::new(
            Subject {
                cluster: "sde-test-redteam".to_owned(),
                version: "v1.37.1".to_owned(),
                nodes: vec![Node {
                    name: "worker".to_owned(),
                    kubelet: "v1.37.1".to_owned(),
                    runtime: "containerd://2.3.0".to_owned(),
                    kernel: "6.18.44".to_owned(),
                    system: "Debian".to_owned(),
                }],
                network: "Cilium".to_owned(),
                policies: "static and API".to_owned(),
                commit: "abc".to_owned(),
            },
            "2026-11-22T05:00:00Z".to_owned(),
            300,
            vec![
                finding("NET-SENTINEL", Verdict::Blocked),
                open,
                finding("NET-BAD", Verdict::Inconclusive),
            ],
            vec![Residual {
                id: "R9".to_owned(),
                title: "node services".to_owned(),
                owner: "platform team".to_owned(),
                reason: "the network plugin exempts the node".to_owned(),
                detected: "flow log".to_owned(),
                findings: vec!["NET-OPEN".to_owned()],
                api_form: Vec::new(),
            }],
            vec!["NET-BAD is inconclusive".to_owned()],
        );
        report.measures.push(Measure {
            what: "exposure".to_owned(),
            value: "120 ms".to_owned(),
        });
        report
    }

    #[test]
    fn counts_are_of_the_findings() {
        let report = report();
        assert_eq!(
            report.summary(),
            "3 findings: 1 Blocked, 1 Inconclusive, 1 Open"
        );
    }

    #[test]
    fn the_json_is_as_it_was() {
        insta::assert_json_snapshot!(report());
    }

    #[test]
    fn the_page_is_as_it_was_and_escapes_what_it_shows() {
        let page = html::page(&report()).expect("the template renders");
        assert!(page.contains("TCP to &lt;the sentinel&gt;"));
        assert!(!page.contains("<script"));
        insta::assert_snapshot!(page);
    }

    #[test]
    fn the_sarif_is_as_it_was() {
        insta::assert_json_snapshot!(sarif::page(&report()));
    }

    #[test]
    fn the_junit_xml_is_as_it_was() {
        insta::assert_snapshot!(junit::page(&report()).expect("JUnit XML serialises"));
    }
}
