//! The access controller: keeps the ClusterRoles by which hub and portal act for people. It has one key, that of the
//! SdePolicy, and works also while there is none: the roles are then for nobody.

use std::sync::Arc;

use kube::ResourceExt;
use sde_core::access::{Form, Observed, desired};
use sde_crds::names::{PROJECT_UID_LABEL, RESEARCHER_CLUSTER_ROLE, project_namespace};
use sde_crds::{Project, SdePolicy};

use crate::apply::FieldManager;
use crate::context::Context;
use crate::key::ObjectKey;
use crate::labels::label;
use crate::reconcile::{Action, Reconcile, ReconcileError};

/// The access controller.
pub struct AccessController {
    /// What this cluster's API server knows.
    pub form: Form,
}

impl Reconcile for AccessController {
    const NAME: &'static str = "access";
    type Kind = SdePolicy;

    async fn reconcile(&self, ctx: &Context, _: Arc<SdePolicy>) -> Result<Action, ReconcileError> {
        self.keep(ctx).await?;
        Ok(Action::Resync)
    }

    async fn gone(&self, ctx: &Context, _: &ObjectKey) -> Result<(), ReconcileError> {
        self.keep(ctx).await
    }
}

impl AccessController {
    async fn keep(&self, ctx: &Context) -> Result<(), ReconcileError> {
        for role in desired(&observe(ctx, self.form)) {
            ctx.applier.apply(&role, FieldManager::Access).await?;
        }
        Ok(())
    }
}

fn observe(ctx: &Context, form: Form) -> Observed {
    let binding = |project: &Project| {
        let namespace = project_namespace(&project.name_any());
        let key = ObjectKey::namespaced(namespace, RESEARCHER_CLUSTER_ROLE);
        let found = ctx.stores.role_bindings.get(&key)?;
        let ours = label(&*found, PROJECT_UID_LABEL) == project.metadata.uid.as_deref();
        ours.then_some(found)
    };
    Observed {
        projects: ctx
            .stores
            .projects
            .all()
            .into_iter()
            .map(|project| {
                let binding = binding(&project);
                (project, binding)
            })
            .collect(),
        policy: ctx.stores.policy().map(|p| p.spec.clone()),
        form,
    }
}
