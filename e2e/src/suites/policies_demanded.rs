//! A tier that asks for the static form: shut without it, opened by itself once the API server has it, shut again when the API
//! server starts without it. The controller is told nothing of any of this; it finds out.

use std::path::Path;

use http::Request;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};
use sde_crds::names::{POLICY_NAME, WORKSPACE_LABEL, project_namespace};
use sde_crds::policy::PolicyForm;
use sde_crds::project_status::{FoundForm, ProjectPhase};
use sde_crds::{Project, SdePolicy, Workspace};
use sde_policies::generate::{STATIC_FOLDER, loaded};
use serde_json::json;
use tempfile::TempDir;

use super::error::{Result, check, check_equal};
use super::lab::{Lab, LabOptions};
use super::life::{Life, RESEARCHER};
use super::runner::Runner;
use super::waiting::{condition_when, gone};
use crate::cluster::paths;
use crate::controlplane::ControlPlaneOptions;
use crate::controlplane::error::io;

const TIER: &str = "most-sensitive";
const ENFORCED: &str = "PoliciesEnforced";

/// Runs the tests on a control plane of their own, whose API server begins with an empty folder of policies.
///
/// # Errors
/// When the lab does not start; a failed test is in the runner's report.
pub async fn run(options: LabOptions, runner: &mut Runner) -> Result<()> {
    let disk = Disk::empty(&options.plane.state_root)?;
    let plane = ControlPlaneOptions {
        static_policies: Some(disk.folder().to_owned()),
        ..options.plane.clone()
    };
    let lab = Lab::start(LabOptions { plane, ..options }).await?;
    ask_for_it(&lab).await?;
    let (shut, open) = (
        Life::new(&lab, "demanding").changed("/tier", json!(TIER))?,
        Life::new(&lab, "content").without_workspace(),
    );
    runner
        .test(
            "policies: demanded: without the static form the tier stays shut and says why, another opens",
            without(&lab, &shut, &open),
        )
        .await;
    runner
        .test(
            "policies: demanded: once the API server has it, Project and Workspace open by themselves",
            with(&lab, &disk, &shut),
        )
        .await;
    runner
        .test(
            "policies: demanded: an API server that starts without it suspends the tier and nothing else",
            // On a slow machine the API server may be away for longer than the lease lasts.
            async { lab.supervised(vanished(&lab, &disk, &shut, &open)).await?.0 },
        )
        .await;
    lab.plane.check()?;
    Ok(())
}

/// The folder that the API server reads.
struct Disk {
    // Beside the folder, so that files come into it whole, by a rename.
    root: TempDir,
}

impl Disk {
    fn empty(beside: &Path) -> Result<Self> {
        std::fs::create_dir_all(beside).map_err(io(beside.display()))?;
        let beside = beside.canonicalize().map_err(io(beside.display()))?;
        let prefix = format!("{}-disk-", std::process::id());
        let root = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(&beside)
            .map_err(io(beside.display()))?;
        let disk = Self { root };
        std::fs::create_dir(disk.folder()).map_err(io(disk.folder().display()))?;
        Ok(disk)
    }

    fn folder(&self) -> std::path::PathBuf {
        self.root.path().join("policies")
    }

    fn fill(&self) -> Result<()> {
        let from = paths::repository().join("policies").join(STATIC_FOLDER);
        for entry in std::fs::read_dir(&from).map_err(io(from.display()))? {
            let file = entry.map_err(io(from.display()))?;
            let whole = self.root.path().join(file.file_name());
            std::fs::copy(file.path(), &whole).map_err(io(whole.display()))?;
            let to = self.folder().join(file.file_name());
            std::fs::rename(&whole, &to).map_err(io(to.display()))?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<()> {
        let folder = self.folder();
        for entry in std::fs::read_dir(&folder).map_err(io(folder.display()))? {
            let file = entry.map_err(io(folder.display()))?.path();
            std::fs::remove_file(&file).map_err(io(file.display()))?;
        }
        Ok(())
    }
}

/// The SdePolicy gets another tier, like its first, that asks for the static form.
async fn ask_for_it(lab: &Lab) -> Result<()> {
    let policies: Api<SdePolicy> = Api::all(lab.plane.admin());
    let mut policy = policies.get(POLICY_NAME).await?;
    let mut tier = policy.spec.tiers[0].clone();
    tier.name = TIER.to_owned();
    tier.policy_form = Some(PolicyForm::Static);
    policy.spec.tiers.push(tier);
    policies
        .replace(POLICY_NAME, &PostParams::default(), &policy)
        .await?;
    Ok(())
}

async fn without(lab: &Lab, shut: &Life<'_>, open: &Life<'_>) -> Result<()> {
    shut.submit().await?;
    shut.approve_spec().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    let why = condition_when(
        &projects,
        shut.name(),
        "Ready",
        "False",
        "StaticFormMissing",
    )
    .await?;
    check(
        why.contains(TIER) && why.contains("the platform team can change this"),
        &why,
    )?;
    condition_when(
        &projects,
        shut.name(),
        ENFORCED,
        "False",
        "StaticFormMissing",
    )
    .await?;
    // The positive control: all else lets a Project open.
    open.open().await?;
    condition_when(&projects, open.name(), ENFORCED, "True", "ApiForm").await?;
    let found = projects.get(shut.name()).await?.status.unwrap_or_default();
    check_equal("phase", &found.phase, &ProjectPhase::Pending)?;
    check_equal(
        "form found",
        &found.policies.map(|p| p.form),
        &Some(FoundForm::Api),
    )?;
    let namespaces: Api<Namespace> = Api::all(lab.plane.admin());
    let made = namespaces.get_opt(&project_namespace(shut.name())).await?;
    check(made.is_none(), "a namespace was made")
}

async fn with(lab: &Lab, disk: &Disk, shut: &Life<'_>) -> Result<()> {
    disk.fill()?;
    shut.active().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    condition_when(&projects, shut.name(), ENFORCED, "True", "StaticForm").await?;
    shut.open_workspace(RESEARCHER).await?;
    // What doctor compares: the API server's own hash of the files that it loaded.
    let metrics = lab
        .plane
        .admin()
        .request_text(
            Request::get("/metrics")
                .body(Vec::new())
                .map_err(kube::Error::HttpError)?,
        )
        .await?;
    let hash = sde_evidence::sha256(&loaded("sde-system")).to_string();
    check(
        metrics.contains(&format!("hash=\"{hash}\"")),
        format_args!("the API server's metrics do not tell {hash}"),
    )
}

async fn vanished(lab: &Lab, disk: &Disk, shut: &Life<'_>, open: &Life<'_>) -> Result<()> {
    let namespace = project_namespace(shut.name());
    let pods: Api<Pod> = Api::namespaced(lab.plane.admin(), &namespace);
    let runs = ListParams::default().labels(&format!("{WORKSPACE_LABEL}={RESEARCHER}"));
    let running = pods.list(&runs).await?.items;
    check_equal("pods of the running Workspace", &running.len(), &1)?;
    disk.clear()?;
    lab.plane.restart_apiserver().await?;
    let projects: Api<Project> = Api::all(lab.plane.admin());
    condition_when(
        &projects,
        shut.name(),
        "Ready",
        "False",
        "StaticFormMissing",
    )
    .await?;
    let found = projects.get(shut.name()).await?.status.unwrap_or_default();
    check_equal("phase", &found.phase, &ProjectPhase::Suspended)?;
    for pod in &running {
        gone(&pods, pod.metadata.name.as_deref().unwrap_or_default()).await?;
    }
    let workspaces: Api<Workspace> = Api::namespaced(lab.plane.admin(), &namespace);
    condition_when(
        &workspaces,
        RESEARCHER,
        "Ready",
        "False",
        "ProjectNotActive",
    )
    .await?;
    open.active().await?;
    Ok(())
}
