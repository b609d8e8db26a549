//! A request on a real cluster, as its requester, its reviewers and whoever is root on its node have it.

use serde_json::{Value, json};

use super::error::{Result, check};
use super::node_door;
use crate::node::Site;
use crate::node::acts::{PATIENCE, namespace};
use crate::node::door::Door;
use crate::node::story::{RESEARCHER, get, wait_for};

/// Who asks, who decides on it, and in which role.
#[derive(Clone, Copy)]
struct Parts {
    requester: &'static str,
    reviewers: [&'static str; 2],
    role: &'static str,
}

/// Of what a researcher takes out or brings.
const RESEARCH: Parts = Parts {
    requester: RESEARCHER,
    reviewers: ["checker-a", "checker-b"],
    role: "OutputChecker",
};

/// Of what a custodian sends to another environment.
const CUSTODY: Parts = Parts {
    requester: "custodian-a",
    reviewers: ["custodian-b", "custodian-c"],
    role: "Custodian",
};

/// What is declared of files that are said to be code.
pub(super) fn code(files: &[usize]) -> Value {
    json!([{"name": "code", "files": files, "statistic": "Code", "suppression": {"method": "NotApplicable"}, "intendedUse": "Software"}])
}

/// One request.
pub(super) struct Request<'a> {
    site: &'a Site,
    namespace: String,
    name: String,
    parts: Parts,
}

impl<'a> Request<'a> {
    /// One that the researcher made.
    pub(super) fn of(site: &'a Site, project: &str, name: &str) -> Self {
        Self {
            site,
            namespace: namespace(project),
            name: name.to_owned(),
            parts: RESEARCH,
        }
    }

    /// The researcher asks for a folder, sealed at once, and says this of its files.
    pub(super) fn ask(
        site: &'a Site,
        project: &str,
        name: &str,
        folder: &str,
        outputs: Value,
    ) -> Result<Self> {
        let request = Self::of(site, project, name);
        let object = json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest",
            "metadata": {"name": name, "namespace": request.namespace},
            "spec": {
                "requester": RESEARCHER, "direction": "Export", "folder": folder, "justification": "The script of the article",
                "seal": true, "withdrawn": false, "outputs": outputs,
            },
        });
        site.apply_as(RESEARCHER, &object)?;
        Ok(request)
    }

    /// The researcher means to bring files of these numbers.
    pub(super) fn bring(
        site: &'a Site,
        project: &str,
        name: &str,
        files: &[usize],
    ) -> Result<Self> {
        let request = Self::of(site, project, name);
        let object = json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest",
            "metadata": {"name": name, "namespace": request.namespace},
            "spec": {
                "requester": RESEARCHER, "direction": "Import", "justification": "A tool for the analysis", "seal": false, "withdrawn": false,
                "imports": [{"name": "tool", "files": files, "kind": "Binary", "origin": "A public registry", "licence": "MIT"}],
            },
        });
        site.apply_as(RESEARCHER, &object)?;
        Ok(request)
    }

    /// A custodian means to send a grant to another environment, sealed at once.
    pub(super) fn transfer(
        site: &'a Site,
        project: &str,
        name: &str,
        (grant, sde): (&str, &str),
    ) -> Result<Self> {
        let request = Self {
            parts: CUSTODY,
            ..Self::of(site, project, name)
        };
        let object = json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest",
            "metadata": {"name": name, "namespace": request.namespace},
            "spec": {
                "requester": CUSTODY.requester, "direction": "TransferToSde", "transfer": {"grant": grant, "sde": sde},
                "justification": "A joint analysis", "seal": true, "withdrawn": false,
            },
        });
        site.apply_as(CUSTODY.requester, &object)?;
        Ok(request)
    }

    /// Who asked.
    pub(super) fn requester(&self) -> &'static str {
        self.parts.requester
    }

    /// Waits until it is as wanted.
    pub(super) fn when(&self, wanted: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let what = (
            "airlockrequest",
            self.name.as_str(),
            Some(self.namespace.as_str()),
        );
        Ok(wait_for(self.site, what, wanted, PATIENCE, holds)?)
    }

    /// Waits for a phase.
    pub(super) fn phase(&self, phase: &str) -> Result<Value> {
        self.when(phase, |r| r["status"]["phase"] == phase)
    }

    /// Its requester changes its spec.
    pub(super) fn patch(&self, spec: &Value) -> Result<()> {
        let patch = json!({"spec": spec}).to_string();
        let args = [
            "patch",
            "airlockrequest",
            &self.name,
            "--namespace",
            &self.namespace,
            "--type",
            "merge",
            "--patch",
            &patch,
        ];
        self.site.kubectl(self.requester(), &args)?;
        Ok(())
    }

    /// Its requester confirms what was sealed.
    pub(super) fn confirm(&self) -> Result<()> {
        let sealed = self.when("sealed", |r| r["status"]["content"].is_object())?;
        self.patch(&json!({"confirmedDigest": sealed["status"]["content"]["digest"]}))
    }

    /// Two approve what they have opened through the door, in which nothing was found that holds it. Each has a code of their own.
    pub(super) fn approve(&self, door: &Door<'_>) -> Result<()> {
        self.approve_seeing(door, |_| Ok(()))
    }

    /// The same, where each visit must have shown what it must.
    pub(super) fn approve_seeing(
        &self,
        door: &Door<'_>,
        shown: impl Fn(&Value) -> Result<()>,
    ) -> Result<()> {
        let seen = self.phase("InReview")?;
        let rules = seen["status"]["findings"]["rules"].as_array();
        let held = rules
            .into_iter()
            .flatten()
            .filter(|r| r["severity"] != "Warn");
        check(
            held.count() == 0,
            format_args!("what is honest is held: {}", seen["status"]["findings"]),
        )?;
        // What stands out is only that others asked before.
        let rules = seen["status"]["reviews"]["heldBy"].as_array();
        let answers: Vec<Value> = rules
            .into_iter()
            .flatten()
            .map(|rule| json!({"rule": rule, "because": "RiskWeighed"}))
            .collect();
        let mut codes = Vec::new();
        let [first, second] = self.parts.reviewers;
        for reviewer in [first, second] {
            let told = node_door::opened(door, self, reviewer)?;
            shown(&told)?;
            codes.push(node_door::code(&told, reviewer)?);
        }
        check(
            codes.first() != codes.last(),
            format_args!("{first} and {second} are shown the same code: {codes:?}"),
        )?;
        let reviewers = [first, second].into_iter();
        reviewers.zip(codes).try_for_each(|(reviewer, code)| {
            let mut with = json!({"seen": code});
            if !answers.is_empty() {
                with["answers"] = json!(answers);
            }
            self.review(reviewer, &with)
        })
    }

    /// Somebody decides on it as it is now, with differences.
    pub(super) fn review(&self, reviewer: &str, with: &Value) -> Result<()> {
        let seen = get(
            self.site,
            "airlockrequest",
            &self.name,
            Some(&self.namespace),
        )?;
        let findings = &seen["status"]["findings"];
        let decision = with["decision"].as_str().unwrap_or("Approve");
        let mut review = json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockReview",
            "metadata": {"name": format!("{}-{reviewer}-{}", self.name, decision.to_lowercase()), "namespace": self.namespace},
            "spec": {
                "request": self.name, "requestUID": seen["metadata"]["uid"], "requester": self.requester(), "reviewer": reviewer,
                "role": self.parts.role, "decision": decision, "conflictOfInterest": "None", "reason": "SafeAsDeclared",
                "contentDigest": seen["status"]["content"]["digest"], "findingsDigest": findings["digest"],
                "policyDigest": findings["policyDigest"],
            },
        });
        for (key, value) in with.as_object().into_iter().flatten() {
            review["spec"][key] = value.clone();
        }
        self.site.create_as(reviewer, &review)?;
        Ok(())
    }

    /// The chamber's volume.
    pub(super) fn volume(&self) -> Result<Value> {
        let request = get(
            self.site,
            "airlockrequest",
            &self.name,
            Some(&self.namespace),
        )?;
        let uid = request["metadata"]["uid"].as_str().unwrap_or_default();
        let label = format!("sde-operator.dev/airlock-request-uid={uid}");
        let args = ["get", "pv", "--selector", &label, "--output", "json"];
        let list: Value =
            serde_json::from_str(&self.site.cluster.kubectl(args)?).unwrap_or_default();
        Ok(list["items"][0].clone())
    }

    /// Where local-path-provisioner keeps the chamber.
    pub(super) fn path(&self) -> Result<String> {
        let spec = &self.volume()?["spec"];
        let path = spec["hostPath"]["path"]
            .as_str()
            .or(spec["local"]["path"].as_str());
        check(
            path.is_some(),
            format_args!("not a folder of a node: {spec}"),
        )?;
        Ok(path.unwrap_or_default().to_owned())
    }

    /// The node that the chamber is on.
    pub(super) fn node(&self) -> Result<String> {
        Ok(self
            .site
            .cluster
            .nodes()?
            .first()
            .cloned()
            .unwrap_or_default())
    }

    /// The one file, as the node has it.
    pub(super) fn bytes(&self) -> Result<String> {
        let file = format!("{}/content/000", self.path()?);
        Ok(self
            .site
            .cluster
            .exec_on_node(&self.node()?, &["cat", &file])?)
    }
}
