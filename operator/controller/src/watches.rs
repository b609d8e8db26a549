//! The watches: one a kind, pruned before it is stored, started again with backoff when it fails.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{
    LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Secret,
    ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, DefaultBackoff, Event};
use kube::{Api, Client, Resource};
use sde_crds::policy::PolicyForm;
use sde_crds::{
    AirlockReceipt, AirlockRequest, AirlockReview, Dataset, DestructionRecord, Project,
    ProjectApproval, SdePolicy, Workspace,
};
use tokio::task::JoinSet;

use crate::labels::managed_selector;
use crate::metrics::Metrics;
use crate::policy_form::Doubt;
use crate::routes::{Queues, Route, route_sentinel};
use crate::store::{ObjectStore, Parsed, Touched};
use crate::stores::Stores;

/// Fat objects: smaller pages than kube's 500 keep the peak of a list low.
const PAGE: u32 = 100;
/// What `kubectl apply` leaves: a second copy of the object that nobody here reads.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The sentinel's pods.
const SENTINEL_SELECTOR: &str =
    "app.kubernetes.io/name=sde-operator,app.kubernetes.io/component=sentinel";

type Item<K> = Result<Event<Parsed<K>>, watcher::Error>;

/// Everything that a watch needs.
#[derive(Clone)]
pub struct Watches {
    /// To watch with.
    pub client: Client,
    /// To store in.
    pub stores: Arc<Stores>,
    /// To tell the controllers.
    pub queues: Queues,
    /// To count.
    pub metrics: Arc<Metrics>,
    /// To say that an API server may have started anew, without the policies on its disk.
    pub doubt: Doubt,
}

impl Watches {
    /// Starts all watches. They run until the set is dropped; none ever ends by itself.
    pub fn start(self, namespace: &str) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        self.guarded::<SdePolicy>(&mut tasks);
        self.guarded::<Dataset>(&mut tasks);
        self.guarded::<Project>(&mut tasks);
        self.guarded::<ProjectApproval>(&mut tasks);
        self.guarded::<Workspace>(&mut tasks);
        self.guarded::<AirlockRequest>(&mut tasks);
        self.guarded::<AirlockReview>(&mut tasks);
        self.guarded::<AirlockReceipt>(&mut tasks);
        self.guarded::<DestructionRecord>(&mut tasks);
        self.managed::<Namespace>(&mut tasks);
        self.managed::<NetworkPolicy>(&mut tasks);
        self.managed::<ResourceQuota>(&mut tasks);
        self.managed::<LimitRange>(&mut tasks);
        self.managed::<ServiceAccount>(&mut tasks);
        self.managed::<RoleBinding>(&mut tasks);
        self.managed::<ClusterRole>(&mut tasks);
        self.managed::<PersistentVolumeClaim>(&mut tasks);
        self.managed::<PersistentVolume>(&mut tasks);
        self.managed::<Pod>(&mut tasks);
        // Only their metadata: the controller never needs to read a workspace's token.
        self.managed::<PartialObjectMeta<Secret>>(&mut tasks);
        self.sentinels(namespace, &mut tasks);
        tasks
    }

    /// Our own kinds: people write them, so one that does not parse must not stop the watch.
    fn guarded<K: Route>(&self, tasks: &mut JoinSet<()>) {
        let api: Api<DeserializeGuard<K>> = Api::all(self.client.clone());
        let stream = watcher::watcher(api, config(""))
            .map(|item| item.map(|event| map(event, |guard| guard.0.map_err(Box::new))));
        self.follow_routed(stream, tasks);
    }

    /// Kinds that the API server itself validates, of our making.
    fn managed<K: Route>(&self, tasks: &mut JoinSet<()>) {
        let api: Api<K> = Api::all(self.client.clone());
        let stream = watcher::watcher(api, config(&managed_selector()))
            .map(|item| item.map(|event| map(event, Ok)));
        self.follow_routed(stream, tasks);
    }

    fn sentinels(&self, namespace: &str, tasks: &mut JoinSet<()>) {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let stream = watcher::watcher(api, config(SENTINEL_SELECTOR))
            .map(|item| item.map(|event| map(event, Ok)));
        let watches = self.clone();
        tasks.spawn(async move {
            let Watches { stores, queues, .. } = &watches;
            watches
                .follow(stream, &stores.sentinels, |touched| {
                    route_sentinel(touched, stores, queues)
                })
                .await;
        });
    }

    fn follow_routed<K: Route>(
        &self,
        stream: impl Stream<Item = Item<K>> + Send + 'static,
        tasks: &mut JoinSet<()>,
    ) {
        let watches = self.clone();
        tasks.spawn(async move {
            let Watches { stores, queues, .. } = &watches;
            watches
                .follow(stream, K::store(stores), |touched| {
                    K::route(touched, stores, queues)
                })
                .await;
        });
    }

    async fn follow<K: Resource + Clone + Debug + Send>(
        &self,
        stream: impl Stream<Item = Item<K>> + Send,
        store: &ObjectStore<K>,
        route: impl Fn(&Touched<K>),
    ) {
        let metrics = &self.metrics;
        let mut stream = std::pin::pin!(stream.backoff(ShortBackoff::default()));
        let mut broke = false;
        while let Some(item) = stream.next().await {
            match item {
                Ok(event) => {
                    let touched = store.handle(event.modify(prune));
                    for change in &touched {
                        if let Some(meta) =
                            change.invalid.as_ref().filter(|_| change.after.is_none())
                        {
                            warn_invalid(store, meta);
                        }
                        route(change);
                    }
                    metrics.stored(store.kind(), store.len(), store.invalid_count());
                    if std::mem::take(&mut broke) {
                        self.came_back();
                    }
                }
                Err(error) => {
                    broke = true;
                    metrics.watch_restarted(store.kind(), cause(&error));
                    tracing::warn!(
                        kind = store.kind(),
                        cause = cause(&error),
                        "watch failed: {error}"
                    );
                }
            }
        }
    }

    /// An API server that comes back may have left the policies on its disk out: where a tier asks for them, that is found
    /// out now and not at the next scheduled time.
    fn came_back(&self) {
        let policy = self.stores.policy();
        let demanded = policy.iter().flat_map(|p| &p.spec.tiers);
        if demanded
            .into_iter()
            .any(|t| t.policy_form == Some(PolicyForm::Static))
        {
            self.doubt.raise();
            self.queues.add_all(&self.stores);
        }
    }
}

/// How long one watch call lasts, in seconds, before it is asked for again from where it was. A connection that died
/// without a word (an API server killed behind a proxy) is noticed that much later and a few seconds, at the latest.
const WATCH_SECONDS: u32 = 45;

/// The longest pause between two attempts. An API server that starts refuses each watch several times (connection, RBAC
/// not loaded, storage not ready, version expired), so with kube's half minute its return is noticed two minutes late.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// kube's backoff, cut off at [`LONGEST_PAUSE`].
#[derive(Default)]
struct ShortBackoff(DefaultBackoff);

impl Iterator for ShortBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|pause| pause.min(LONGEST_PAUSE))
    }
}

impl Backoff for ShortBackoff {
    fn reset(&mut self) {
        self.0.reset();
    }
}

fn config(selector: &str) -> watcher::Config {
    watcher::Config::default()
        .labels(selector)
        .page_size(PAGE)
        .timeout(WATCH_SECONDS)
}

fn map<A, B>(event: Event<A>, with: impl FnOnce(A) -> B) -> Event<B> {
    match event {
        Event::Apply(object) => Event::Apply(with(object)),
        Event::Delete(object) => Event::Delete(with(object)),
        Event::InitApply(object) => Event::InitApply(with(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// managedFields are most of an object's memory, and must be gone before it is stored.
fn prune<K: Resource>(object: &mut Parsed<K>) {
    let meta = match object {
        Ok(object) => object.meta_mut(),
        Err(invalid) => &mut invalid.metadata,
    };
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

fn warn_invalid<K: Resource>(store: &ObjectStore<K>, meta: &kube::core::ObjectMeta) {
    let key = crate::key::ObjectKey::of_meta(meta);
    if let Some(error) = store.invalid(&key) {
        tracing::warn!(kind = store.kind(), name = %key, "the object does not parse and is ignored: {error}");
    }
}

fn cause(error: &watcher::Error) -> &'static str {
    match error {
        watcher::Error::InitialListFailed(_) => "list",
        watcher::Error::WatchStartFailed(_) => "start",
        watcher::Error::WatchError(status) if status.code == 410 => "gone",
        watcher::Error::WatchError(_) => "status",
        watcher::Error::WatchFailed(_) => "stream",
        watcher::Error::NoResourceVersion => "version",
    }
}
