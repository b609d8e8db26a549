//! What is lived while faults are armed: by a project, or by one request in an open project.

use sde_crds::AirlockRequest;

use super::airlock_export::{CHECKERS, Export, project};
use super::airlock_import::bring;
use super::airlock_transfer as transfer;
use super::error::{Result, SuiteError};
use super::lab::Lab;
use super::life::Life;
use crate::controlplane::fault_proxy::{Fault, Rule, Write};

/// Phases that a request enters, Released included.
const ROUNDS: i64 = 7;

/// What is lived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// A project's opening and closing.
    Project,
    /// An export out of an open project.
    Export,
    /// An import into an open project.
    Import,
    /// A transfer of an open project's grant.
    Transfer,
}

impl Course {
    /// In words.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Project => "a project",
            Self::Export => "an export",
            Self::Import => "an import",
            Self::Transfer => "a transfer",
        }
    }

    /// Name of the test of one fault.
    pub(super) fn test_name(self, fault: Fault) -> String {
        match self {
            Self::Project => format!("faults: {fault}, at writes of opening and closing"),
            Self::Export | Self::Import | Self::Transfer => {
                format!("airlock: {fault}, at writes of {}", self.what())
            }
        }
    }

    /// Begins the names of projects that have a fault: no two courses live in one project.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Project => 'f',
            Self::Export => 'x',
            Self::Import => 'i',
            Self::Transfer => 't',
        }
    }

    /// Names of the projects without faults.
    pub(super) fn references(self) -> (&'static str, &'static str) {
        match self {
            Self::Project => ("lifezero", "lifeone"),
            Self::Export => ("exportzero", "exportone"),
            Self::Import => ("importzero", "importone"),
            Self::Transfer => ("transferzero", "transferone"),
        }
    }

    /// One life with at most one fault; returns the controller's writes.
    ///
    /// # Errors
    /// When it does not come about as without faults.
    pub(super) async fn live(
        self,
        lab: &Lab,
        name: &str,
        rule: Option<Rule>,
    ) -> Result<Vec<Write>> {
        let result = match self {
            Self::Project => {
                let life = Life::new(lab, name);
                lab.proxy.arm(name, rule);
                async {
                    life.open().await?;
                    life.close().await.map(|_| ())
                }
                .await
            }
            Self::Export => {
                project(lab, name)?.open().await?;
                lab.proxy.arm(name, rule);
                export(lab, name).await
            }
            Self::Import => {
                project(lab, name)?.open().await?;
                lab.proxy.arm(name, rule);
                let brought = bring(lab, name, "tool").await;
                brought.and_then(|(_, released)| each_phase_once(&released))
            }
            Self::Transfer => {
                transfer::project(lab, name)?.open().await?;
                lab.proxy.arm(name, rule);
                let handed_over = transfer::hand_over(lab, name, "cohort").await;
                handed_over.and_then(|collected| each_phase_once(&collected))
            }
        };
        let writes = lab.proxy.disarm(name);
        result?;
        Ok(writes)
    }
}

/// An export that enters each phase once, is looked at by its reviewers and collected once.
async fn export(lab: &Lab, project: &str) -> Result<()> {
    let export = Export::ask(lab, project, "tables").await?;
    export.looked_at_and_released(CHECKERS).await?;
    each_phase_once(&export.collected().await?)
}

/// Collecting enters no phase.
fn each_phase_once(released: &AirlockRequest) -> Result<()> {
    let rounds = released.status.as_ref().map_or(0, |s| s.round);
    if rounds == ROUNDS {
        return Ok(());
    }
    Err(SuiteError::Check(format!(
        "{rounds} phases were entered on the way to Released, not {ROUNDS}"
    )))
}
