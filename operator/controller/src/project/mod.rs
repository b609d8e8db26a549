//! The Project controller: observe, validate, desired, apply, status, prune; and the closing of a Project.

pub mod apply;
pub mod closing;
pub mod observe;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use sde_core::conditions::{find, types};
use sde_core::project::{self, Observed};
use sde_crds::Project;
use sde_crds::names::CLOSING_FINALIZER;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::{ProjectPhase, ProjectStatus};

use crate::apply::{ApplyError, FieldManager};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::events::Severity;
use crate::reconcile::{Action, Reconcile, ReconcileError};

/// How long to wait for a watch to show what this process wrote, should its event be lost.
const CATCH_UP: Duration = Duration::from_millis(500);

/// The Project controller.
pub struct ProjectController {
    /// What is known of the cluster.
    pub cluster: Arc<Cluster>,
}

impl Reconcile for ProjectController {
    const NAME: &'static str = "project";
    type Kind = Project;

    async fn reconcile(
        &self,
        ctx: &Context,
        project: Arc<Project>,
    ) -> Result<Action, ReconcileError> {
        wait_until_caught_up(ctx, &project.name_any())?;
        if project.spec.lifecycle == Lifecycle::Closed {
            return closing::reconcile(ctx, &self.cluster, &project).await;
        }
        let settings = &self.cluster.settings;
        let observed = observe::project(ctx, project.clone(), observe::own_pods).await;
        let validation = project::validate(&observed);
        let desired = project::desired(&observed, settings, &validation).map_err(|e| {
            ReconcileError::Invalid {
                reason: "QuantityInvalid",
                message: e.to_string(),
            }
        })?;
        if desired.namespace.is_some() {
            ctx.applier
                .set_finalizer(&*project, CLOSING_FINALIZER, true)
                .await?;
        }
        let applied = match apply::apply(ctx, desired).await {
            Ok(applied) => applied,
            Err(error) => return self.not_applied(ctx, &observed, &validation, error).await,
        };
        let outcome = project::status(
            &observed,
            &validation,
            &applied,
            settings.recursive_read_only,
        );
        publish(ctx, &project, &outcome.status);
        ctx.applier
            .apply_status(&*project, &outcome.status, FieldManager::Project)
            .await?;
        // After the status: a proof is told before the gate it opens, a report before the pod that holds it goes.
        apply::open_gates(ctx, &applied).await?;
        apply::prune(ctx, &applied).await?;
        Ok(Action::After(outcome.look_again))
    }
}

impl ProjectController {
    /// What people must mend goes into the status; what passes by itself is only tried again.
    async fn not_applied(
        &self,
        ctx: &Context,
        observed: &Observed,
        validation: &project::validate::Validation,
        error: ApplyError,
    ) -> Result<Action, ReconcileError> {
        if error.needs_people() {
            let status =
                project::refused::status(observed, validation, error.reason(), &error.to_string());
            publish(ctx, &observed.project, &status);
            ctx.applier
                .apply_status(&observed.project, &status, FieldManager::Project)
                .await?;
        }
        Err(error.into())
    }
}

/// Decisions are made on stores that show everything this process wrote for the project.
///
/// # Errors
/// `NotReady` while they do not.
pub fn wait_until_caught_up(ctx: &Context, project: &str) -> Result<(), ReconcileError> {
    if ctx.stores.caught_up(project) {
        return Ok(());
    }
    Err(ReconcileError::NotReady {
        reason: "CatchingUp",
        message: "the stores do not show our own writes yet".to_owned(),
        after: CATCH_UP,
    })
}

/// Tells of a Ready condition that says something new.
pub fn publish(ctx: &Context, project: &Project, status: &ProjectStatus) {
    let Some(ready) = status
        .conditions
        .as_ref()
        .and_then(|c| find(c, types::READY))
    else {
        return;
    };
    let before = project
        .status
        .as_ref()
        .and_then(|s| s.conditions.as_ref())
        .and_then(|c| find(c, types::READY));
    if before.is_some_and(|b| b.reason == ready.reason && b.message == ready.message) {
        return;
    }
    let fine = matches!(
        status.phase,
        ProjectPhase::Active | ProjectPhase::Opening | ProjectPhase::Closing | ProjectPhase::Closed
    );
    let severity = if fine {
        Severity::Normal
    } else {
        Severity::Warning
    };
    ctx.events.publish(
        project,
        severity,
        "Reconcile",
        &ready.reason,
        &ready.message,
    );
}
