//! The life of one project as people live it: submitted, approved, opened, worked in, closed by two, deleted.

use std::time::Duration;

use jiff::ToSpan as _;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use kube::api::{DeleteParams, ListParams, ObjectList, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use sde_crds::names::{PROJECT_LABEL, project_namespace};
use sde_crds::project_status::ProjectPhase;
use sde_crds::workspace::WorkspacePhase;
use sde_crds::{Dataset, DestructionRecord, Project, ProjectApproval, Workspace};
use serde_json::{Value, json};

use super::error::{Result, SuiteError, check};
use super::lab::{Lab, dataset, object};
use super::waiting::{gone, when};

/// The person who works in every project here.
pub const RESEARCHER: &str = "researcher";
const SUBMITTER: &str = "custodian-a";
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
        Self {
            lab,
            name: name.to_owned(),
            workspace: true,
            manifest: manifest(name),
        }
    }

    /// The same with another value at a JSON pointer in the Project's spec, such as `/tier`.
    ///
    /// # Errors
    /// When the spec has no such place: then the test tests nothing.
    pub fn changed(mut self, pointer: &str, value: Value) -> Result<Self> {
        let Some(place) = self.manifest["spec"].pointer_mut(pointer) else {
            return Err(SuiteError::Check(format!(
                "the Project has no spec{pointer}"
            )));
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
        self.active().await?;
        if self.workspace {
            self.open_workspace(RESEARCHER).await?;
        }
        Ok(())
    }

    /// Two people approve the present spec, once its digest is shown.
    ///
    /// # Errors
    /// When the API server refuses, or no digest appears.
    pub async fn approve_spec(&self) -> Result<()> {
        let current = |project: &Project| {
            status(project).is_some_and(|status| {
                status.spec_digest.is_some()
                    && status.observed_generation == project.metadata.generation
            })
        };
        let waiting = self.project_when("a spec digest", current).await?;
        let digest = status(&waiting)
            .and_then(|status| status.spec_digest.clone())
            .unwrap_or_default();
        self.approve("approver-a", "DataAccess", &waiting, &digest)
            .await?;
        self.approve("approver-b", "PublicBenefit", &waiting, &digest)
            .await
    }

    /// The custodian registers the data and submits the project.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn submit(&self) -> Result<()> {
        let custodian = self.lab.person(SUBMITTER);
        let data = dataset(&format!("{}-data", self.name), &self.name)?;
        let datasets: Api<Dataset> = Api::all(custodian.clone());
        tried(async || datasets.create(&PostParams::default(), &data).await).await?;
        let project = self.project()?;
        let projects: Api<Project> = Api::all(custodian);
        tried(async || projects.create(&PostParams::default(), &project).await).await?;
        Ok(())
    }

    /// The Project as it is submitted.
    ///
    /// # Errors
    /// When a change made it something else than a Project.
    pub fn project(&self) -> Result<Project> {
        object(self.manifest.clone())
    }

    /// The hub, acting for a person, opens a Workspace of that person's name; returns when the notebook runs.
    ///
    /// # Errors
    /// When it is refused or does not run in time.
    pub async fn open_workspace(&self, user: &str) -> Result<()> {
        let workspace = workspace(user, user)?;
        let workspaces: Api<Workspace> =
            Api::namespaced(self.lab.hub_for(user)?, &project_namespace(&self.name));
        tried(async || workspaces.create(&PostParams::default(), &workspace).await).await?;
        self.runs(user).await
    }

    /// Waits until a person's Workspace runs.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn runs(&self, user: &str) -> Result<()> {
        let workspaces: Api<Workspace> =
            Api::namespaced(self.lab.plane.admin(), &project_namespace(&self.name));
        let running = |workspace: &Workspace| {
            workspace
                .status
                .as_ref()
                .is_some_and(|status| status.phase == WorkspacePhase::Running)
        };
        when(&workspaces, user, "Workspace running", running).await?;
        Ok(())
    }

    /// From the wish to close to the verified attestation and an empty cluster; returns the record.
    ///
    /// # Errors
    /// When a step is refused, does not come about in time, the attestation does not verify, or something is left.
    pub async fn close(&self) -> Result<DestructionRecord> {
        let patch = json!({"spec": {"lifecycle": "Closed"}});
        let projects: Api<Project> = Api::all(self.lab.person(SUBMITTER));
        let merge = Patch::Merge(&patch);
        tried(async || {
            projects
                .patch(&self.name, &PatchParams::default(), &merge)
                .await
        })
        .await?;
        let inventory = |project: &Project| {
            status(project).and_then(|status| status.closing.as_ref()?.inventory_digest.clone())
        };
        let closing = self
            .project_when("an inventory digest", |project| {
                inventory(project).is_some()
            })
            .await?;
        let digest = inventory(&closing).unwrap_or_default();
        self.approve("approver-a", "Closure", &closing, &digest)
            .await?;
        self.approve("approver-b", "Closure", &closing, &digest)
            .await?;
        let closed = self
            .project_when("phase Closed", |project| {
                phase(project) == Some(ProjectPhase::Closed)
            })
            .await?;
        let record = self.record(&closed).await?;
        self.nothing_left().await?;
        tried(async || projects.delete(&self.name, &DeleteParams::default()).await).await?;
        gone(&projects, &self.name).await?;
        Ok(record)
    }

    /// The DestructionRecord of a closed project, after its attestation was verified with the key that the status showed all along.
    async fn record(&self, closed: &Project) -> Result<DestructionRecord> {
        let name = format!("{}-{}", self.name, &closed.uid().unwrap_or_default()[..8]);
        let records: Api<DestructionRecord> = Api::all(self.lab.plane.admin());
        let Some(record) = tried(async || records.get(&name).await).await? else {
            return Err(SuiteError::Check(format!(
                "there is no DestructionRecord {name}"
            )));
        };
        let key = status(closed).and_then(|status| status.attestation_key.clone());
        let Some(key) = key else {
            return Err(SuiteError::Check(
                "the Project shows no attestation key".to_owned(),
            ));
        };
        let verified = sde_evidence::verify(
            record.spec.bundle.as_bytes(),
            record.spec.evidence.as_bytes(),
            &key.public_key,
        );
        check(
            verified.is_ok(),
            format_args!(
                "the attestation does not verify: {:?}",
                verified.err().map(|error| error.to_string())
            ),
        )?;
        Ok(record)
    }

    /// That nothing of the project is left but its records.
    async fn nothing_left(&self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.lab.plane.admin());
        let namespace = project_namespace(&self.name);
        gone(&namespaces, &namespace).await?;
        let volumes: Api<PersistentVolume> = Api::all(self.lab.plane.admin());
        let all = ListParams::default();
        let labels = all
            .clone()
            .labels(&format!("{PROJECT_LABEL}={}", self.name));
        let labelled = tried(async || volumes.list(&labels).await).await?;
        let claimed = tried(async || volumes.list(&all).await).await?;
        let of_namespace = |volume: &PersistentVolume| {
            volume.spec.iter().any(|spec| {
                spec.claim_ref
                    .iter()
                    .any(|claim| claim.namespace.as_ref() == Some(&namespace))
            })
        };
        let items = |list: Option<ObjectList<PersistentVolume>>| {
            list.into_iter().flat_map(|list| list.items)
        };
        let left: Vec<String> = items(labelled)
            .chain(items(claimed).filter(of_namespace))
            .map(|volume| volume.name_any())
            .collect();
        check(left.is_empty(), format_args!("volumes are left: {left:?}"))
    }

    /// One person approves one digest, as themselves.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn approve(
        &self,
        approver: &str,
        role: &str,
        project: &Project,
        digest: &str,
    ) -> Result<()> {
        let short = digest
            .get(digest.len().saturating_sub(8)..)
            .unwrap_or_default();
        let approval: ProjectApproval = object(json!({
            "apiVersion": "sde-operator.dev/v1alpha1", "kind": "ProjectApproval",
            "metadata": {"name": format!("{}-{}-{approver}-{short}", self.name, role.to_lowercase())},
            "spec": {
                "project": self.name, "projectUID": project.uid(), "role": role, "decision": "Approved", "digest": digest,
                "approver": approver, "submittedBy": project.spec.submitted_by, "expires": day(200),
            },
        }))?;
        let approvals: Api<ProjectApproval> = Api::all(self.lab.person(approver));
        tried(async || approvals.create(&PostParams::default(), &approval).await).await?;
        Ok(())
    }

    /// Waits until the Project is Active.
    ///
    /// # Errors
    /// As [`Life::project_when`].
    pub async fn active(&self) -> Result<Project> {
        self.project_when("phase Active", |project| {
            phase(project) == Some(ProjectPhase::Active)
        })
        .await
    }

    /// Waits until the Project is as wanted.
    ///
    /// # Errors
    /// [`SuiteError::TimedOut`] with its Ready message.
    pub async fn project_when(
        &self,
        what: &str,
        wanted: impl Fn(&Project) -> bool,
    ) -> Result<Project> {
        when(
            &Api::<Project>::all(self.lab.plane.admin()),
            &self.name,
            what,
            wanted,
        )
        .await
    }
}

/// Calls again when the connection broke before an answer came, as people do; dozens of lives at once share few connections.
/// `None` when it then turns out that the first call had done it.
async fn tried<T>(call: impl AsyncFn() -> kube::Result<T>) -> kube::Result<Option<T>> {
    let mut broken = 0;
    loop {
        match call().await {
            Err(kube::Error::Service(_) | kube::Error::HyperError(_)) if broken < 3 => {
                broken += 1;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(kube::Error::Api(status)) if broken > 0 && matches!(status.code, 404 | 409) => {
                return Ok(None);
            }
            answer => return answer.map(Some),
        }
    }
}

/// A Workspace for a person, to be created in a project's namespace.
///
/// # Errors
/// When the fields are not those of a Workspace.
pub fn workspace(name: &str, user: &str) -> Result<Workspace> {
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Workspace", "metadata": {"name": name},
        "spec": {"user": user, "environment": "jupyterlab-genomics", "running": true},
    }))
}

/// A person of a Project, who is trained until so many days from now.
pub fn person(user: &str, roles: &[&str], trained: i64) -> Value {
    json!({
        "user": user, "breachHistory": no_breaches(), "organisation": "example-university", "roles": roles, "accessFrom": ["GB"],
        "training": {"course": "mrc-rdgc", "expires": day(trained)},
    })
}

fn no_breaches() -> Value {
    json!({"declared": false, "severity": "None", "checkedSources": ["ico-enforcement"], "checkedAt": day(-1)})
}

/// The Project as a custodian writes it.
fn manifest(name: &str) -> Value {
    let person = person(RESEARCHER, &["Lead", "Researcher"], 300);
    json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Project", "metadata": {"name": name},
        "spec": {
            "title": "Modifiers of BRCA1/2 penetrance", "submittedBy": SUBMITTER, "tier": "sensitive",
            "custodian": {"organisation": "example-biobank", "contact": "data-access@example.org"},
            "purpose": {
                "statement": "Which common variants change the penetrance.", "publicBenefit": "Better risk estimates.",
                "ethics": {"required": true, "reference": "26/XX/0001", "expires": day(300)},
            },
            "organisations": [{"name": "example-university", "sector": "Academic", "country": "GB", "breachHistory": no_breaches(),
                "approval": {"reference": "ORG-17", "expires": day(300)}}],
            "people": [person],
            "datasets": [{"name": "genotypes", "dataset": format!("{name}-data"), "minimisation": "Two genes only"}],
            "setting": {"kind": "OwnSDE"},
            "declaredUse": {"purpose": "Health", "commercial": false, "ancestryResearch": false, "methodsResearch": false},
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

/// The date in so many days.
pub fn day(offset: i64) -> String {
    let today = jiff::Zoned::now().date();
    today.saturating_add(offset.days()).to_string()
}
