//! Reads one request with all that decides on it: from the stores while nothing happens, from the API server before every step.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use sde_core::airlock::desired::claim;
use sde_core::airlock::history::{Past, past};
use sde_core::airlock::{self, Claim, Side, seen, transfer};
use sde_core::labels::ProjectId;
use sde_core::project;
use sde_crds::airlock_status::AirlockPhase;
use sde_crds::names::{AIRLOCK_REQUEST_UID_LABEL, POLICY_NAME, PROJECT_NAMESPACE_PREFIX};
use sde_crds::{AirlockRequest, AirlockReview, Project, SdePolicy};

use crate::context::Context;
use crate::key::ObjectKey;
use crate::labels::label;
use crate::project::observe;
use crate::reconcile::ReconcileError;

/// A request and the objects that it was read from.
pub struct Seen {
    /// What core decides on.
    pub observed: airlock::Observed,
    /// Its project.
    pub project: Option<project::Observed>,
    /// Its chamber's claim in the project and in the airlock.
    pub claims: [Option<PersistentVolumeClaim>; 2],
    /// Its chamber's volume.
    pub volume: Option<PersistentVolume>,
    /// Pods of its jobs.
    pub pods: Vec<Pod>,
}

impl Seen {
    /// The claim on a side.
    pub fn claim(&self, side: Side) -> Option<&PersistentVolumeClaim> {
        let [project, airlock] = &self.claims;
        match side {
            Side::Project => project.as_ref(),
            Side::Airlock => airlock.as_ref(),
        }
    }

    /// Whether a claim has a volume that this reading does not show: the stores hold none that is not marked yet.
    pub fn misses_volume(&self) -> bool {
        let chamber = &self.observed.chamber;
        let bound = |side| chamber.claim(side) == Claim::Bound;
        chamber.volume.is_none() && Side::BOTH.into_iter().any(bound)
    }

    /// Name and UID of the project; none where there is no Project.
    pub fn id(&self) -> Option<ProjectId> {
        self.project.as_ref().map(project::Observed::id)
    }
}

/// Parts of a reading.
struct Read {
    request: AirlockRequest,
    reviews: Vec<AirlockReview>,
    project: Option<project::Observed>,
    claims: [Option<PersistentVolumeClaim>; 2],
    volume: Option<PersistentVolume>,
    pods: Vec<Pod>,
}

/// As the stores show it.
pub async fn stored(ctx: &Context, request: &Arc<AirlockRequest>) -> Seen {
    let stores = &ctx.stores;
    let namespace = request.namespace().unwrap_or_default();
    let name = request.name_any();
    let project = project_name(&namespace);
    let id = id_of(project);
    let of = |uid: Option<&str>| uid.is_some() && uid == request.metadata.uid.as_deref();
    let claim = |side: Side| {
        let key = ObjectKey::namespaced(side.namespace(&id), claim::name(request));
        stores.claims.get(&key).map(|c| (*c).clone())
    };
    let volumes = stores.volumes.of_project(project);
    let pods = stores.pods.of_project(project);
    let reviews = stores.airlock_reviews.all();
    let read = Read {
        reviews: reviews
            .iter()
            .filter(|r| r.spec.request == name && r.namespace().as_deref() == Some(&namespace))
            .map(|r| (**r).clone())
            .collect(),
        project: match stores.project(project) {
            Some(project) => Some(observe::stored(ctx, project).await),
            None => None,
        },
        claims: Side::BOTH.map(claim),
        volume: volumes
            .iter()
            .find(|v| of(label(&***v, AIRLOCK_REQUEST_UID_LABEL)))
            .map(|v| (**v).clone()),
        pods: pods
            .iter()
            .filter(|p| of(label(&***p, AIRLOCK_REQUEST_UID_LABEL)))
            .map(|p| (**p).clone())
            .collect(),
        request: (**request).clone(),
    };
    assemble(ctx, &id, read)
}

/// As the API server has it now; none when the request is gone. Who approved the project, and its Datasets, are as the stores show
/// them: what they end ends with the Project's own status, and the next step sees it.
pub async fn live(ctx: &Context, key: &ObjectKey) -> Result<Option<Seen>, ReconcileError> {
    let applier = &ctx.applier;
    let Some(request) = applier.get::<AirlockRequest>(key).await? else {
        return Ok(None);
    };
    let namespace = key.namespace.clone().unwrap_or_default();
    let name = project_name(&namespace);
    let id = id_of(name);
    let of_request = format!(
        "{AIRLOCK_REQUEST_UID_LABEL}={}",
        request.uid().unwrap_or_default()
    );
    let here = Side::Airlock.namespace(&id);
    let policy_key = ObjectKey::cluster(POLICY_NAME);
    let project_key = ObjectKey::cluster(name);
    let claim = claim::name(&request);
    let claim_keys = Side::BOTH.map(|side| ObjectKey::namespaced(side.namespace(&id), &claim));
    let [in_project, in_airlock] = &claim_keys;
    let (reviews, project, policy, inside, outside, volumes, mut pods, more) = tokio::try_join!(
        applier.list::<AirlockReview>(Some(&namespace), ""),
        applier.get::<Project>(&project_key),
        applier.get::<SdePolicy>(&policy_key),
        applier.get::<PersistentVolumeClaim>(in_project),
        applier.get::<PersistentVolumeClaim>(in_airlock),
        applier.list::<PersistentVolume>(None, &of_request),
        applier.list::<Pod>(Some(&namespace), &of_request),
        applier.list::<Pod>(Some(&here), &of_request),
    )?;
    pods.extend(more);
    let claims = [inside, outside];
    let volume = match volumes.into_iter().next() {
        Some(volume) => Some(volume),
        None => bound_volume(ctx, &claims).await?,
    };
    let project = match project {
        Some(project) => {
            let mut observed = observe::stored(ctx, Arc::new(project)).await;
            observed.policy = policy.map(|p| p.spec);
            Some(observed)
        }
        None => None,
    };
    let reviews = reviews
        .into_iter()
        .filter(|r| r.spec.request == key.name)
        .collect();
    let read = Read {
        request,
        reviews,
        project,
        claims,
        volume,
        pods,
    };
    Ok(Some(assemble(ctx, &id, read)))
}

/// The volume that a claim is bound to: while it is not marked yet, it is found by its claim alone.
async fn bound_volume(
    ctx: &Context,
    claims: &[Option<PersistentVolumeClaim>; 2],
) -> Result<Option<PersistentVolume>, ReconcileError> {
    let bound = claims
        .iter()
        .flatten()
        .find_map(|c| c.spec.as_ref()?.volume_name.clone());
    match bound {
        Some(name) => Ok(ctx.applier.get(&ObjectKey::cluster(name)).await?),
        None => Ok(None),
    }
}

fn assemble(ctx: &Context, id: &ProjectId, read: Read) -> Seen {
    let Read {
        request,
        reviews,
        project,
        claims,
        volume,
        pods,
    } = read;
    let [inside, outside] = &claims;
    let now = ctx.clock.now();
    let observed = airlock::Observed {
        chamber: seen::chamber(
            id,
            &request,
            inside.as_ref(),
            outside.as_ref(),
            volume.as_ref(),
        ),
        jobs: pods
            .iter()
            .filter_map(|pod| seen::job(&request, pod))
            .collect(),
        reviews,
        policy: project
            .as_ref()
            .and_then(|p| p.policy.as_ref()?.airlock.clone()),
        project: project.as_ref().map(airlock::Project::of),
        room_to_view: super::act::room_to_view(ctx, id),
        viewing: Some(
            ctx.keys
                .viewing
                .of(request.metadata.uid.as_deref().unwrap_or_default()),
        ),
        history: history(ctx, &request),
        sdes: project
            .as_ref()
            .and_then(|p| p.policy.as_ref())
            .map(|p| transfer::current(p, now))
            .unwrap_or_default(),
        now,
        request,
    };
    Seen {
        observed,
        project,
        claims,
        volume,
        pods,
    }
}

/// The project's other requests as the stores show them, while a request is being scanned: nothing else asks for them.
fn history(ctx: &Context, request: &AirlockRequest) -> Vec<Past> {
    let scanning = request.status.as_ref().map(|s| s.phase) == Some(AirlockPhase::Scanning);
    if !scanning {
        return Vec::new();
    }
    let namespace = request.namespace();
    let reviews = ctx.stores.airlock_reviews.all();
    let here = |r: &&Arc<AirlockReview>| r.namespace() == namespace;
    let reviews: Vec<&AirlockReview> = reviews.iter().filter(here).map(|r| &**r).collect();
    let requests = ctx.stores.airlock_requests.all();
    requests
        .iter()
        .filter(|r| r.namespace() == namespace && r.uid() != request.uid())
        .filter_map(|other| past(other, reviews.iter().copied()))
        .collect()
}

/// The project in whose namespace a request is.
pub fn project_name(namespace: &str) -> &str {
    namespace
        .strip_prefix(PROJECT_NAMESPACE_PREFIX)
        .unwrap_or_default()
}

/// Enough of an id to name namespaces.
fn id_of(project: &str) -> ProjectId {
    ProjectId {
        name: project.to_owned(),
        uid: String::new(),
    }
}
