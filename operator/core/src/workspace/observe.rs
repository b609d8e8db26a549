//! What is observed of one Workspace: itself, its pods, and its Project as the Project's own controller sees it.

use k8s_openapi::api::core::v1::Pod;
use sde_crds::Workspace;

use crate::pod::View;
use crate::project;
use crate::workspace::inbox::Inbox;

/// Everything a decision about one Workspace may depend on.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The Workspace.
    pub workspace: Workspace,
    /// Its Project, observed whole, so that narrowing acts here without waiting for another controller.
    pub project: Option<project::Observed>,
    /// Names of token Secrets that exist for this Workspace.
    pub secrets: Vec<String>,
    /// Imports of its user that may be mounted, by name.
    pub inbox: Vec<Inbox>,
    /// A fresh random token, used if a new start needs one.
    pub token: String,
    /// Now.
    pub now: jiff::Timestamp,
}

impl Observed {
    /// Name of the Workspace.
    pub fn name(&self) -> &str {
        self.workspace.metadata.name.as_deref().unwrap_or_default()
    }

    /// Pods of this Workspace, newest start last.
    pub fn pods(&self) -> Vec<&Pod> {
        let uid = self.workspace.metadata.uid.as_deref().unwrap_or_default();
        let mut pods: Vec<_> =
            self.project
                .iter()
                .flat_map(|p| &p.pods)
                .filter(|p| {
                    p.metadata.labels.as_ref().is_some_and(|l| {
                        l.get(super::notebook::UID_LABEL).is_some_and(|u| u == uid)
                    })
                })
                .collect();
        pods.sort_by_key(|p| start_number(View(p).name()));
        pods
    }

    /// The pod of the last start, unless it is on its way out.
    pub fn current(&self) -> Option<View<'_>> {
        self.pods()
            .last()
            .map(|p| View(p))
            .filter(|p| !p.deleting())
    }

    /// Whether the gate of the present start is open.
    pub fn is_open(&self) -> bool {
        self.current().is_some_and(|p| p.gate_open())
    }

    /// Whether it is to run and is not open yet, so that what the policies of its tier need must be known afresh.
    pub fn opens(&self) -> bool {
        let demand = self.project.as_ref().and_then(project::Observed::demand);
        self.workspace.spec.running && !self.is_open() && demand.is_some_and(|d| d.is_static())
    }

    /// Number of starts made so far, also those not yet in the status.
    pub fn starts(&self) -> i64 {
        let noted = self.workspace.status.as_ref().map_or(0, |s| s.starts);
        let seen = self
            .pods()
            .iter()
            .map(|p| start_number(View(p).name()))
            .max()
            .unwrap_or(0);
        let secrets = self
            .secrets
            .iter()
            .map(|s| start_number(s))
            .max()
            .unwrap_or(0);
        // A Secret is made before its pod: one without a pod belongs to the start that a crash interrupted.
        noted.max(seen).max(secrets - 1)
    }
}

/// The start's number in a pod's name.
pub fn start_number(pod: &str) -> i64 {
    pod.rsplit_once('-')
        .and_then(|(_, n)| n.parse().ok())
        .unwrap_or(0)
}
