//! What is attacked through the API server: a project that is open, with a notebook in it, and the operator.

use k8s_openapi::api::core::v1::{PersistentVolume, Pod, ResourceQuota};
use kube::api::{Api, ListParams};
use sde_crds::{Dataset, Project, ProjectApproval, Workspace};

use crate::controls;
use crate::words::Words;

/// The controller's ServiceAccount.
const CONTROLLER: &str = "sde-controller";

/// Placeholders that stand for the same in attack and control.
pub(crate) const SHARED: [&str; 3] = ["image", "node", "elsewhere"];

/// Where the attacks strike.
#[derive(Debug, Clone)]
pub struct Place {
    /// The project, Active.
    pub project: String,
    /// Its namespace.
    pub namespace: String,
    /// One of its Workspaces, Running.
    pub workspace: String,
    /// The operator's namespace.
    pub system: String,
    /// Who works in the Workspace.
    pub person: String,
}

/// User name of the operator's controller.
pub(crate) fn controller_user(system: &str) -> String {
    format!("system:serviceaccount:{system}:{CONTROLLER}")
}

/// What the placeholders stand for. What this cluster does not have (a volume, a folder of a node) is left out, and with it the
/// attacks that need it. `csr` is a signing request in the name of [`controller_user`], in base64.
///
/// # Errors
/// When the API server does not answer, or something of `place` does not exist.
pub(crate) async fn words(
    client: &kube::Client,
    place: &Place,
    csr: String,
) -> Result<Words, kube::Error> {
    let namespaced = &place.namespace;
    let project = Api::<Project>::all(client.clone())
        .get(&place.project)
        .await?;
    let workspace = Api::<Workspace>::namespaced(client.clone(), namespaced)
        .get(&place.workspace)
        .await?;
    let pod = workspace.status.and_then(|s| s.pod).map(|p| p.name);
    let pod = Api::<Pod>::namespaced(client.clone(), namespaced)
        .get(&pod.unwrap_or_default())
        .await?;
    let spec = pod.spec.as_ref();
    let mut words = fixed(place);
    words.insert("csr", csr);
    let quotas = Api::<ResourceQuota>::namespaced(client.clone(), namespaced)
        .list(&ListParams::default().limit(1))
        .await?;
    let controllers = ListParams::default().labels("app.kubernetes.io/component=controller");
    let controllers = Api::<Pod>::namespaced(client.clone(), &place.system)
        .list(&controllers)
        .await?;
    let approvals = Api::<ProjectApproval>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    let approval = approvals
        .into_iter()
        .find(|a| a.spec.project == place.project);
    let volume = volume(client, namespaced).await?;
    let found = [
        (
            "image",
            spec.and_then(|s| s.containers.first()?.image.clone()),
        ),
        ("node", spec.and_then(|s| s.node_name.clone())),
        ("poduid", pod.metadata.uid.clone()),
        ("pod", pod.metadata.name.clone()),
        ("claim", home(&pod)),
        ("projectuid", project.metadata.uid.clone()),
        (
            "specdigest",
            project.status.as_ref().and_then(|s| s.spec_digest.clone()),
        ),
        ("approval", approval.and_then(|a| a.metadata.name)),
        (
            "quota",
            quotas.into_iter().next().and_then(|q| q.metadata.name),
        ),
        (
            "systempod",
            controllers.into_iter().next().and_then(|p| p.metadata.name),
        ),
        ("volume", volume.clone()),
        ("grantvolume", volume),
        ("path", folder(client, &project).await?),
    ];
    let known = |(name, word): (&'static str, Option<String>)| word.map(|word| (name, word));
    words.extend(found.into_iter().filter_map(known));
    Ok(words)
}

fn fixed(place: &Place) -> Words {
    [
        ("ns", place.namespace.as_str()),
        ("elsewhere", controls::NAMESPACE),
        ("container", "notebook"),
        ("project", &place.project),
        ("policy", "default-deny"),
        ("system", &place.system),
        ("controller", CONTROLLER),
        ("controlleruser", &controller_user(&place.system)),
        ("key", "sde-attestation-key"),
        ("falselabel", "sde-operator.dev/project"),
        ("person", &place.person),
        ("admission", "project-namespace-lock.sde-operator.dev"),
        ("systemdeployment", "sde-sentinel"),
        ("systemcontainer", "sentinel"),
        ("systempolicy", "sde-default-deny"),
    ]
    .map(|(name, word)| (name, word.to_owned()))
    .into()
}

fn home(pod: &Pod) -> Option<String> {
    let mut volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
    let claim = volumes
        .find(|v| v.name == "home")?
        .persistent_volume_claim
        .as_ref()?;
    Some(claim.claim_name.clone())
}

/// A volume that a dataset's claim is bound to.
async fn volume(client: &kube::Client, namespace: &str) -> Result<Option<String>, kube::Error> {
    let volumes = Api::<PersistentVolume>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    let of_dataset = |volume: &PersistentVolume| {
        volume.spec.as_ref().is_some_and(|spec| {
            let claim = spec.claim_ref.as_ref().and_then(|c| c.namespace.as_deref());
            let modes = spec.access_modes.iter().flatten();
            claim == Some(namespace) && modes.into_iter().any(|mode| mode == "ReadOnlyMany")
        })
    };
    Ok(volumes
        .into_iter()
        .find(of_dataset)
        .and_then(|v| v.metadata.name))
}

/// A folder of a node that is a dataset of the project.
async fn folder(client: &kube::Client, project: &Project) -> Result<Option<String>, kube::Error> {
    let datasets = Api::<Dataset>::all(client.clone());
    for grant in &project.spec.datasets {
        let dataset = datasets.get_opt(&grant.dataset).await?;
        let path = dataset
            .and_then(|d| d.spec.source.host_path)
            .map(|h| h.path);
        if path.is_some() {
            return Ok(path);
        }
    }
    Ok(None)
}
