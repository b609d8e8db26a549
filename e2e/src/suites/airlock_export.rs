//! One Export as people make it: asked for, confirmed, reviewed by two, collected. What goes in, or to another environment, is asked for
//! otherwise and then goes the same way.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use sde_core::airlock::viewing::{Viewed, ViewingSecret};
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus};
use sde_crds::names::{airlock_namespace, project_namespace};
use sde_crds::{AirlockRequest, AirlockReview};
use serde_json::{Value, json};

use super::error::Result;
use super::lab::{Lab, object};
use super::life::{Life, RESEARCHER};
use super::waiting::{PATIENCE, when_within};
use crate::controlplane::error::malformed;
use crate::controlplane::install::SYSTEM_NAMESPACE;
use crate::controlplane::standin::Behaviour;

/// What one of many requests at once adds to the wait of the last.
const TURN: Duration = Duration::from_secs(5);

/// Reviewers of the lab's policy.
pub(super) const CHECKERS: [&str; 2] = ["checker-a", "checker-b"];

/// Receipts of a release and of its collection.
const RECEIPTS: usize = 2;

/// Secret with the key of viewing codes.
const VIEWING_SECRET: &str = "sde-viewing-key";

/// A project whose researcher may receive what leaves it.
///
/// # Errors
/// When a Project cannot be so changed.
pub(super) fn project<'a>(lab: &'a Lab, name: &str) -> Result<Life<'a>> {
    let life = Life::new(lab, name).without_workspace();
    life.changed("/people/0/roles", json!(["Lead", "Researcher", "Egress"]))
}

/// What a researcher asks for: a folder, sealed at once.
///
/// # Errors
/// When the fields are not those of an AirlockRequest.
pub(super) fn request(name: &str) -> Result<AirlockRequest> {
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockRequest", "metadata": {"name": name},
        "spec": {
            "requester": RESEARCHER, "direction": "Export", "folder": "tables", "justification": "A table for the article",
            "seal": true, "withdrawn": false,
            "outputs": [{"name": "tables", "files": [0], "statistic": "Code", "suppression": {"method": "NotApplicable"}, "intendedUse": "Software"}],
        },
    }))
}

/// The viewing code that the viewer shows somebody who has opened every file: here no agent runs, and it is computed with the
/// controller's key. Empty for findings that there are not.
///
/// # Errors
/// When the key cannot be read.
pub(super) async fn code(lab: &Lab, person: &str, seen: &AirlockRequest) -> Result<String> {
    let status = seen.status.clone().unwrap_or_default();
    let (content, findings) = (status.content, status.findings);
    let viewed = Viewed {
        request_uid: seen.metadata.uid.as_deref().unwrap_or_default(),
        content: content.as_ref().map_or("", |c| &c.digest),
        findings: findings.as_ref().map_or("", |f| &f.digest),
        person,
    };
    code_of(lab, &viewed).await
}

async fn code_of(lab: &Lab, viewed: &Viewed<'_>) -> Result<String> {
    let secrets: Api<Secret> = Api::namespaced(lab.plane.admin(), SYSTEM_NAMESPACE);
    let data = secrets.get(VIEWING_SECRET).await?.data.unwrap_or_default();
    let bytes = data.get("key").map_or(&[][..], |key| key.0.as_slice());
    let secret = ViewingSecret::new(bytes).map_err(malformed(VIEWING_SECRET))?;
    Ok(secret.of(viewed.request_uid).code(viewed))
}

/// What somebody says of a request as it was seen, in the role that votes on it, with differences. An approval answers for every rule that holds it, and has
/// the viewing code of what it names, unless the differences say otherwise.
///
/// # Errors
/// When the fields are not those of an AirlockReview, or the key of codes cannot be read.
pub(super) async fn review(
    lab: &Lab,
    reviewer: &str,
    seen: &AirlockRequest,
    with: Value,
) -> Result<AirlockReview> {
    let status = seen.status.clone().unwrap_or_default();
    let findings = status.findings.as_ref();
    let held = status.reviews.iter().flat_map(|r| &r.held_by);
    let answers: Vec<Value> = held
        .map(|rule| json!({"rule": rule, "because": "RiskWeighed"}))
        .collect();
    let name = seen.name_any();
    let role = match seen.spec.direction {
        Direction::TransferToSde => "Custodian",
        Direction::Export | Direction::Import => "OutputChecker",
    };
    let mut spec = json!({
        "request": name, "requestUID": seen.uid(), "requester": seen.spec.requester, "reviewer": reviewer,
        "role": role, "decision": "Approve", "conflictOfInterest": "None", "reason": "SafeAsDeclared",
        "contentDigest": status.content.map(|c| c.digest), "findingsDigest": findings.map(|f| &f.digest),
        "policyDigest": findings.map(|f| &f.policy_digest),
    });
    if !answers.is_empty() && with.get("decision").is_none() {
        spec["answers"] = json!(answers);
    }
    for (key, value) in with.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    if spec["decision"] == "Approve" && with.get("seen").is_none() {
        let said = |field: &str| spec[field].as_str().unwrap_or_default();
        let viewed = Viewed {
            request_uid: said("requestUID"),
            content: said("contentDigest"),
            findings: said("findingsDigest"),
            person: reviewer,
        };
        spec["seen"] = code_of(lab, &viewed).await?.into();
    }
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "AirlockReview",
        "metadata": {"generateName": format!("{name}-{reviewer}-{}-", status.round)},
        "spec": spec,
    }))
}

/// One request.
pub(super) struct Export<'a> {
    lab: &'a Lab,
    project: String,
    name: String,
    requester: String,
    /// How long one step may take.
    patience: Duration,
}

impl<'a> Export<'a> {
    /// One that the researcher asked for.
    pub(super) fn of(lab: &'a Lab, project: &str, name: &str) -> Self {
        Self {
            lab,
            project: project.to_owned(),
            name: name.to_owned(),
            requester: RESEARCHER.to_owned(),
            patience: PATIENCE,
        }
    }

    /// The researcher asks for a folder and seals it.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(super) async fn ask(lab: &'a Lab, project: &str, name: &str) -> Result<Self> {
        Self::make(lab, project, &request(name)?).await
    }

    /// Its requester makes a request.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(super) async fn make(
        lab: &'a Lab,
        project: &str,
        request: &AirlockRequest,
    ) -> Result<Self> {
        let made = Self {
            requester: request.spec.requester.clone(),
            ..Self::of(lab, project, &request.name_any())
        };
        made.requests(&made.requester)
            .create(&PostParams::default(), request)
            .await?;
        Ok(made)
    }

    fn requests(&self, user: &str) -> Api<AirlockRequest> {
        Api::namespaced(self.lab.person(user), &project_namespace(&self.project))
    }

    /// Waits until the request is as wanted.
    ///
    /// # Errors
    /// When it is not in time.
    pub(super) async fn when(
        &self,
        what: &str,
        wanted: impl Fn(&AirlockRequestStatus) -> bool,
    ) -> Result<AirlockRequest> {
        let requests: Api<AirlockRequest> =
            Api::namespaced(self.lab.plane.admin(), &project_namespace(&self.project));
        let wanted = |request: &AirlockRequest| request.status.as_ref().is_some_and(&wanted);
        when_within(self.patience, &requests, &self.name, what, wanted).await
    }

    /// Waits for a phase.
    ///
    /// # Errors
    /// When it does not come in time.
    pub(super) async fn phase(&self, phase: AirlockPhase) -> Result<AirlockRequest> {
        self.when(&format!("phase {phase}"), |s| s.phase == phase)
            .await
    }

    /// Writes some of its spec as its requester.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(super) async fn set(&self, spec: Value) -> Result<()> {
        let patch = json!({"spec": spec});
        self.requests(&self.requester)
            .patch(&self.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        Ok(())
    }

    /// Its requester confirms what was sealed; returns the request in review.
    ///
    /// # Errors
    /// When it is not sealed or scanned in time.
    pub(super) async fn confirmed(&self) -> Result<AirlockRequest> {
        let sealed = self
            .when("a sealed digest", |s| s.content.is_some())
            .await?;
        let digest = sealed.status.and_then(|s| s.content).map(|c| c.digest);
        self.set(json!({"confirmedDigest": digest})).await?;
        self.phase(AirlockPhase::InReview).await
    }

    /// Somebody decides on the request as it was seen, with differences.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(super) async fn review(
        &self,
        reviewer: &str,
        seen: &AirlockRequest,
        with: Value,
    ) -> Result<()> {
        let review = review(self.lab, reviewer, seen, with).await?;
        let namespace = project_namespace(&self.project);
        Api::namespaced(self.lab.person(reviewer), &namespace)
            .create(&PostParams::default(), &review)
            .await?;
        Ok(())
    }

    /// From asking to Released, with two reviewers.
    ///
    /// # Errors
    /// When a step is refused or does not come about in time.
    pub(super) async fn release(lab: &'a Lab, project: &str, name: &str) -> Result<AirlockRequest> {
        let export = Self::ask(lab, project, name).await?;
        export.released().await
    }

    /// From asked for to Released among `many` at once, of which most wait for their turn.
    ///
    /// # Errors
    /// As [`Export::release`].
    pub(super) async fn release_among(
        many: usize,
        lab: &'a Lab,
        project: &str,
        name: &str,
    ) -> Result<AirlockRequest> {
        let mut export = Self::ask(lab, project, name).await?;
        export.patience = PATIENCE.max(TURN * u32::try_from(many).unwrap_or(u32::MAX));
        export.released().await
    }

    /// From asked for to Released, with the viewer there before two review; so every such request lives the same.
    ///
    /// # Errors
    /// As [`Export::release`].
    pub(super) async fn looked_at_and_released(
        &self,
        reviewers: [&str; 2],
    ) -> Result<AirlockRequest> {
        let seen = self.confirmed().await?;
        let shown = |s: &AirlockRequestStatus| s.serving.is_some();
        self.when("a viewer", shown).await?;
        for reviewer in reviewers {
            self.review(reviewer, &seen, json!({})).await?;
        }
        self.phase(AirlockPhase::Released).await
    }

    /// Its requester collects what was released, once; returns it with its receipts.
    ///
    /// # Errors
    /// When it is not written down in time.
    pub(super) async fn collected(&self) -> Result<AirlockRequest> {
        let somebody_comes = Behaviour {
            collected: true,
            ..Behaviour::default()
        };
        let aside = airlock_namespace(&self.project);
        self.lab.standin.set(&aside, somebody_comes);
        self.set(json!({"collect": 1})).await?;
        let collected = |s: &AirlockRequestStatus| {
            s.collections == 1 && s.receipts.iter().flatten().count() == RECEIPTS
        };
        self.when("the receipt of its collection", collected).await
    }

    async fn released(&self) -> Result<AirlockRequest> {
        let seen = self.confirmed().await?;
        for checker in CHECKERS {
            self.review(checker, &seen, json!({})).await?;
        }
        self.phase(AirlockPhase::Released).await
    }
}
