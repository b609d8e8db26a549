//! The life of one project as people live it: submitted, approved, opened, worked in, closed by two, deleted.

use std::time::Duration;

use jiff::ToSpan as _;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use sde_crds::names::{PROJECT_LABEL, project_namespace};
use sde_crds::project_status::ProjectPhase;
use sde_crds::workspace::WorkspacePhase;
use sde_crds::{Dataset, DestructionRecord, Project, ProjectApproval, Workspace};
use serde_json::{Value, json};

use super::error::{Result, SuiteError, check};
use super::lab::{Lab, dataset, object};

/// The person who works in every project here.
pub const RESEARCHER: &str = "researcher";
const SUBMITTER: &str = "custodian-a";
/// How long one step of a life may take, on a busy machine and after a fault.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// One project in a lab.
pub struct Life<'a> {
    lab: &'a Lab,
    name: String,
    workspace: bool,
    manifest: Value,
}

impl<'a> Life<'a> {
    /// A life that has not begun. Names must not contain one another, since the fault proxy tells projects apart by them.
    pub fn new(lab: &'a Lab, name: &str) -> Self {
        Self { lab, name: name.to_owned(), workspace: true, manifest: manifest(name) }
    }

    /// The same with another value at a JSON pointer in the Project's spec, such as `/tier`.
    ///
    /// # Errors
    /// When the spec has no such place: then the test tests nothing.
    pub fn changed(mut self, pointer: &str, value: Value) -> Result<Self> {
        let Some(place) = self.manifest["spec"].pointer_mut(pointer) else {
            return Err(SuiteError::Check(format!("the Project has no spec{pointer}")));
        };
        *place = value;
        Ok(self)
    }

    /// The same without a Workspace.
    pub fn without_workspace(mut self) -> Self {
        self.workspace = false;
        self
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From submission to a running notebook.
    ///
    /// # Errors
    /// When a step is refused or does not come about in time.
    pub async fn open(&self) -> Result<()> {
        self.submit().await?;
        self.approve_spec().await?;
        self.project_when("phase Active", |project| phase(project) == Some(ProjectPhase::Active)).await?;
        if self.workspace {
            self.open_workspace().await?;
        }
        Ok(())
    }

    /// Two people approve the present spec, once its digest is shown.
    ///
    /// # Errors
    /// When the API server refuses, or no digest appears.
    pub async fn approve_spec(&self) -> Result<()> {
        let current = |project: &Project| status(project).is_some_and(|status| status.spec_digest.is_some() && status.observed_generation == project.metadata.generation);
        let waiting = self.project_when("a spec digest", current).await?;
        let digest = status(&waiting).and_then(|status| status.spec_digest.clone()).unwrap_or_default();
        self.approve("approver-a", "DataAccess", &waiting, &digest).await?;
        self.approve("approver-b", "PublicBenefit", &waiting, &digest).await
    }

    /// The custodian registers the data and submits the project.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn submit(&self) -> Result<()> {
        let custodian = self.lab.person(SUBMITTER)?;
        let data = dataset(&format!("{}-data", self.name), &self.name)?;
        Api::<Dataset>::all(custodian.clone()).create(&PostParams::default(), &data).await?;
        let project = self.project()?;
        Api::<Project>::all(custodian).create(&PostParams::default(), &project).await?;
        Ok(())
    }

    /// The Project as it is submitted.
    ///
    /// # Errors
    /// When a change made it something else than a Project.
    pub fn project(&self) -> Result<Project> {
        object(self.manifest.clone())
    }

    /// The hub opens a Workspace for the researcher; returns when the notebook runs.
    ///
    /// # Errors
    /// When it is refused or does not run in time.
    pub async fn open_workspace(&self) -> Result<()> {
        let workspace: Workspace = object(json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Workspace", "metadata": {"name": RESEARCHER},
            "spec": {"user": RESEARCHER, "environment": "jupyterlab-genomics", "running": true},
        }))?;
        let workspaces: Api<Workspace> = Api::namespaced(self.lab.hub.clone(), &project_namespace(&self.name));
        workspaces.create(&PostParams::default(), &workspace).await?;
        let running = |workspace: &Workspace| workspace.status.as_ref().is_some_and(|status| status.phase == WorkspacePhase::Running);
        when(&workspaces, RESEARCHER, "Workspace running", running).await?;
        Ok(())
    }

    /// From the wish to close to the verified attestation and an empty cluster; returns the record.
    ///
    /// # Errors
    /// When a step is refused, does not come about in time, the attestation does not verify, or something is left.
    pub async fn close(&self) -> Result<DestructionRecord> {
        let patch = json!({"spec": {"lifecycle": "Closed"}});
        let projects: Api<Project> = Api::all(self.lab.person(SUBMITTER)?);
        projects.patch(&self.name, &PatchParams::default(), &Patch::Merge(&patch)).await?;
        let inventory = |project: &Project| status(project).and_then(|status| status.closing.as_ref()?.inventory_digest.clone());
        let closing = self.project_when("an inventory digest", |project| inventory(project).is_some()).await?;
        let digest = inventory(&closing).unwrap_or_default();
        self.approve("approver-a", "Closure", &closing, &digest).await?;
        self.approve("approver-b", "Closure", &closing, &digest).await?;
        let closed = self.project_when("phase Closed", |project| phase(project) == Some(ProjectPhase::Closed)).await?;
        let record = self.record(&closed).await?;
        self.gone().await?;
        projects.delete(&self.name, &DeleteParams::default()).await?;
        self.until("the Project is gone", async || Ok(projects.get_opt(&self.name).await?.is_none())).await?;
        Ok(record)
    }

    /// The DestructionRecord of a closed project, after its attestation was verified with the key that the status showed all along.
    async fn record(&self, closed: &Project) -> Result<DestructionRecord> {
        let name = format!("{}-{}", self.name, &closed.uid().unwrap_or_default()[..8]);
        let record = Api::<DestructionRecord>::all(self.lab.plane.admin()).get(&name).await?;
        let key = status(closed).and_then(|status| status.attestation_key.clone());
        let Some(key) = key else { return Err(SuiteError::Check("the Project shows no attestation key".to_owned())) };
        let verified = sde_evidence::verify(record.spec.bundle.as_bytes(), record.spec.evidence.as_bytes(), &key.public_key);
        check(verified.is_ok(), format_args!("the attestation does not verify: {:?}", verified.err().map(|error| error.to_string())))?;
        Ok(record)
    }

    /// That nothing of the project is left but its records.
    async fn gone(&self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.lab.plane.admin());
        let namespace = project_namespace(&self.name);
        self.until("the namespace is gone", async || Ok(namespaces.get_opt(&namespace).await?.is_none())).await?;
        let volumes: Api<PersistentVolume> = Api::all(self.lab.plane.admin());
        let labelled = volumes.list(&ListParams::default().labels(&format!("{PROJECT_LABEL}={}", self.name))).await?;
        let claimed = volumes.list(&ListParams::default()).await?;
        let of_namespace = |volume: &&PersistentVolume| volume.spec.iter().any(|spec| spec.claim_ref.iter().any(|claim| claim.namespace.as_ref() == Some(&namespace)));
        let left: Vec<String> = labelled.iter().chain(claimed.iter().filter(of_namespace)).map(|volume| volume.name_any()).collect();
        check(left.is_empty(), format_args!("volumes are left: {left:?}"))
    }

    /// One person approves one digest, as themselves.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn approve(&self, approver: &str, role: &str, project: &Project, digest: &str) -> Result<()> {
        let short = digest.get(digest.len().saturating_sub(8)..).unwrap_or_default();
        let approval: ProjectApproval = object(json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "ProjectApproval",
            "metadata": {"name": format!("{}-{}-{approver}-{short}", self.name, role.to_lowercase())},
            "spec": {
                "project": self.name, "projectUID": project.uid(), "role": role, "decision": "Approved", "digest": digest,
                "approver": approver, "submittedBy": project.spec.submitted_by, "expires": day(200),
            },
        }))?;
        Api::<ProjectApproval>::all(self.lab.person(approver)?).create(&PostParams::default(), &approval).await?;
        Ok(())
    }

    /// Waits until the Project is as wanted.
    ///
    /// # Errors
    /// [`SuiteError::TimedOut`] with its Ready message.
    pub async fn project_when(&self, what: &str, wanted: impl Fn(&Project) -> bool) -> Result<Project> {
        when(&Api::<Project>::all(self.lab.plane.admin()), &self.name, what, wanted).await
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !holds().await? {
            if tokio::time::Instant::now() > end {
                return Err(SuiteError::TimedOut { what: format!("{}: {what} does not come about", self.name), limit: PATIENCE });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn dataset(&self) -> String {
        format!("{}-data", self.name)
    }
}

/// The Project as a custodian writes it.
fn manifest(name: &str) -> Value {
    let person = json!({
        "user": RESEARCHER, "organisation": "example-university", "roles": ["Lead", "Researcher"], "accessFrom": ["GB"],
        "training": {"course": "mrc-rdgc", "expires": day(300)},
    });
    json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Project", "metadata": {"name": name},
        "spec": {
            "title": "Modifiers of BRCA1/2 penetrance", "submittedBy": SUBMITTER, "tier": "sensitive",
            "custodian": {"organisation": "example-biobank", "contact": "data-access@example.org"},
            "purpose": {
                "statement": "Which common variants change the penetrance.", "publicBenefit": "Better risk estimates.",
                "ethics": {"required": true, "reference": "26/XX/0001", "expires": day(300)},
            },
            "organisations": [{"name": "example-university", "sector": "Academic", "country": "GB",
                "approval": {"reference": "ORG-17", "expires": day(300)}}],
            "people": [person],
            "datasets": [{"name": "genotypes", "dataset": format!("{name}-data"), "minimisation": "Two genes only"}],
            "environments": ["jupyterlab-genomics"],
            "compute": {"cpu": "4", "memory": "8Gi", "storage": "20Gi", "maxWorkspaces": 2},
            "schedule": {"starts": day(-1), "expires": day(250)},
            "closure": {"mode": "Delete"}, "lifecycle": "Active",
        },
    })
}

fn status(project: &Project) -> Option<&sde_crds::ProjectStatus> {
    project.status.as_ref()
}

fn phase(project: &Project) -> Option<ProjectPhase> {
    status(project).map(|status| status.phase)
}

/// Waits until a condition of an object has a status and a reason; returns its message.
///
/// # Errors
/// [`SuiteError::TimedOut`] with the conditions as they last were.
pub async fn condition_when<K>(api: &Api<K>, name: &str, kind: &str, status: &str, reason: &str) -> Result<String>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned + serde::Serialize + kube::Resource,
{
    let find = |object: &K| -> Option<String> {
        let value = serde_json::to_value(object).ok()?;
        let all = value["status"]["conditions"].as_array()?.clone();
        let one = all.iter().find(|it| it["type"] == kind && it["status"] == status && it["reason"] == reason)?;
        one["message"].as_str().map(str::to_owned)
    };
    let object = when(api, name, &format!("{kind}={status} with reason {reason}"), |object| find(object).is_some()).await?;
    Ok(find(&object).unwrap_or_default())
}

/// The date in so many days.
pub fn day(offset: i64) -> String {
    let today = jiff::Zoned::now().date();
    today.saturating_add(offset.days()).to_string()
}

/// Waits until an object is as wanted.
///
/// # Errors
/// [`SuiteError::TimedOut`] with the object's status as it last was.
pub async fn when<K>(api: &Api<K>, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> Result<K>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned + serde::Serialize + kube::Resource,
{
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = api.get_opt(name).await?;
        match found {
            Some(object) if wanted(&object) => return Ok(object),
            found if tokio::time::Instant::now() > end => {
                let shown = found.and_then(|object| serde_json::to_value(&object).ok()).map(|object| conditions(&object));
                return Err(SuiteError::TimedOut { what: format!("{name}: no {what}; its conditions are {shown:?}"), limit: PATIENCE });
            }
            _ => tokio::time::sleep(Duration::from_millis(40)).await,
        }
    }
}

/// The conditions of an object as one line each.
fn conditions(object: &Value) -> Vec<String> {
    let list = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.iter().map(|it| format!("{}={} {}: {}", text(&it["type"]), text(&it["status"]), text(&it["reason"]), text(&it["message"]))).collect()
}
