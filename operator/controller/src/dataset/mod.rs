//! The Dataset controller: validates a registration and counts its grants. It makes nothing.

use std::sync::Arc;

use kube::ResourceExt;
use sde_core::dataset::{Observed, status, validate};
use sde_crds::Dataset;
use sde_crds::project_status::ProjectPhase;

use crate::apply::FieldManager;
use crate::context::Context;
use crate::reconcile::{Action, Reconcile, ReconcileError};

/// The Dataset controller.
pub struct DatasetController;

impl Reconcile for DatasetController {
    const NAME: &'static str = "dataset";
    type Kind = Dataset;

    async fn reconcile(
        &self,
        ctx: &Context,
        dataset: Arc<Dataset>,
    ) -> Result<Action, ReconcileError> {
        let name = dataset.name_any();
        let projects = ctx.stores.projects.all();
        let granted = projects
            .iter()
            .filter_map(|p| p.status.as_ref())
            .filter(|s| {
                s.phase != ProjectPhase::Closed
                    && s.datasets.iter().flatten().any(|g| g.dataset == name)
            });
        let observed = Observed {
            policy: ctx.stores.policy().map(|p| p.spec.clone()),
            grants: i64::try_from(granted.count()).unwrap_or(i64::MAX),
            now: ctx.clock.now(),
            dataset: (*dataset).clone(),
        };
        let rejections = validate(&observed);
        ctx.applier
            .apply_status(
                &*dataset,
                &status(&observed, &rejections),
                FieldManager::Dataset,
            )
            .await?;
        Ok(Action::Resync)
    }
}
