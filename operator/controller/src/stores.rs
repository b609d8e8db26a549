//! All stores, one a kind, and the question whether they have caught up with our own writes.

use std::fmt::Debug;

use futures::future::join_all;
use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Secret,
    ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::Resource;
use kube::core::PartialObjectMeta;
use sde_crds::{
    AirlockReceipt, AirlockRequest, AirlockReview, Dataset, DestructionRecord, Project,
    ProjectApproval, SdePolicy, Workspace, names,
};
use serde::de::DeserializeOwned;

use crate::apply::{Compare, Managed};
use crate::key::ObjectKey;
use crate::metrics::Metrics;
use crate::store::ObjectStore;
use crate::writes::{Expect, WriteLog, Written};

/// A kind that is watched, and where its objects are kept.
pub trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    /// Its store.
    fn store(stores: &Stores) -> &ObjectStore<Self>;
}

/// What is the same of every store, whatever its kind.
trait AnyStore: Sync {
    fn kind(&self) -> &'static str;
    fn is_ready(&self) -> bool;
    fn shows(&self, written: &Written) -> bool;
    fn report(&self, metrics: &Metrics);
    fn ready(&self) -> futures::future::BoxFuture<'_, ()>;
}

impl<K: Resource + Send + Sync> AnyStore for ObjectStore<K> {
    fn kind(&self) -> &'static str {
        ObjectStore::kind(self)
    }

    fn is_ready(&self) -> bool {
        ObjectStore::is_ready(self)
    }

    fn shows(&self, written: &Written) -> bool {
        match &written.expect {
            Expect::Version(version) => self.has_seen(*version, written.at),
            Expect::Gone(uid) => self.is_gone(&written.key, uid),
        }
    }

    fn report(&self, metrics: &Metrics) {
        metrics.stored(ObjectStore::kind(self), self.len(), self.invalid_count());
    }

    fn ready(&self) -> futures::future::BoxFuture<'_, ()> {
        Box::pin(self.wait_ready())
    }
}

/// Declares the stores: the struct, its construction and the list of all come from one table, so that none is
/// forgotten in one of them.
macro_rules! stores {
    ($($(#[doc = $doc:expr])* $field:ident: $kind:ty = $name:literal,)*) => {
        /// Everything the controller knows of the cluster.
        pub struct Stores {
            $($(#[doc = $doc])* pub $field: ObjectStore<$kind>,)*
            /// Writes of ours that no store has shown yet.
            pub writes: WriteLog,
        }

        impl Default for Stores {
            fn default() -> Self {
                Self { $($field: ObjectStore::new($name),)* writes: WriteLog::default() }
            }
        }

        impl Stores {
            fn each(&self) -> Vec<&dyn AnyStore> {
                vec![$(&self.$field,)*]
            }
        }
    };
}

stores! {
    /// SdePolicies; only the one named `default` counts.
    policies: SdePolicy = "SdePolicy",
    /// Datasets.
    datasets: Dataset = "Dataset",
    /// Projects.
    projects: Project = "Project",
    /// Approvals; `of_project` does not find them (people write them, without labels).
    approvals: ProjectApproval = "ProjectApproval",
    /// Workspaces of all projects.
    workspaces: Workspace = "Workspace",
    /// What is to cross the boundaries of all projects; `of_project` does not find them.
    airlock_requests: AirlockRequest = "AirlockRequest",
    /// Reviews of that; `of_project` does not find them.
    airlock_reviews: AirlockReview = "AirlockReview",
    /// What was decided and handed out, signed.
    airlock_receipts: AirlockReceipt = "AirlockReceipt",
    /// Destruction records.
    records: DestructionRecord = "DestructionRecord",
    /// Our namespaces.
    namespaces: Namespace = "Namespace",
    /// Our network policies.
    network_policies: NetworkPolicy = "NetworkPolicy",
    /// Our quotas.
    quotas: ResourceQuota = "ResourceQuota",
    /// Our limit ranges.
    limit_ranges: LimitRange = "LimitRange",
    /// Our service accounts.
    service_accounts: ServiceAccount = "ServiceAccount",
    /// Our role bindings.
    role_bindings: RoleBinding = "RoleBinding",
    /// Our cluster roles: those of impersonation.
    cluster_roles: ClusterRole = "ClusterRole",
    /// Our claims.
    claims: PersistentVolumeClaim = "PersistentVolumeClaim",
    /// Our volumes.
    volumes: PersistentVolume = "PersistentVolume",
    /// Our pods.
    pods: Pod = "Pod",
    /// Our secrets, without their content.
    secrets: PartialObjectMeta<Secret> = "Secret",
    /// The sentinel's pods, in the controller's own namespace.
    sentinels: Pod = "SentinelPod",
}

impl Stores {
    /// Whether every store has had a complete list.
    pub fn are_ready(&self) -> bool {
        self.each().iter().all(|store| store.is_ready())
    }

    /// Kinds whose first list is still missing.
    pub fn not_ready(&self) -> Vec<&'static str> {
        self.each()
            .iter()
            .filter(|store| !store.is_ready())
            .map(|store| store.kind())
            .collect()
    }

    /// Waits until [`Stores::are_ready`].
    pub async fn wait_ready(&self) {
        join_all(self.each().iter().map(|store| store.ready())).await;
    }

    /// Whether the stores show everything that this process wrote for a project. While they do not, an object
    /// that seems superfluous may be one of our own making, and one that seems missing may exist.
    pub fn caught_up(&self, project: &str) -> bool {
        let stores = self.each();
        self.writes.settle(project, |written| {
            let mut known = stores.iter().filter(|store| store.kind() == written.kind);
            known.all(|store| store.shows(written))
        })
    }

    /// Sets the gauges of what the stores hold.
    pub fn report(&self, metrics: &Metrics) {
        for store in self.each() {
            store.report(metrics);
        }
    }

    /// The policy that counts.
    pub fn policy(&self) -> Option<std::sync::Arc<SdePolicy>> {
        self.policies.get(&ObjectKey::cluster(names::POLICY_NAME))
    }

    /// A Project by name.
    pub fn project(&self, name: &str) -> Option<std::sync::Arc<Project>> {
        self.projects.get(&ObjectKey::cluster(name))
    }

    /// A Dataset by name.
    pub fn dataset(&self, name: &str) -> Option<std::sync::Arc<Dataset>> {
        self.datasets.get(&ObjectKey::cluster(name))
    }
}

macro_rules! watched {
    ($($kind:ty => $field:ident),* $(,)?) => {
        $(impl Watched for $kind {
            fn store(stores: &Stores) -> &ObjectStore<Self> {
                &stores.$field
            }
        })*
    };
}

watched! {
    SdePolicy => policies, Dataset => datasets, Project => projects, ProjectApproval => approvals,
    Workspace => workspaces, AirlockRequest => airlock_requests, AirlockReview => airlock_reviews, AirlockReceipt => airlock_receipts, DestructionRecord => records, Namespace => namespaces,
    NetworkPolicy => network_policies, ResourceQuota => quotas, LimitRange => limit_ranges,
    ServiceAccount => service_accounts, RoleBinding => role_bindings, ClusterRole => cluster_roles,
    PersistentVolumeClaim => claims, PersistentVolume => volumes, Pod => pods, PartialObjectMeta<Secret> => secrets,
}

macro_rules! managed {
    ($($kind:ty => $compare:ident),* $(,)?) => {
        $(impl Managed for $kind {
            const COMPARE: Compare = Compare::$compare;
        })*
    };
}

managed! {
    Namespace => Subset, LimitRange => Subset, PersistentVolumeClaim => Subset, PersistentVolume => Subset,
    Pod => Subset, DestructionRecord => Subset,
    // A field that somebody adds to one of these opens what it locks.
    RoleBinding => Exact, ClusterRole => Exact, ResourceQuota => Exact,
}

impl Managed for NetworkPolicy {
    const COMPARE: Compare = Compare::Exact;
    const CLAIMED: &'static [&'static str] = &["ingress", "egress"];
}

impl Managed for ServiceAccount {
    const COMPARE: Compare = Compare::Subset;
    const ADOPTABLE: bool = true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::watcher::Event;

    #[tokio::test]
    async fn all_stores_are_needed_for_readiness() {
        let stores = Stores::default();
        assert_eq!(stores.not_ready().len(), 21);
        stores.pods.handle(Event::Init);
        stores.pods.handle(Event::InitDone);
        assert!(!stores.are_ready());
        assert!(!stores.not_ready().contains(&"Pod"));
        assert!(futures::FutureExt::now_or_never(stores.wait_ready()).is_none());
    }

    #[test]
    fn a_write_is_caught_up_with_when_its_own_store_shows_it() {
        let stores = Stores::default();
        let key = ObjectKey::namespaced("sde-project-a", "x");
        stores
            .writes
            .note("a".into(), "Pod", key.clone(), Expect::Version(7));
        assert!(!stores.caught_up("a"));
        let mut pod = Pod::default();
        pod.metadata.name = Some("other".into());
        pod.metadata.resource_version = Some("8".into());
        let claim = PersistentVolumeClaim {
            metadata: pod.metadata.clone(),
            ..PersistentVolumeClaim::default()
        };
        stores.claims.handle(Event::Apply(Ok(claim)));
        assert!(!stores.caught_up("a"), "another kind's watch says nothing");
        stores.pods.handle(Event::Apply(Ok(pod)));
        assert!(stores.caught_up("a"));
    }
}
