//! Which reconciles a change asks for. Objects are mapped by label, never by owner reference: kube's owner
//! mapping would give a cluster-scoped Project a key with its child's namespace, and so two reconciles at once.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Secret,
    ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::{Resource, ResourceExt};
use sde_crds::airlock_request::Direction;
use sde_crds::project::Lifecycle;
use sde_crds::project_status::ProjectPhase;
use sde_crds::{
    AirlockReceipt, AirlockRequest, AirlockReview, Dataset, DestructionRecord, Project,
    ProjectApproval, SdePolicy, Workspace, names,
};

use crate::key::ObjectKey;
use crate::queue::Queue;
use crate::sentinel::ready_address;
use crate::store::Touched;
use crate::stores::{Stores, Watched};

/// One queue a controller.
#[derive(Clone, Default)]
pub struct Queues {
    /// Of Projects.
    pub project: Arc<Queue>,
    /// Of Workspaces.
    pub workspace: Arc<Queue>,
    /// Of AirlockRequests.
    pub airlock: Arc<Queue>,
    /// Of Datasets.
    pub dataset: Arc<Queue>,
    /// Of whom hub and portal may act for: one key, that of the SdePolicy.
    pub access: Arc<Queue>,
}

impl Queues {
    /// Asks for a reconcile of one Project.
    pub fn add_project(&self, name: &str) {
        self.project.add(ObjectKey::cluster(name));
    }

    /// Asks for a reconcile of every Project, Workspace and AirlockRequest.
    pub fn add_all(&self, stores: &Stores) {
        self.add_projects(stores, |_| true);
        self.add_workspaces(stores, |_| true);
        self.add_requests(stores, |_| true);
    }

    fn add_projects(&self, stores: &Stores, wanted: impl Fn(&Project) -> bool) {
        for project in stores.projects.all().iter().filter(|p| wanted(p)) {
            self.add_project(&project.name_any());
        }
    }

    fn add_workspaces(&self, stores: &Stores, wanted: impl Fn(&Workspace) -> bool) {
        for workspace in stores.workspaces.all().iter().filter(|w| wanted(w)) {
            self.workspace.add(ObjectKey::of(&**workspace));
        }
    }

    fn add_requests(&self, stores: &Stores, wanted: impl Fn(&AirlockRequest) -> bool) {
        for request in stores.airlock_requests.all().iter().filter(|r| wanted(r)) {
            self.airlock.add(ObjectKey::of(&**request));
        }
    }

    fn add_access(&self) {
        self.access.add(ObjectKey::cluster(names::POLICY_NAME));
    }

    fn add_datasets(&self, project: &Project) {
        for grant in &project.spec.datasets {
            self.dataset.add(ObjectKey::cluster(&grant.dataset));
        }
    }
}

/// A kind whose changes ask for reconciles.
pub trait Route: Watched {
    /// Adds the keys that a change concerns.
    fn route(touched: &Touched<Self>, stores: &Stores, queues: &Queues);
}

impl<K: Resource> Touched<K> {
    /// The object on both sides of the change.
    fn sides(&self) -> impl Iterator<Item = &Arc<K>> {
        self.before.iter().chain(&self.after)
    }

    fn metas(&self) -> impl Iterator<Item = &ObjectMeta> {
        self.sides().map(|o| o.meta()).chain(&self.invalid)
    }

    /// Whether it came, went, or got another spec; not when only its status changed.
    fn is_more_than_status(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                before.meta().generation != after.meta().generation
                    || before.meta().deletion_timestamp != after.meta().deletion_timestamp
                    || before.meta().uid != after.meta().uid
            }
            _ => true,
        }
    }
}

impl Route for SdePolicy {
    fn route(_: &Touched<Self>, stores: &Stores, queues: &Queues) {
        queues.add_access();
        queues.add_all(stores);
        for dataset in stores.datasets.all() {
            queues.dataset.add(ObjectKey::of(&*dataset));
        }
    }
}

impl Route for Dataset {
    fn route(touched: &Touched<Self>, stores: &Stores, queues: &Queues) {
        for meta in touched.metas() {
            let key = ObjectKey::of_meta(meta);
            if touched.is_more_than_status() {
                queues.add_projects(stores, |p| {
                    p.spec.datasets.iter().any(|g| g.dataset == key.name)
                });
            }
            queues.dataset.add(key);
        }
    }
}

impl Route for Project {
    fn route(touched: &Touched<Self>, stores: &Stores, queues: &Queues) {
        for meta in touched.metas() {
            let key = ObjectKey::of_meta(meta);
            let namespace = names::project_namespace(&key.name);
            queues.add_workspaces(stores, |w| w.namespace().as_deref() == Some(&namespace));
            queues.add_requests(stores, |r| r.namespace().as_deref() == Some(&namespace));
            queues.project.add(key);
        }
        if touched.is_more_than_status() {
            queues.add_access();
        }
        if touched.is_more_than_status() || grants(&touched.before) != grants(&touched.after) {
            touched
                .sides()
                .for_each(|project| queues.add_datasets(project));
        }
    }
}

/// What a Dataset's count of grants depends on.
fn grants(project: &Option<Arc<Project>>) -> Vec<String> {
    let status = project.as_ref().and_then(|p| p.status.as_ref());
    let open = status.filter(|s| s.phase != ProjectPhase::Closed);
    let grants = open.into_iter().flat_map(|s| s.datasets.iter().flatten());
    grants.map(|grant| grant.dataset.clone()).collect()
}

impl Route for ProjectApproval {
    fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
        touched
            .sides()
            .for_each(|approval| queues.add_project(&approval.spec.project));
    }
}

impl Route for AirlockReceipt {
    fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
        touched.sides().for_each(|receipt| {
            let namespace = names::project_namespace(&receipt.spec.project);
            let key = ObjectKey::namespaced(namespace, &receipt.spec.request);
            queues.airlock.add(key);
        });
    }
}

impl Route for DestructionRecord {
    fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
        touched
            .sides()
            .for_each(|record| queues.add_project(&record.spec.project));
    }
}

impl Route for Workspace {
    fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
        for meta in touched.metas() {
            if let Some(project) = meta
                .namespace
                .as_deref()
                .and_then(|n| n.strip_prefix(names::PROJECT_NAMESPACE_PREFIX))
            {
                queues.add_project(project);
            }
            queues.workspace.add(ObjectKey::of_meta(meta));
        }
    }
}

impl Route for AirlockRequest {
    fn route(touched: &Touched<Self>, stores: &Stores, queues: &Queues) {
        for meta in touched.metas() {
            let project = meta
                .namespace
                .as_deref()
                .and_then(|n| n.strip_prefix(names::PROJECT_NAMESPACE_PREFIX));
            // A closure waits for what was approved, and for chambers to be gone.
            let closing = project
                .and_then(|p| stores.project(p))
                .filter(|p| p.spec.lifecycle == Lifecycle::Closed);
            if let Some(closing) = closing {
                queues.add_project(&closing.name_any());
            }
            queues.airlock.add(ObjectKey::of_meta(meta));
        }
        // What is released comes in, and what is revoked goes out, with a start of a workspace.
        let mut sides = touched.sides();
        if let Some(import) = sides.find(|r| r.spec.direction == Direction::Import) {
            let (namespace, user) = (import.namespace(), &import.spec.requester);
            queues.add_workspaces(stores, |w| {
                w.namespace() == namespace && w.spec.user == *user
            });
        }
    }
}

impl Route for AirlockReview {
    fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
        for review in touched.sides() {
            let namespace = review.namespace().unwrap_or_default();
            queues
                .airlock
                .add(ObjectKey::namespaced(namespace, &review.spec.request));
        }
    }
}

impl Route for RoleBinding {
    fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
        queues.add_access();
        route_labelled(touched, queues);
    }
}

impl Route for ClusterRole {
    fn route(_: &Touched<Self>, _: &Stores, queues: &Queues) {
        queues.add_access();
    }
}

/// Objects of our making: their labels say whose they are.
fn route_labelled<K: Resource>(touched: &Touched<K>, queues: &Queues) {
    for meta in touched.metas() {
        let label = |name: &str| meta.labels.as_ref().and_then(|l| l.get(name));
        let Some(project) = label(names::PROJECT_LABEL) else {
            continue;
        };
        if let Some(request) = label(names::AIRLOCK_REQUEST_LABEL) {
            queues.airlock.add(ObjectKey::namespaced(
                names::project_namespace(project),
                request,
            ));
            continue;
        }
        queues.add_project(project);
        if let Some(workspace) = label(names::WORKSPACE_LABEL) {
            queues.workspace.add(ObjectKey::namespaced(
                names::project_namespace(project),
                workspace,
            ));
        }
    }
}

macro_rules! labelled {
    ($($kind:ty),* $(,)?) => {
        $(impl Route for $kind {
            fn route(touched: &Touched<Self>, _: &Stores, queues: &Queues) {
                route_labelled(touched, queues);
            }
        })*
    };
}

labelled!(
    Namespace,
    NetworkPolicy,
    ResourceQuota,
    LimitRange,
    ServiceAccount,
    PersistentVolumeClaim,
    PersistentVolume,
    Pod,
    PartialObjectMeta<Secret>,
);

/// A sentinel that came, went or moved concerns every proof.
pub fn route_sentinel(touched: &Touched<Pod>, stores: &Stores, queues: &Queues) {
    let address = |pod: &Option<Arc<Pod>>| pod.as_deref().and_then(ready_address);
    if address(&touched.before) != address(&touched.after) {
        queues.add_all(stores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(project: &str, workspace: Option<&str>) -> Arc<Pod> {
        let mut pod = Pod::default();
        pod.metadata.name = Some("x".into());
        pod.metadata.namespace = Some("elsewhere".into());
        let mut labels = std::collections::BTreeMap::from([(
            names::PROJECT_LABEL.to_owned(),
            project.to_owned(),
        )]);
        labels.extend(workspace.map(|w| (names::WORKSPACE_LABEL.to_owned(), w.to_owned())));
        pod.metadata.labels = Some(labels);
        Arc::new(pod)
    }

    async fn drain(queue: &Queue) -> Vec<ObjectKey> {
        let mut keys = Vec::new();
        while queue.depth() > 0 {
            keys.push(queue.next().await.key);
        }
        keys
    }

    #[tokio::test]
    async fn children_in_any_namespace_give_the_project_one_key_without_namespace() {
        let queues = Queues::default();
        let touched = Touched {
            before: Some(pod("one", None)),
            after: Some(pod("one", Some("w"))),
            invalid: None,
        };
        Pod::route(&touched, &Stores::default(), &queues);
        assert_eq!(drain(&queues.project).await, [ObjectKey::cluster("one")]);
        assert_eq!(
            drain(&queues.workspace).await,
            [ObjectKey::namespaced("sde-project-one", "w")]
        );
    }

    #[tokio::test]
    async fn an_object_that_changes_its_project_concerns_both() {
        let queues = Queues::default();
        let touched = Touched {
            before: Some(pod("one", None)),
            after: Some(pod("two", None)),
            invalid: None,
        };
        Pod::route(&touched, &Stores::default(), &queues);
        assert_eq!(
            drain(&queues.project).await,
            [ObjectKey::cluster("one"), ObjectKey::cluster("two")]
        );
    }
}
