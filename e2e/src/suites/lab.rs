//! A control plane with the chart installed, the stand-in, the fault proxy and the real controller behind it: where suites run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use sde_crds::{Dataset, SdePolicy};
use serde_json::json;

use super::error::Result;
use super::life::day;
use crate::controlplane::controller::{Operator, OperatorOptions};
use crate::controlplane::fault_proxy::FaultProxy;
use crate::controlplane::identity::{PEOPLE, RESEARCHERS};
use crate::controlplane::install::{self, HUB_NAMESPACE};
use crate::controlplane::recorder::Recorder;
use crate::controlplane::standin::{STORAGE_CLASS, Standin};
use crate::controlplane::{ControlPlane, ControlPlaneOptions};
use sde_crds::names::{HUB_SERVICE_ACCOUNT, POLICY_NAME};

/// Programs that a lab runs.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// The control plane.
    pub plane: ControlPlaneOptions,
    /// The `sde-controller` binary.
    pub controller: PathBuf,
    /// The `sde-agent` binary.
    pub agent: PathBuf,
    /// The `sde-portal` binary.
    pub portal: PathBuf,
    /// `--api-timeout-seconds` of the controller; short where time-outs are provoked.
    pub api_timeout_seconds: u32,
    /// `--concurrency` of the controller.
    pub concurrency: u32,
}

/// Everything that a suite of the control-plane lane works with. Fields are dropped in order, the control plane last.
pub struct Lab {
    /// Controller and sentinel.
    pub operator: Operator,
    /// What the controller's requests go through.
    pub proxy: Arc<FaultProxy>,
    /// Kubelet and provisioner.
    pub standin: Standin,
    /// Witness of every object that the controller makes.
    pub recorder: Recorder,
    /// The hub itself, without anybody to act for.
    pub hub: Client,
    /// The hub's token.
    hub_token: String,
    /// The hub acting for the researchers of [`PEOPLE`].
    acting: BTreeMap<&'static str, Client>,
    /// Clients are dear to make, so each person has one.
    people: BTreeMap<&'static str, Client>,
    nobody: Client,
    /// The `sde-portal` binary.
    pub portal: PathBuf,
    /// The control plane.
    pub plane: ControlPlane,
}

impl Lab {
    /// Starts everything and waits until the controller is ready.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(options: LabOptions) -> Result<Self> {
        let helm = options.plane.binaries.helm.clone();
        let plane = ControlPlane::start(options.plane).await?;
        install::install(&plane, &helm).await?;
        let standin = Standin::start(&plane).await?;
        let recorder = Recorder::start(&plane.admin());
        let proxy = Arc::new(FaultProxy::start(plane.passthrough()?).await?);
        let hub_token =
            install::account_token(&plane.admin(), HUB_NAMESPACE, HUB_SERVICE_ACCOUNT).await?;
        let hub = plane.client_with_token(&hub_token)?;
        let acting = PEOPLE
            .iter()
            .filter(|person| person.group == RESEARCHERS)
            .map(|person| Ok((person.user, plane.acting(&hub_token, person.user)?)))
            .collect::<Result<_>>()?;
        let mut operator_options = OperatorOptions::new(options.controller, options.agent);
        operator_options.server = Some(proxy.url());
        operator_options.api_timeout_seconds = options.api_timeout_seconds;
        operator_options.concurrency = options.concurrency;
        Api::<SdePolicy>::all(plane.admin())
            .create(&Default::default(), &policy()?)
            .await?;
        let operator = Operator::start(&plane, &operator_options).await?;
        operator.ready().await?;
        let controller = operator.controller().clone();
        proxy.on_kill(move || controller.kill());
        let people = PEOPLE
            .iter()
            .map(|person| Ok((person.user, plane.person(person.user)?)))
            .collect::<Result<_>>()?;
        let nobody = plane.passthrough()?;
        Ok(Self {
            operator,
            proxy,
            standin,
            recorder,
            hub,
            hub_token,
            acting,
            people,
            nobody,
            portal: options.portal,
            plane,
        })
    }

    /// A client for a person of [`PEOPLE`]; for anybody else one that the API server does not know.
    pub fn person(&self, user: &str) -> Client {
        self.people.get(user).unwrap_or(&self.nobody).clone()
    }

    /// The hub acting for a person who signed in there: what JupyterHub is to the API server.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn hub_for(&self, user: &str) -> Result<Client> {
        match self.acting.get(user) {
            Some(client) => Ok(client.clone()),
            None => Ok(self.plane.acting(&self.hub_token, user)?),
        }
    }

    /// Does some work while the controller is started again whenever it has ended, as the kubelet would. Returns how often that was.
    ///
    /// # Errors
    /// When the controller cannot be run.
    pub async fn supervised<T>(&self, work: impl Future<Output = T>) -> Result<(T, usize)> {
        let mut revivals = 0;
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(Duration::from_millis(20), &mut work).await {
                Ok(done) => return Ok((done, revivals)),
                Err(_) if self.operator.controller().exited().is_some() => {
                    self.operator.controller().restart()?;
                    revivals += 1;
                }
                Err(_) => {}
            }
        }
    }
}

/// A policy whose probe dials nothing beyond loopback.
fn policy() -> Result<SdePolicy> {
    let image = "localhost/sde-operator/environment-jupyterlab-genomics@sha256:1111111111111111111111111111111111111111111111111111111111111111";
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "SdePolicy", "metadata": {"name": POLICY_NAME},
        "spec": {
            "guidanceVersion": "2026-07-02", "storageClass": STORAGE_CLASS,
            "tiers": [{"name": "sensitive", "maxDays": 1096, "requires": ["DeclaredUse", "BreachHistory", "Transfers"],
                "maxCompute": {"cpu": "16", "memory": "64Gi", "storage": "1Ti", "maxWorkspaces": 20}}],
            "environments": [{"name": "jupyterlab-genomics", "image": image, "description": "JupyterLab with bcftools"}],
            "accelerators": ["nvidia.com/gpu"], "deviceClasses": ["gpu.nvidia.com"],
            "probe": {"standingSeconds": 86400, "inconclusiveDeadlineSeconds": 86400, "metadataAddresses": [], "canaries": []},
            "approvals": {"projectRoles": ["DataAccess", "PublicBenefit"], "closureApprovers": 2},
            "dataSources": {"hostPathAllowed": true},
            "transfers": {
                "country": "GB",
                "adequacy": {"asOf": day(-1), "maxAgeDays": 366, "countries": [{"country": "NZ", "scope": "Full"}]},
                "sanctions": {"asOf": day(-1), "maxAgeDays": 366, "countries": ["KP"], "organisations": []},
            },
            "deciders": ["approver-a", "approver-b", "checker-a", "checker-b", "custodian-a", "custodian-b"],
            "airlock": {
                "reviewers": [
                    {"user": "checker-a", "roles": ["OutputChecker"]}, {"user": "checker-b", "roles": ["OutputChecker", "Senior"]},
                    {"user": "custodian-a", "roles": ["Custodian"]}, {"user": "custodian-b", "roles": ["Custodian"]},
                    {"user": "custodian-c", "roles": ["Custodian"]},
                ],
                "exportReviewers": 2, "importReviewers": 1, "toolImportReviewers": 2, "custodians": 2, "sampledPercent": 0,
                "approvedDays": 7, "releasedDays": 7, "collections": 3, "retentionDays": 30, "minimumCount": 10,
                "processDigest": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
            },
        },
    }))
}

/// A Dataset that projects of this name may be granted.
///
/// # Errors
/// When the fields are not those of a Dataset.
pub fn dataset(name: &str, project: &str) -> Result<Dataset> {
    object(json!({
        "apiVersion": "sde-operator.dev/v1alpha1", "kind": "Dataset", "metadata": {"name": name},
        "spec": {
            "title": "Genotypes of the example cohort", "release": "2026-1", "class": "Genotype", "size": "1Gi",
            "custodian": {"organisation": "example-biobank", "contact": "data-access@example.org"},
            "manifestDigest": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
            "duo": ["DUO:0000006"], "nhsData": true, "deidentification": "DEID-2026-04",
            "source": {"hostPath": {"path": "/srv/sde-datasets/example"}}, "grantableTo": [project],
        },
    }))
}

/// An object from its JSON.
///
/// # Errors
/// When the fields are not those of the kind.
pub fn object<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    Ok(serde_json::from_value(value).map_err(kube::Error::SerdeError)?)
}
